"""Closing one's own account: what opens it here is gone at once, and with the last membership the account itself.

What `accounts.personal_data` promises of a closed account is done here. The person the tenant knows stays: bookings and
messages are theirs, and end with their own terms or on request. The e-mail is free again, so whoever comes back signs
up as anybody does; a membership that was closed is deleted, so that nobody resumes it with the roles it had.
"""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import factors, profiles, roles, sessions, tokens
from accounts.models import (
    ApiToken,
    Authenticator,
    AuthSession,
    EmailCode,
    ExternalIdentity,
    KnownDevice,
    Membership,
    PasswordHistory,
    SecurityKey,
    User,
)
from accounts.profiles import NotYourOwn
from audit import context, ledger, outbox
from governance import keys, sealing, tenancy
from governance.models import Person

WHY = "account closed"


def is_last(user: User) -> bool:
    """Whether the membership here is the only active one they have anywhere."""
    with tenancy.across():
        here = Membership.across_tenants.filter(user=user, is_active=True)
        return here.count() <= 1


def close(user: User, *, by: User, at: datetime) -> bool:
    """End everything by which this member comes in here; whether it was the last place, and the account is gone too.

    Refuses `NotYourOwn`, `roles.NotHere`, `roles.LastOwner`.
    """
    if by.pk != user.pk or by.seen_by is not None:
        raise NotYourOwn
    with transaction.atomic():
        kept = User.objects.select_for_update().get(pk=user.pk)
        person = profiles.person_of(kept, at=at)
        ledger.record("accounts.account.closed", kept, people=[person])
        with context.acting(confirm=_asked_already):
            _say_goodbye(kept, person)
            _end_here(kept, by=by, at=at)
            was_last = not _belongs_somewhere(kept)
            kept.end_sessions()
            if was_last:
                _forget_everywhere(kept, at=at)
    return was_last


def _asked_already() -> None:
    """The entry above asked whether the session still stands; what follows ends that very session."""


def _belongs_somewhere(user: User) -> bool:
    with tenancy.across():
        return Membership.across_tenants.filter(user=user, is_active=True).exists()


# --- in one tenant ---------------------------------------------------------------------------------------------------
def _end_here(user: User, *, by: User, at: datetime) -> None:
    membership = Membership.objects.select_related("user").get(user=user)
    for given in membership.grants.select_related("role", "membership__user"):
        roles.revoke(given, by=None, at=at, reason=WHY)  # one's own to give up, also one whose end has just come
    roles.end_membership(membership, by=by, at=at, reason=WHY)
    for token in ApiToken.objects.filter(user=user, revoked_at=None):
        tokens.revoke(token, by=user, at=at, reason=WHY)
    sessions.end_all(user, by=by, at=at, why=WHY)
    _forget_here(user)
    Membership.objects.filter(pk=membership.pk).delete()


def _forget_here(user: User) -> None:
    """What the active tenant knows of how this user came in."""
    ApiToken.objects.filter(user=user).delete()
    ExternalIdentity.objects.filter(user=user).delete()
    AuthSession.objects.filter(user=user).update(ip=None, user_agent="", device=None, idp_session="", name_id="")
    KnownDevice.objects.filter(user=user).delete()
    EmailCode.objects.filter(user=user).delete()


# --- everywhere ------------------------------------------------------------------------------------------------------
def _forget_everywhere(user: User, *, at: datetime) -> None:
    """The account itself, once it belongs nowhere: nothing opens it, nothing says whose it was."""
    for tenant_id in _tenants_once(user):
        with tenancy.within(tenant_id):
            sessions.end_all(user, by=user, at=at, why=WHY)
            _forget_here(user)
    Authenticator.objects.filter(user=user).delete()
    SecurityKey.objects.filter(user=user).delete()
    PasswordHistory.objects.filter(user=user).delete()
    factors.forget_codes_without_factor(user)
    user.email = f"closed-{user.pk.hex}@closed.invalid"
    user.display_name, user.password_must_change = "", ""
    user.is_active = user.is_operator = False
    user.set_unusable_password()
    user.password_set_at = user.password_checked_at = user.last_login = None
    user.save()
    ledger.record("accounts.account.forgotten", user)


def _tenants_once(user: User) -> list[UUID]:
    """Tenants they belonged to until somebody ended that."""
    with tenancy.across():
        return list(Membership.across_tenants.filter(user=user).values_list("tenant_id", flat=True))


# --- goodbye ---------------------------------------------------------------------------------------------------------
def _say_goodbye(user: User, person: Person) -> None:
    """Tell them by mail. The address, gone from the account by then, waits sealed under the person's key."""
    if person.erased_at is not None:
        return
    sealed = keys.seal(person, user.email.encode(), place=_place(person))
    outbox.post("accounts.account_closed", about=person, payload={"to": base64.b64encode(sealed).decode()})


def address(person: Person, payload: dict[str, Any]) -> str:
    """Where the goodbye goes. Refuses with `keys.Erased` once the person was erased, and `keys.Undecryptable`."""
    return keys.unseal(person, base64.b64decode(payload["to"]), place=_place(person)).decode()


def _place(person: Person) -> bytes:
    return sealing.bind(str(person.tenant_id), "accounts.account_closed", "to", str(person.pk))
