"""A code by e-mail: for a quarter of an hour, five tries, one use, one browser; sent again at most twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import codes, conf, sessions
from accounts.models import EmailCode, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.accounts.by_code import RESET, SIGNUP, confirm, deliver, sent_code, typed
from tests.racing import race

WRONG = "BBBB-BBBB"


def send(purpose: str = "reset") -> EmailCode:
    return codes.send(purpose, facts={"email": "nora@example.org", "locale": "en"}, at=timezone.now())


def prove(code: EmailCode, typed: str = "", *, purpose: str = "", at: Any = None) -> EmailCode:
    right = typed or codes.clear_code(code)
    return codes.prove(code.pk, purpose=purpose or code.purpose, typed=right, at=at or timezone.now())


def test_it_is_eight_letters_nobody_can_guess(tenant: Tenant) -> None:
    made = {codes.clear_code(send()) for _ in range(20)}
    assert len(made) == 20
    assert all(len(code) == 9 and code[4] == "-" and not set(code) & set("AEIOUY0123456789") for code in made)


def test_right_once(tenant: Tenant) -> None:
    code = send()
    assert prove(code).proven_at is not None
    with pytest.raises(codes.CodeOver):
        prove(code)


def test_five_tries_and_no_more(tenant: Tenant) -> None:
    code = send()
    for _ in range(4):
        with pytest.raises(codes.WrongCode):
            prove(code, WRONG)
    with pytest.raises(codes.CodeOver):
        prove(code, WRONG)
    with pytest.raises(codes.CodeOver):
        prove(code)
    assert Event.objects.filter(action="accounts.code.refused", outcome="failed").count() == 6


def test_a_quarter_of_an_hour_and_no_longer(tenant: Tenant) -> None:
    code = send()
    with pytest.raises(codes.CodeOver):
        prove(code, at=code.expires_at)
    assert prove(code, at=code.expires_at - timedelta(seconds=1))
    with pytest.raises(codes.CodeOver):
        codes.spend(code.pk, purpose="reset", at=code.expires_at)


def test_for_its_own_purpose(tenant: Tenant) -> None:
    with pytest.raises(codes.CodeOver):
        prove(send(), purpose="signup")


def test_of_another_tenant_it_is_no_code(tenant: Tenant, second_tenant: Tenant) -> None:
    code = send()
    clear = codes.clear_code(code)
    with tenancy.within(second_tenant), pytest.raises(codes.CodeOver):
        prove(code, clear)


def test_one_sent_again_replaces_the_one_before(tenant: Tenant) -> None:
    code = send()
    before, later = codes.clear_code(code), timezone.now() + conf.CODE_PAUSE
    again = codes.send_again(code.pk, purpose="reset", at=later)
    with pytest.raises(codes.WrongCode):
        prove(again, before, at=later)
    assert prove(again, at=later)


def test_not_too_soon_and_not_too_often(tenant: Tenant) -> None:
    code, now = send(), timezone.now()
    with pytest.raises(codes.SentEnough):
        codes.send_again(code.pk, purpose="reset", at=now)
    for number in (1, 2):
        codes.send_again(code.pk, purpose="reset", at=now + number * conf.CODE_PAUSE * 2)
    with pytest.raises(codes.SentEnough):
        codes.send_again(code.pk, purpose="reset", at=now + 6 * conf.CODE_PAUSE)


def test_what_was_moved_to_another_row_does_not_open(tenant: Tenant) -> None:
    one, other = send(), send()
    other.sealed_facts = one.sealed_facts
    with pytest.raises(codes.CodeOver):
        codes.facts(other)


def test_a_day_after_it_ran_out_it_is_gone(tenant: Tenant) -> None:
    code = send()
    sessions.sweep(at=code.expires_at + conf.SPENT_KEPT - timedelta(minutes=1))
    assert EmailCode.objects.exists()
    sessions.sweep(at=code.expires_at + conf.SPENT_KEPT)
    assert not EmailCode.objects.exists()


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_once_five_are_looked_at(tenant: Tenant) -> None:
    code = send()

    def guess() -> EmailCode:
        return codes.prove(code.pk, purpose="reset", typed=WRONG, at=timezone.now())

    assert race([guess] * 12).kinds() == {"WrongCode": 4, "CodeOver": 8}
    assert EmailCode.objects.get().tries == conf.CODE_TRIES


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_a_code_shown_serves_one_of_many(tenant: Tenant) -> None:
    code = prove(send())

    def spend() -> EmailCode:
        with transaction.atomic():
            return codes.spend(code.pk, purpose="reset", at=timezone.now())

    assert race([spend] * 6).kinds() == {"EmailCode": 1, "CodeOver": 5}


# --- the page ---------------------------------------------------------------------------------------------------------
def test_a_wrong_code_stands_beside_its_field_and_the_fifth_ends_it(client: Client, tenant: Tenant) -> None:
    client.post(SIGNUP, typed())
    answers = [confirm(client, SIGNUP, WRONG) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 4 + [410] * 2
    assert answers[0].context["form"].errors["code"] == ["This is not the code we have sent. Please look at it again."]
    assert answers[0].context["form"]["code"].value() == WRONG
    assert deliver() == []  # nobody wants to know it any more
    assert not User.objects.exists()


@pytest.mark.parametrize("code", ["", "\x00", "x" * 5000])
def test_an_empty_or_impossible_code_is_no_try(client: Client, tenant: Tenant, code: str) -> None:
    client.post(SIGNUP, typed())
    assert confirm(client, SIGNUP, code).status_code == 422
    assert EmailCode.objects.get().tries == 0


def test_another_one_is_sent_on_request(client: Client, tenant: Tenant) -> None:
    client.post(SIGNUP, typed())
    first = sent_code()
    answer = client.post(SIGNUP + "confirm/", {"action": "resend"}, follow=True)
    assert "Please wait a minute" in answer.text
    EmailCode.objects.update(sent_at=timezone.now() - conf.CODE_PAUSE)
    answer = client.post(SIGNUP + "confirm/", {"action": "resend"}, follow=True)
    assert "We have sent another code" in answer.text
    second = sent_code()
    assert confirm(client, SIGNUP, first).status_code == 422
    assert confirm(client, SIGNUP, second).status_code == 302


def test_the_latest_wish_of_a_browser_counts(client: Client, tenant: Tenant) -> None:
    client.post(SIGNUP, typed())
    first = sent_code()
    client.post(SIGNUP, typed(email="other@example.org"))
    assert confirm(client, SIGNUP, first).status_code == 422


def test_a_code_for_one_page_does_not_serve_on_another(client: Client, tenant: Tenant) -> None:
    client.post(SIGNUP, typed())
    code = sent_code()
    client.post(RESET, {"email": "nora@example.org"})
    assert confirm(client, RESET, code).status_code == 422


def test_the_address_in_the_mail_finds_the_browser_that_asked(client: Client, tenant: Tenant) -> None:
    """The strict session cookie does not come along from a webmail; it does once a page of ours goes on."""
    client.post(SIGNUP, typed())
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    page = Client().get(SIGNUP + "confirm/", headers=link)
    assert (page.status_code, "/account/signup/confirm/" in page.text) == (200, True)
    assert client.get(SIGNUP + "confirm/").status_code == 200


@pytest.mark.parametrize("address", [SIGNUP + "confirm/", RESET + "confirm/", RESET + "choose/"])
def test_nothing_asked_for_nothing_to_confirm(client: Client, tenant: Tenant, address: str) -> None:
    assert client.get(address).status_code == 302
    assert client.post(address, {"code": WRONG}).status_code == 410
    assert client.put(address).status_code == 405
