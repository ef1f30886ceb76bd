"""Passwords known from breaches: refused when chosen, to be changed when found at sign-in; nobody waits long for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import breaches, conf, passwords
from accounts.models import Tenant, User
from audit import breakers
from audit.models import Event
from tests.accounts.range_server import RangeServer, running
from tests.accounts.signing_in import is_in, password_step, token_step
from tests.accounts.test_change_a_password import change
from tests.factories import accounts as people

KNOWN = "a breached set of quiet words"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No destination is left alone because of an earlier story, and a slow machine has time to answer."""
    breakers.to.cache_clear()
    monkeypatch.setattr(conf, "BREACH_SECONDS", 30.0)


@pytest.fixture
def service(settings: Any) -> Iterator[RangeServer]:
    """A range service that knows two passwords, and is asked."""
    with running(KNOWN, people.PASSWORD) as server:
        settings.HIBP_URL = server.url + "/range/"
        yield server


def told(action: str) -> list[tuple[str, str]]:
    return [(event.outcome, event.reason) for event in Event.objects.filter(action=action).order_by("id")]


# --- asking ----------------------------------------------------------------------------------------------------------
def test_five_digits_leave_the_house_and_padding_is_asked_for(service: RangeServer) -> None:
    assert breaches.is_known(KNOWN) is True
    assert breaches.is_known("some other quiet words") is False
    assert service.asked[0] == (f"/range/{RangeServer.digest(KNOWN)[:5]}", "true")


def test_a_bare_host_is_asked_where_the_service_answers(service: RangeServer, settings: Any) -> None:
    settings.HIBP_URL = service.url
    assert breaches.is_known(KNOWN) is True
    assert service.asked[0][0].startswith("/range/")


def test_padding_is_no_breach(service: RangeServer) -> None:
    service.digests.clear()
    assert breaches.is_known(KNOWN) is False


def test_without_a_setting_nobody_is_asked(settings: Any) -> None:
    settings.HIBP_URL = ""
    assert breaches.is_known(KNOWN) is None


@pytest.mark.parametrize("breaks", ["status", "nonsense", "slow", "drips", "floods"])
def test_a_service_that_misbehaves_gives_no_answer_and_holds_nobody_up(
    service: RangeServer, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    """One that is slow or drips would answer, a minute later."""
    monkeypatch.setattr(conf, "BREACH_SECONDS", 0.2)
    service.breaks = breaks
    assert breaches.is_known(KNOWN) is None


def test_a_failing_service_is_left_alone_after_a_while(service: RangeServer) -> None:
    service.breaks = "status"
    for _ in range(9):
        assert breaches.is_known(KNOWN) is None
    assert len(service.asked) == 5


def test_a_service_that_is_not_there(settings: Any) -> None:
    for settings.HIBP_URL in ("http://127.0.0.1:9/range/", "https://[bad", "gopher://127.0.0.1/", "nonsense"):
        breakers.to.cache_clear()
        assert breaches.is_known(KNOWN) is None


@pytest.mark.parametrize("word", ["password", "Password123!", "qwertyqwertyqwerty", "1234567890", " iloveyou "])
def test_the_bundled_list_knows_common_ones_dressed_up_too(word: str) -> None:
    assert breaches.is_common(word)


@pytest.mark.parametrize("word", [people.PASSWORD, KNOWN, "kvzr8wqe", "", "ñandú y caracol lento"])
def test_the_bundled_list_knows_no_others(word: str) -> None:
    assert not breaches.is_common(word)


# --- choosing --------------------------------------------------------------------------------------------------------
def test_a_breached_one_cannot_be_chosen(service: RangeServer, owner: User) -> None:
    answer = change(people.enter(owner), KNOWN)
    assert answer.status_code == 422
    assert "appeared in a data breach elsewhere" in answer.context["form"].errors["new_password2"][0]
    assert change(people.enter(owner), "another set of quiet words").status_code == 302


def test_a_silent_service_lets_choose(service: RangeServer, owner: User) -> None:
    service.breaks = "status"
    assert change(people.enter(owner), KNOWN).status_code == 302


# --- signing in ------------------------------------------------------------------------------------------------------
def sign_in(user: User) -> Client:
    client = Client()
    device = user.totpdevice_set.first() or people.enrol(user)
    password_step(client, user.email)
    user.totpdevice_set.update(last_t=-1)
    assert token_step(client, people.code_for(device)).status_code == 302
    return client


def test_found_at_sign_in_it_leads_to_a_change_and_nowhere_else(service: RangeServer, owner: User) -> None:
    client = sign_in(owner)
    for address in ("/admin/", "/account/", "/account/two_factor/recovery/"):
        assert client.get(address).url == f"/account/password/?next={address}"
    page = client.get("/account/password/?next=/admin/")
    assert "Your password is known to others" in page.text
    assert told("accounts.password.must_change") == [("success", "breached")]
    assert change(client, "quite other words now", query="?next=/admin/").url == "/admin/"
    assert is_in(client)
    assert told("accounts.password.changed") == [("success", "breached")]


def test_until_then_the_session_permits_nothing(service: RangeServer, owner: User) -> None:
    passwords.proved(owner, people.PASSWORD, at=timezone.now())
    owner.assurance_level = 2
    assert not owner.has_perm("accounts.view_user")
    owner.password_must_change = ""
    assert owner.has_perm("accounts.view_user")


def test_neither_is_the_same_one_taken_again_nor_another_way_out_open(service: RangeServer, owner: User) -> None:
    client = sign_in(owner)
    assert change(client, people.PASSWORD).status_code == 422
    assert client.post("/account/logout/").status_code == 302


def test_a_wrong_password_is_not_asked_about(service: RangeServer, owner: User) -> None:
    password_step(Client(), owner.email, KNOWN)
    password_step(Client(), "nobody@demo.example", KNOWN)
    assert service.asked == []


def test_one_that_is_not_known_is_asked_about_once_and_again_a_month_later(service: RangeServer, visitor: User) -> None:
    service.digests.clear()
    for _ in range(3):
        assert password_step(Client(), visitor.email).status_code == 302
    assert len(service.asked) == 1
    User.objects.filter(pk=visitor.pk).update(password_checked_at=timezone.now() - conf.BREACH_AGAIN)
    password_step(Client(), visitor.email)
    assert len(service.asked) == 2
    passwords.change(visitor, new="quite other words now", at=timezone.now())
    password_step(Client(), visitor.email, "quite other words now")
    assert len(service.asked) == 3


def test_a_silent_service_lets_in_leaves_an_entry_and_is_asked_again(service: RangeServer, visitor: User) -> None:
    service.breaks = "status"
    assert password_step(Client(), visitor.email).status_code == 302
    assert told("accounts.password.checked") == [("failed", "the range service did not answer")]
    service.breaks = ""
    client = Client()
    password_step(client, visitor.email)
    assert client.get("/account/").url == "/account/password/?next=/account/"


def test_while_it_is_silent_the_bundled_list_speaks(service: RangeServer, visitor: User) -> None:
    service.breaks = "status"
    passwords.change(visitor, new="qwertyqwertyqwerty", at=timezone.now())
    client = Client()
    password_step(client, visitor.email, "qwertyqwertyqwerty")
    assert client.get("/account/").url == "/account/password/?next=/account/"


def test_nothing_is_asked_without_the_setting(visitor: User, tenant: Tenant) -> None:
    assert password_step(Client(), visitor.email).status_code == 302
    visitor.refresh_from_db()
    assert (visitor.password_must_change, visitor.password_checked_at) == ("", None)
