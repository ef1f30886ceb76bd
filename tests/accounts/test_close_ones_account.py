"""Closing one's account: what opens it ends at once; with the last membership the account itself is erased."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import closing, factors, passwords, profiles, roles, tenants, tokens
from accounts.models import (
    ApiToken,
    Authenticator,
    AuthSession,
    ExternalIdentity,
    KnownDevice,
    Membership,
    PasswordHistory,
    RecoveryCode,
    RoleGrant,
    SecurityKey,
    Tenant,
    User,
)
from audit import outbox
from audit.models import Event, OutboxMessage
from governance import people as known
from governance import tenancy
from governance.models import Person
from tests.accounts.signing_in import password_step
from tests.accounts.test_one_time_codes import together
from tests.accounts.test_see_as_another import see_as
from tests.accounts.test_step_up import grow_old, hidden
from tests.factories import accounts as people
from tests.factories.security_keys import add_key
from tests.factories.sso import make_idp

Enter = Callable[..., Client]
CLOSE = "/account/close/"
GUEST = "vera@example.org"


@pytest.fixture
def vera(tenant: Tenant) -> User:
    """A customer with an account, as sign-up leaves it."""
    user = tenants.admit(email=GUEST, name="Vera Visitor", role="visitor", by=None, at=timezone.now(), tell=False).user
    User.objects.filter(pk=user.pk).update(password=people.make_user("template").password)
    return User.objects.get(pk=user.pk)


def close(user: User) -> bool:
    return closing.close(user, by=user, at=timezone.now())


def entries(action: str) -> list[Any]:
    return list(Event.objects.filter(action=action).order_by("pk"))


def furnish(user: User) -> None:
    """Everything by which somebody may come in, or be known."""
    people.enter(user)
    password_step(Client(), user.email)
    add_key(user)
    factors.make_recovery_codes(user, at=timezone.now())
    ExternalIdentity.objects.create(idp=make_idp(), subject="s-1", user=user, linked_at=timezone.now())
    KnownDevice.objects.get_or_create(
        user=user, digest="d", defaults={"first_seen_at": timezone.now(), "last_seen_at": timezone.now()}
    )


OPENS = (Authenticator, SecurityKey, RecoveryCode, PasswordHistory, ExternalIdentity, KnownDevice, ApiToken)


def test_the_last_membership_takes_the_account_with_it(vera: User) -> None:
    furnish(vera)
    person = profiles.person_of(vera, at=timezone.now())
    assert close(vera) is True
    gone = User.objects.get(pk=vera.pk)
    assert (gone.email, gone.display_name) == (f"closed-{vera.pk.hex}@closed.invalid", "")
    assert not gone.is_active and not gone.has_usable_password() and gone.last_login is None
    for model in OPENS:
        assert not model._default_manager.filter(user=vera).exists(), model
    assert not Membership.objects.filter(user=vera).exists() and not RoleGrant.objects.filter(membership__user=vera)
    assert Person.objects.get(pk=person.pk).email == GUEST  # a customer still


def test_sessions_end_and_say_no_more_from_where(vera: User, enter: Enter) -> None:
    client = enter(vera, level=1)
    AuthSession.objects.filter(user=vera).update(ip="192.0.2.7", user_agent="Firefox")
    close(vera)
    row = AuthSession.objects.get(user=vera)
    assert (row.ended_why, row.ip, row.user_agent) == ("account closed", None, "")
    assert client.get("/account/").status_code == 302


def test_nothing_about_the_account_is_left_in_clear(vera: User) -> None:
    from tests.accounts.test_no_session_key_is_kept import every_cell

    furnish(vera)
    assert GUEST.encode() in every_cell()
    close(vera)
    assert GUEST.encode() not in every_cell() and b"Vera Visitor" not in every_cell()


def test_what_happened_is_in_the_ledger(vera: User) -> None:
    person = profiles.person_of(vera, at=timezone.now())
    close(vera)
    (closed,), (forgotten,) = entries("accounts.account.closed"), entries("accounts.account.forgotten")
    assert closed.object_id == forgotten.object_id == str(vera.pk)
    assert closed.content["people"] == [str(person.pk)]
    assert len(entries("accounts.membership.ended")) == len(entries("accounts.role.revoked")) == 1


def test_elsewhere_the_account_goes_on(vera: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        tenants.join(vera, at=timezone.now())
        there = people.enter(vera, level=1, client=Client(headers={"host": "second.testserver"}))
        assert there.get("/account/").status_code == 200
    assert close(vera) is False
    kept = User.objects.get(pk=vera.pk)
    assert (kept.email, kept.is_active, kept.has_usable_password()) == (GUEST, True, True)
    assert not Membership.objects.filter(user=vera).exists()
    assert there.get("/account/").status_code == 302  # signed out everywhere
    assert password_step(Client(headers={"host": "second.testserver"}), GUEST).status_code == 302


def test_what_an_earlier_tenant_knew_goes_too(vera: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        roles.end_membership(tenants.join(vera, at=timezone.now()), by=None, at=timezone.now())
        KnownDevice.objects.create(user=vera, digest="x", first_seen_at=timezone.now(), last_seen_at=timezone.now())
    assert close(vera) is True
    with tenancy.within(second_tenant):
        assert not KnownDevice.objects.exists()


def test_tokens_open_nothing_afterwards(receptionist: User) -> None:
    now = timezone.now()
    later = now + timezone.timedelta(days=1)
    _row, secret = tokens.make(
        receptionist, name="robot", scopes=[tokens.USE], expires_at=later, by=receptionist, at=now
    )
    close(receptionist)
    assert tokens.bearer(secret, at=now) is None
    assert [entry.reason for entry in entries("accounts.token.revoked")] == ["account closed"]


@pytest.mark.postgresql
def test_the_webs_own_role_may_do_all_of_it(vera: User, second_tenant: Tenant, as_web: Any) -> None:
    with tenancy.within(second_tenant):
        roles.end_membership(tenants.join(vera, at=timezone.now()), by=None, at=timezone.now())
        KnownDevice.objects.create(user=vera, digest="x", first_seen_at=timezone.now(), last_seen_at=timezone.now())
    furnish(vera)
    own = people.enter(vera)
    assert own.get("/account/data/").status_code == own.post("/account/data/download/").status_code == 200
    assert own.post(CLOSE, {"email": GUEST}).url == "/account/closed/"
    with tenancy.within(second_tenant):
        assert not KnownDevice.objects.exists()


# --- coming back -----------------------------------------------------------------------------------------------------
def test_whoever_comes_back_begins_anew_and_is_recognised(vera: User) -> None:
    before = profiles.person_of(vera, at=timezone.now())
    close(vera)
    back = tenants.admit(email=GUEST, name="Vera Visitor", role="visitor", by=None, at=timezone.now(), tell=False)
    assert back.user_id != vera.pk and back.person == before
    assert [given.role.key for given in back.grants.all()] == ["visitor"]


def test_whoever_is_a_member_elsewhere_comes_back_without_earlier_roles(
    receptionist: User, second_tenant: Tenant
) -> None:
    with tenancy.within(second_tenant):
        tenants.join(receptionist, at=timezone.now())
    close(receptionist)
    back = tenants.join(receptionist, at=timezone.now())
    assert back.is_active and not back.grants.exists()


# --- refusals --------------------------------------------------------------------------------------------------------
def test_the_last_owner_stays(owner: User) -> None:
    with pytest.raises(roles.LastOwner):
        close(owner)
    assert Membership.objects.get(user=owner).is_active and User.objects.get(pk=owner.pk).is_active
    assert not entries("accounts.account.closed") and not OutboxMessage.objects.exists()
    people.make_member("second_owner", role="owner")
    assert close(owner) is True


def test_it_is_ones_own_and_done_once(owner: User, vera: User) -> None:
    with pytest.raises(profiles.NotYourOwn):
        closing.close(vera, by=owner, at=timezone.now())
    vera.seen_by = owner
    with pytest.raises(profiles.NotYourOwn):
        close(vera)
    vera.seen_by = None
    close(vera)
    with pytest.raises(roles.NotHere):
        close(vera)


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_of_two_last_owners_who_leave_at_once_one_stays(owner: User) -> None:
    other, tenant = people.make_member("second_owner", role="owner"), tenancy.current()

    def leave(user: User) -> Any:
        with tenancy.within(tenant):
            try:
                return close(User.objects.get(pk=user.pk))
            except roles.LastOwner as refusal:
                return refusal

    results = together([lambda u=user: leave(u) for user in (owner, other)])
    assert sorted(type(result).__name__ for result in results) == ["LastOwner", "bool"]
    assert User.objects.filter(is_active=True).count() == 1


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_closed_from_two_tabs_at_once_it_is_closed_once(vera: User) -> None:
    clients = [people.enter(vera, level=1) for _ in range(2)]
    answers = together([lambda c=client: c.post(CLOSE, {"email": GUEST}) for client in clients])
    assert {answer.status_code for answer in answers} <= {302, 422}
    assert [answer.headers.get("Location") for answer in answers].count("/account/closed/") == 1
    assert len(entries("accounts.account.closed")) == 1


# --- the mail --------------------------------------------------------------------------------------------------------
def test_a_mail_says_goodbye_and_its_address_lies_sealed(vera: User) -> None:
    close(vera)
    message = OutboxMessage.objects.get(kind="accounts.account_closed")
    assert GUEST not in str(message.payload)
    outbox.deliver(at=timezone.now(), limit=10)
    (sent,) = mail.outbox
    assert sent.to == [GUEST] and sent.subject == "Your account at Demo is closed"
    assert "as you asked" in sent.body and "/privacy/" in sent.body


def test_whoever_was_erased_meanwhile_gets_none(vera: User) -> None:
    person = profiles.person_of(vera, at=timezone.now())
    close(vera)
    known.erase(person, by=None, at=timezone.now())
    outbox.deliver(at=timezone.now(), limit=10)
    assert mail.outbox == []


# --- the page --------------------------------------------------------------------------------------------------------
def test_the_page_says_what_happens_and_does_it(enter: Enter, vera: User) -> None:
    client = enter(vera, level=1)
    page = client.get(CLOSE)
    shown = page.content.decode()
    assert "are erased" in shown and "Keep my account" in shown
    assert client.post(CLOSE, {"email": " VERA@example.org"}).url == "/account/closed/"
    assert "Your account is closed." in client.get("/account/closed/").content.decode()
    assert client.get("/account/").status_code == 302
    assert password_step(Client(), GUEST).status_code == 200  # the one sentence


def test_who_is_a_member_elsewhere_is_told_what_goes_on(enter: Enter, vera: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        tenants.join(vera, at=timezone.now())
    shown = enter(vera, level=1).get(CLOSE).content.decode()
    assert "There it goes on as it is" in shown and "are erased" not in shown


@pytest.mark.parametrize("typed", ["", "somebody@example.org", "vera@example.org\x00", "x" * 5000])
def test_another_address_closes_nothing(enter: Enter, vera: User, typed: str) -> None:
    answer = enter(vera, level=1).post(CLOSE, {"email": typed})
    assert answer.status_code == 422 and answer.context["form"].errors["email"]
    assert User.objects.get(pk=vera.pk).is_active


def test_the_last_owner_is_told_why_not(enter: Enter, owner: User) -> None:
    answer = enter(owner).post(CLOSE, {"email": owner.email})
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors() == ["This is the last owner. Make somebody else an owner first."]


def test_an_old_sign_in_is_asked_for_the_password(enter: Enter, vera: User) -> None:
    client = enter(vera, level=1)
    grow_old(client, timezone.timedelta(minutes=5))
    asked = client.post(CLOSE, {"email": GUEST})
    assert asked.status_code == 403 and User.objects.get(pk=vera.pk).is_active
    body = {"act": hidden(asked, "act"), "kept": hidden(asked, "kept"), "password": people.PASSWORD}
    again = client.post("/account/verify/?act=accounts.close_account", body)
    assert again.status_code == 200 and GUEST in again.content.decode()
    assert client.post(CLOSE, {"email": GUEST}).url == "/account/closed/"


def test_a_proof_serves_one_try(enter: Enter, vera: User) -> None:
    client = enter(vera, level=1)
    assert client.post(CLOSE, {"email": "wrong@example.org"}).status_code == 422
    assert client.post(CLOSE, {"email": GUEST}).status_code == 403


def test_a_session_ended_meanwhile_closes_nothing(enter: Enter, vera: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client, ask = enter(vera, level=1), profiles.person_of

    def ended_meanwhile(user: User, *, at: Any) -> Person:
        AuthSession.objects.filter(user=user).update(ended_at=at)
        return ask(user, at=at)

    monkeypatch.setattr("accounts.closing.profiles.person_of", ended_meanwhile)
    answer = client.post(CLOSE, {"email": GUEST})
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors()[0].startswith("Your session has ended meanwhile.")
    assert User.objects.get(pk=vera.pk).is_active and Membership.objects.get(user=vera).is_active


def test_strangers_and_who_sees_as_another_stay_out(enter: Enter, owner: User, receptionist: User) -> None:
    assert Client().get(CLOSE).url == f"/account/login/?next={CLOSE}"
    client = enter(owner)
    see_as(client, receptionist)
    assert client.post(CLOSE, {"email": receptionist.email}).status_code == 403
    assert User.objects.get(pk=receptionist.pk).is_active


def test_a_password_changed_before_is_forgotten_too(vera: User) -> None:
    passwords.change(vera, new="quite another quiet sentence", at=timezone.now())
    assert PasswordHistory.objects.filter(user=vera).exists()
    close(vera)
    assert not PasswordHistory.objects.filter(user=vera).exists()
