"""A forgotten password: a code to the account's own address, then another password, and nobody is signed in by it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import codes, resetting
from accounts.hashers import Argon2id
from accounts.models import AuthSession, EmailCode, ExternalIdentity, IdentityProvider, Membership, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.accounts.by_code import CHOOSE, NEW, RESET, code_in, confirm, deliver, sent_code, shape, twice
from tests.accounts.signing_in import is_in, password_step
from tests.factories import accounts as people


def ask(client: Client, email: str) -> Any:
    return client.post(RESET, {"email": email})


def choose(client: Client, new: str = NEW) -> Any:
    return client.post(CHOOSE, twice(new))


def through(client: Client, user: User) -> None:
    """As far as the page with the new password."""
    ask(client, user.email)
    assert confirm(client, RESET, sent_code()).url == CHOOSE


# --- the verb ---------------------------------------------------------------------------------------------------------
def proven(email: str) -> EmailCode:
    code = resetting.ask(email=email, locale="en", at=timezone.now())
    return codes.prove(code.pk, purpose="reset", typed=codes.clear_code(code), at=timezone.now())


def test_a_code_sets_the_password_once(visitor: User) -> None:
    code = proven(visitor.email)
    resetting.choose(code.pk, new=NEW, by=None, at=timezone.now())
    assert User.objects.get(pk=visitor.pk).check_password(NEW)
    with pytest.raises(codes.CodeOver):
        resetting.choose(code.pk, new=people.PASSWORD, by=None, at=timezone.now())
    assert Event.objects.filter(action="accounts.reset.completed", object_id=str(visitor.pk)).count() == 1


def test_not_without_showing_it(visitor: User) -> None:
    code = resetting.ask(email=visitor.email, locale="en", at=timezone.now())
    with pytest.raises(codes.CodeOver):
        resetting.choose(code.pk, new=NEW, by=None, at=timezone.now())


@pytest.mark.parametrize("ended", ["membership", "account"])
def test_not_for_somebody_who_left_meanwhile(visitor: User, ended: str) -> None:
    code = proven(visitor.email)
    Membership.objects.update(is_active=ended != "membership")
    User.objects.update(is_active=ended != "account")
    with pytest.raises(codes.CodeOver):
        resetting.choose(code.pk, new=NEW, by=None, at=timezone.now())
    assert User.objects.get(pk=visitor.pk).check_password(people.PASSWORD)


def test_a_password_is_no_way_in_for_those_of_a_provider(visitor: User) -> None:
    """Stock allauth would give such an account a password."""
    visitor.set_unusable_password()
    visitor.save()
    link(visitor)
    with pytest.raises(codes.CodeOver):
        resetting.choose(proven(visitor.email).pk, new=NEW, by=None, at=timezone.now())
    assert not User.objects.get(pk=visitor.pk).has_usable_password()


def link(user: User) -> IdentityProvider:
    idp = IdentityProvider.objects.create(slug="okta", name="Okta", protocol="saml", status="live")
    ExternalIdentity.objects.create(idp=idp, subject="x", user=user, linked_at=timezone.now())
    return idp


def test_nor_for_those_of_another_tenants_provider(visitor: User, second_tenant: Tenant) -> None:
    visitor.set_unusable_password()
    visitor.save()
    with tenancy.within(second_tenant):
        link(visitor)
    with pytest.raises(codes.CodeOver):
        resetting.choose(proven(visitor.email).pk, new=NEW, by=None, at=timezone.now())


# --- the page ---------------------------------------------------------------------------------------------------------
def test_forgotten_and_chosen_anew(client: Client, visitor: User) -> None:
    elsewhere = people.enter(visitor, level=1)
    through(client, visitor)
    assert choose(client).url == "/account/login/"
    assert client.get("/account/").status_code == 302
    assert elsewhere.get("/account/").status_code == 302
    (notice,) = deliver()
    assert (notice.to, "was changed" in notice.subject) == ([visitor.email], True)
    assert password_step(client, visitor.email, NEW).url == "/account/"


def test_the_second_factor_is_asked_for_as_ever(client: Client, owner: User) -> None:
    people.enrol(owner)
    through(client, owner)
    choose(client)
    assert not is_in(client)
    assert "token-otp_token" in password_step(client, owner.email, NEW).text
    assert not is_in(client)


def test_a_session_at_hand_ends_too(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    through(client, visitor)
    choose(client)
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize("new", ["short", people.PASSWORD, "visitor visitor visitor"])
def test_the_rules_are_the_same_as_everywhere(client: Client, visitor: User, new: str) -> None:
    through(client, visitor)
    answer = choose(client, new)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["password1"])
    assert choose(client).status_code == 302


def test_both_must_be_the_same(client: Client, visitor: User) -> None:
    through(client, visitor)
    answer = client.post(CHOOSE, twice(NEW, "another"))
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["password2"])


def test_going_back_afterwards_changes_nothing(client: Client, visitor: User) -> None:
    through(client, visitor)
    choose(client)
    assert choose(client, "another set of quiet words").status_code == 410
    assert client.get(CHOOSE).url == RESET
    assert User.objects.get(pk=visitor.pk).check_password(NEW)


def test_not_before_the_code_is_shown(client: Client, visitor: User) -> None:
    ask(client, visitor.email)
    assert client.get(CHOOSE).url == RESET
    assert choose(client).status_code == 410


def test_it_is_bound_to_the_browser(client: Client, visitor: User) -> None:
    ask(client, visitor.email)
    assert confirm(Client(), RESET, sent_code()).status_code == 410


def test_whoever_was_invited_may_choose_a_first_one(client: Client, visitor: User) -> None:
    visitor.set_unusable_password()
    visitor.save()
    through(client, visitor)
    choose(client)
    assert User.objects.get(pk=visitor.pk).check_password(NEW)


# --- who gets no code -------------------------------------------------------------------------------------------------
@pytest.fixture
def others(visitor: User, second_tenant: Tenant) -> dict[str, str]:
    """The address of one of each kind, beside a member's own."""
    with tenancy.within(second_tenant):
        elsewhere = people.make_member("elsewhere", role="visitor")
    people.make_member("ended")
    Membership.objects.filter(user__email="ended@demo.example").update(is_active=False)
    people.make_member("inactive", is_active=False)
    provider = people.make_member("provider")
    provider.set_unusable_password()
    provider.save()
    idp = link(provider)
    people.make_member("enforced")
    User.objects.filter(email="enforced@demo.example").update(
        email="enforced@big.example", email_key="enforced@big.example"
    )
    IdentityProvider.objects.filter(pk=idp.pk).update(is_enforced=True, allowed_domains=["big.example"])
    kinds = {name: f"{name}@demo.example" for name in ("unknown", "ended", "inactive", "provider")}
    return kinds | {"elsewhere": elsewhere.email, "enforced": "enforced@big.example"}


KINDS = ["unknown", "ended", "inactive", "provider", "elsewhere", "enforced"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_pages_and_their_cost_are_the_same(
    visitor: User, others: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []
    monkeypatch.setattr(Argon2id, "encode", lambda *args: hashes.append("one"))
    ask(Client(), "first@example.org")  # what is read once and kept is read
    seen = []
    for email in (visitor.email, others[kind]):
        client = Client()
        with CaptureQueriesContext(connection) as queries:
            answers = [ask(client, email), client.get(RESET + "confirm/")]
            answers += [confirm(client, RESET, "BCDF-GHJK") for _ in range(2)]
        seen.append((len(queries), [shape(answer, email) for answer in answers]))
    assert seen[0] == seen[1]
    assert hashes == []


@pytest.mark.parametrize("kind", KINDS)
def test_but_the_mail_holds_no_code(client: Client, others: dict[str, str], kind: str) -> None:
    ask(client, others[kind])
    (message,) = deliver()
    assert (message.to, code_in(message)) == ([others[kind]], "")
    assert ("through Okta" if kind in ("provider", "enforced") else "There is no account") in message.body


def test_the_code_goes_to_the_address_that_is_kept(client: Client, visitor: User) -> None:
    ask(client, visitor.email.replace("visitor", "VISITOR").replace("demo", "ｄemo"))
    (message,) = deliver()
    assert message.to == [visitor.email]


def test_asking_is_noted_about_whom_it_aimed_at(client: Client, visitor: User) -> None:
    ask(client, visitor.email)
    ask(client, "nobody@example.org")
    told = Event.objects.filter(action="accounts.reset.asked").order_by("id").values_list("object_id", "outcome")
    assert list(told) == [(str(visitor.pk), "success"), ("", "success")]
    assert not AuthSession.objects.exists()


def test_too_many_for_one_address_are_asked_to_wait(visitor: User) -> None:
    answers = [ask(Client(REMOTE_ADDR=f"198.51.100.{n}"), visitor.email).status_code for n in range(6)]
    assert answers == [302] * 5 + [429]
