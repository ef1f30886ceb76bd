"""Signing up: nothing exists before the code is shown; who has an account already gets the same page, another mail."""

from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import codes, security_settings, signing_up
from accounts.hashers import Argon2id
from accounts.models import AuthSession, EmailCode, ExternalIdentity, IdentityProvider, Membership, Tenant, User
from audit.models import Event, OutboxMessage
from governance import tenancy
from governance.models import Person
from tests.accounts.by_code import NEW, SIGNUP, code_in, confirm, deliver, sent_code, shape, twice, typed
from tests.factories import accounts as people
from tests.racing import race


def ask(client: Client, **changes: str) -> Any:
    return client.post(SIGNUP, typed(**changes))


def nobody_new() -> bool:
    return not (User.objects.exists() or Membership.objects.exists() or Person.objects.exists())


# --- the verb ---------------------------------------------------------------------------------------------------------
def asked(email: str = "nora@example.org") -> EmailCode:
    return signing_up.ask(email=email, name="Nora New", password=NEW, locale="en", at=timezone.now())


def proven(code: EmailCode) -> EmailCode:
    return codes.prove(code.pk, purpose=code.purpose, typed=codes.clear_code(code), at=timezone.now())


def test_whoever_shows_the_code_becomes_a_visitor(tenant: Tenant) -> None:
    code = asked()
    assert nobody_new()
    user, is_new = signing_up.admit(proven(code).pk, by=None, at=timezone.now())
    membership = Membership.objects.get(user=user)
    assert is_new and check_password(NEW, user.password)
    assert (user.email, user.display_name, user.password_set_at is not None) == ("nora@example.org", "Nora New", True)
    assert [grant.role.key for grant in membership.grants.all()] == ["visitor"]
    assert membership.person is not None and membership.person.email == "nora@example.org"
    assert Event.objects.filter(action="accounts.signup.completed", object_id=str(user.pk)).count() == 1


def test_a_code_that_was_not_shown_admits_nobody(tenant: Tenant) -> None:
    with pytest.raises(codes.CodeOver):
        signing_up.admit(asked().pk, by=None, at=timezone.now())
    assert nobody_new()


def test_a_code_admits_once(tenant: Tenant) -> None:
    code = proven(asked())
    signing_up.admit(code.pk, by=None, at=timezone.now())
    with pytest.raises(codes.CodeOver):
        signing_up.admit(code.pk, by=None, at=timezone.now())


def test_closed_meanwhile_is_closed(tenant: Tenant) -> None:
    code = proven(asked())
    security_settings.revise(by=None, at=timezone.now(), visitors_may_sign_up=False)
    with pytest.raises(signing_up.SignUpClosed):
        signing_up.admit(code.pk, by=None, at=timezone.now())
    assert nobody_new()


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_two_browsers_with_one_address_make_one_account(tenant: Tenant) -> None:
    ids = [proven(asked()).pk for _ in range(4)]

    def admit(code_id: Any) -> Any:
        return signing_up.admit(code_id, by=None, at=timezone.now())

    kinds = race([lambda pk=pk: admit(pk) for pk in ids]).kinds()
    assert kinds == {"tuple": 1, "AlreadyHere": 3}
    assert User.objects.count() == Membership.objects.count() == Person.objects.count() == 1


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_one_address_in_two_tenants_at_once_makes_one_user_who_belongs_to_both(
    tenant: Tenant, second_tenant: Tenant
) -> None:
    def coming(to: Tenant) -> Any:
        with tenancy.within(to):
            code = proven(asked())

        def admit() -> Any:
            with tenancy.within(to):
                return signing_up.admit(code.pk, by=None, at=timezone.now())

        return admit

    assert race([coming(tenant), coming(second_tenant)]).kinds() == {"tuple": 2}
    assert User.objects.count() == 1
    with tenancy.across():
        assert Membership.across_tenants.count() == 2


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_one_code_brought_many_times_at_once_is_right_once(tenant: Tenant) -> None:
    code = asked()
    clear = codes.clear_code(code)

    def prove() -> Any:
        return codes.prove(code.pk, purpose="signup", typed=clear, at=timezone.now())

    assert race([prove] * 6).kinds() == {"EmailCode": 1, "CodeOver": 5}


# --- the page ---------------------------------------------------------------------------------------------------------
def test_signed_up_and_in(client: Client, tenant: Tenant) -> None:
    assert ask(client).url == "/account/signup/confirm/"
    assert nobody_new() and not AuthSession.objects.exists()
    assert confirm(client, SIGNUP, sent_code()).url == "/account/"
    user = User.objects.get()
    assert client.get("/account/").context["user"] == user
    assert AuthSession.objects.get().methods == ["password", "email"]


def test_case_and_dashes_of_the_code_say_nothing(client: Client, tenant: Tenant) -> None:
    ask(client)
    assert confirm(client, SIGNUP, f" {sent_code().lower().replace('-', ' ')} ").status_code == 302


def test_a_wished_for_destination_is_kept(client: Client, tenant: Tenant) -> None:
    answer = client.post(SIGNUP + "?next=/book/", typed())
    assert answer.url == "/account/signup/confirm/?next=%2Fbook%2F"
    assert client.post(answer.url, {"code": sent_code(), "action": "verify"}).url == "/book/"


def test_where_the_tenant_says_no_there_is_no_page(client: Client, tenant: Tenant) -> None:
    security_settings.revise(by=None, at=timezone.now(), visitors_may_sign_up=False)
    assert [client.get(SIGNUP).status_code, ask(client).status_code] == [404, 404]
    assert "/account/signup/" not in client.get("/account/login/").text
    assert not EmailCode.objects.exists()


def test_the_sign_in_page_leads_here(client: Client, tenant: Tenant) -> None:
    text = client.get("/account/login/").text
    assert 'href="/account/signup/"' in text and 'href="/account/password/reset/"' in text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@" + "\ufdfa" * 60 + ".example"}, "email"),
        ({"email": "\x00@example.org"}, "email"),
        (twice("short"), "password1"),
        (twice("nora new nora@example"), "password1"),
        (twice(NEW, "another"), "password2"),
        ({"website": "https://spam.example"}, "website"),
    ],
)
def test_what_is_refused_stands_beside_its_field(
    client: Client, tenant: Tenant, changes: dict[str, str], field: str
) -> None:
    answer = ask(client, **changes)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert NEW not in answer.text
    assert not EmailCode.objects.exists()


def test_somebody_signed_in_goes_on(visitor: User) -> None:
    assert people.enter(visitor, level=1).get(SIGNUP).url == "/account/"


# --- who is known already ---------------------------------------------------------------------------------------------
@pytest.fixture
def known(tenant: Tenant, second_tenant: Tenant) -> dict[str, User]:
    """One of each kind that exists already."""
    with tenancy.within(second_tenant):
        elsewhere = people.make_member("elsewhere", role="visitor")
    users = {name: people.make_member(name, role="visitor") for name in ("member", "ended", "provider")}
    Membership.objects.filter(user=users["ended"]).update(is_active=False)
    inactive = people.make_member("inactive", is_active=False)
    users["provider"].set_unusable_password()
    users["provider"].save()
    idp = IdentityProvider.objects.create(slug="okta", name="Okta", protocol="saml", status="live")
    ExternalIdentity.objects.create(idp=idp, subject="x", user=users["provider"], linked_at=timezone.now())
    return {**users, "elsewhere": elsewhere, "inactive": inactive}


KINDS = ["member", "ended", "provider", "elsewhere", "inactive"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_pages_and_their_cost_are_the_same(
    known: dict[str, User], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []
    encode = Argon2id.encode
    monkeypatch.setattr(Argon2id, "encode", lambda self, *args: hashes.append("one") or encode(self, *args))
    ask(Client(), email="first@example.org")  # what is read once and kept is read
    seen = []
    for email in ("nobody@example.org", known[kind].email):
        hashes.clear()
        client = Client()
        with CaptureQueriesContext(connection) as queries:
            answers = [ask(client, email=email), client.get(SIGNUP + "confirm/")]
            answers += [confirm(client, SIGNUP, "BCDF-GHJK") for _ in range(2)]
        seen.append((len(hashes), len(queries), [shape(answer, email) for answer in answers]))
    assert seen[0] == seen[1]
    assert seen[0][0] == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "elsewhere"])
def test_but_the_mail_holds_no_code(client: Client, known: dict[str, User], kind: str) -> None:
    before = known[kind].password
    ask(client, email=known[kind].email.upper())
    (message,) = deliver()
    assert message.to == [known[kind].email]
    assert code_in(message) == ""
    sentence = {"member": "You already have one", "provider": "through Okta"}.get(kind, "is closed")
    assert sentence in message.body
    assert User.objects.get(pk=known[kind].pk).password == before


def test_a_user_of_another_tenant_joins_with_the_password_they_have(client: Client, known: dict[str, User]) -> None:
    user = known["elsewhere"]
    ask(client, email=user.email, name="Mallory")
    (message,) = deliver()
    assert "you already have an account on this platform" in message.body
    assert confirm(client, SIGNUP, code_in(message)).url == "/account/login/"
    kept = User.objects.get(pk=user.pk)
    assert (kept.password, kept.display_name) == (user.password, user.display_name)
    assert Membership.objects.get(user=user).grants.get().role.key == "visitor"
    assert not AuthSession.objects.exists()


def test_the_code_goes_to_the_address_that_is_kept_and_not_to_one_that_reads_alike(
    client: Client, known: dict[str, User]
) -> None:
    alike = known["elsewhere"].email.replace("second", "ſecond")
    ask(client, email=alike)
    (message,) = deliver()
    assert message.to == [known["elsewhere"].email]
    assert confirm(client, SIGNUP, code_in(message)).url == "/account/login/"
    assert not Membership.objects.filter(user=known["elsewhere"]).exists()


def test_what_was_shown_and_not_used_goes_on_with_the_next_try_and_not_by_looking(
    client: Client, tenant: Tenant
) -> None:
    """Something broke in between: the code was right, and nobody was let in."""
    ask(client)
    codes.prove(EmailCode.objects.get().pk, purpose="signup", typed=sent_code(), at=timezone.now())
    assert client.get(SIGNUP + "confirm/").status_code == 200
    assert nobody_new()
    assert confirm(client, SIGNUP, "again").url == "/account/"


def test_what_does_not_open_any_more_is_over(client: Client, tenant: Tenant) -> None:
    ask(client)
    EmailCode.objects.update(sealed_facts=b"damaged")
    assert client.get(SIGNUP + "confirm/").url == SIGNUP
    assert confirm(client, SIGNUP, "BCDF-GHJK").status_code == 410
    assert deliver() == []


def test_an_account_opened_meanwhile_is_signed_in_to(client: Client, tenant: Tenant) -> None:
    ask(client)
    code = sent_code()
    people.make_member("nora", role="visitor")
    User.objects.update(email="nora@example.org", email_key="nora@example.org")
    assert confirm(client, SIGNUP, code).url == "/account/login/"


# --- what is kept -----------------------------------------------------------------------------------------------------
def test_neither_code_nor_password_lies_anywhere_in_clear(
    client: Client, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ask(client)
    row, message = EmailCode.objects.get(), OutboxMessage.objects.get(kind="accounts.code")
    clear = codes.clear_code(row)
    assert clear and message.payload == {}
    stored = [
        bytes(row.sealed_facts),
        bytes(row.sealed_code or b""),
        row.digest.encode(),
        str(dict(client.session)).encode(),
    ]
    stored += [bytes(event.body) for event in Event.objects.all()]
    for secret in (clear, clear.replace("-", ""), NEW, "nora@example.org", "argon2"):
        assert not [text for text in stored if secret.encode() in text]
    assert sent_code() == clear
    assert clear not in caplog.text and NEW not in caplog.text
    assert EmailCode.objects.get().sealed_code is None
    assert deliver() == []


def test_asking_is_noted_about_nobody(client: Client, tenant: Tenant) -> None:
    ask(client)
    told = Event.objects.get(action="accounts.signup.asked")
    assert (told.outcome, told.object_id) == ("success", "")


def test_another_browser_has_nothing_to_confirm(client: Client, tenant: Tenant) -> None:
    ask(client)
    assert Client().get(SIGNUP + "confirm/").url == SIGNUP
    assert confirm(Client(), SIGNUP, sent_code()).status_code == 410
    assert nobody_new()


def test_too_many_in_a_short_time_are_asked_to_wait(tenant: Tenant) -> None:
    answers = [ask(Client(), email=f"n{number}@example.org").status_code for number in range(6)]
    assert answers == [302] * 5 + [429]
