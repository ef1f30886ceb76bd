"""Giving and taking roles. Nobody gives more than they hold, and a tenant never loses its last owner."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import permissions, policies
from accounts.models import IdentityProvider, Membership, Role, RoleGrant, User
from audit import ledger


class MoreThanHeld(ValidationError):
    """The giver does not hold all of it, or not for that long."""

    def __init__(self) -> None:
        super().__init__(_("Nobody can give or take more than they hold themselves."), code="more_than_held")


class LastOwner(ValidationError):
    """A tenant keeps at least one owner."""

    def __init__(self) -> None:
        super().__init__(_("This is the last owner. Make somebody else an owner first."), code="last_owner")


class NotHere(ValidationError):
    """Member and role belong to different tenants, or the membership has ended."""

    def __init__(self) -> None:
        super().__init__(_("This person is not an active member here."), code="not_here")


class AlreadyOver(ValidationError):
    """The end of a grant lies in the past."""

    def __init__(self) -> None:
        super().__init__(_("The end must lie in the future."), code="already_over")


class ChangedMeanwhile(ValidationError):
    """Somebody else has changed the role since this page was opened."""

    def __init__(self) -> None:
        super().__init__(
            _("Somebody has changed these roles since you opened the page. Nothing was saved; look at them again."),
            code="changed_meanwhile",
        )


class UnknownPermission(ValidationError):
    """A role may hold only what the registry knows and does not reserve for operators."""

    def __init__(self, codes: Iterable[str]) -> None:
        super().__init__(
            _("No such permission for a role: %(codes)s"),
            code="unknown_permission",
            params={"codes": ", ".join(sorted(codes))},
        )


def install() -> None:
    """Give the active tenant its rows for the system roles. Twice does nothing."""
    present = set(Role.objects.filter(is_system=True).values_list("key", flat=True))
    for system in permissions.system_roles():
        if system.key not in present:
            Role.objects.create(
                key=system.key, is_system=True, own_rank=system.rank, own_requires_mfa=system.requires_mfa
            )


def grant(
    membership: Membership,
    *,
    role: Role,
    by: User | None,
    at: datetime,
    expires_at: datetime | None = None,
    reason: str = "",
    source: str = RoleGrant.Source.MANUAL,
    idp: IdentityProvider | None = None,
) -> RoleGrant:
    """Give a role; given again it moves its end. Refuses `NotHere`, `AlreadyOver`, `MoreThanHeld`, `LastOwner`."""
    with transaction.atomic():
        if membership.tenant_id != role.tenant_id or not membership.is_active:
            raise NotHere
        if expires_at is not None and expires_at <= at:
            raise AlreadyOver
        if not policies.may_give(by, role, at=at, expires_at=expires_at):
            raise MoreThanHeld
        if expires_at is not None and _is_lasting(membership, role=role, source=source):
            _keep_an_owner(Role.objects.select_for_update().get(pk=role.pk), without=membership, at=at)
        given, is_new = RoleGrant.objects.update_or_create(
            membership=membership,
            role=role,
            source=source,
            idp=idp,
            defaults={"expires_at": expires_at, "reason": reason, "granted_by": by, "granted_at": at},
        )
        ledger.record(
            "accounts.role.granted",
            membership,
            changes={
                "role": [None if is_new else role.key, role.key],
                "until": [None, expires_at.isoformat() if expires_at else None],
                "source": [None, source],
            },
            reason=reason,
        )
    policies.forget(membership.user)
    return given


def revoke(given: RoleGrant, *, by: User | None, at: datetime, reason: str = "") -> None:
    """Take a role back. Refuses `MoreThanHeld` and `LastOwner`. Sessions lose it at their next request."""
    with transaction.atomic():
        role = Role.objects.select_for_update().get(pk=given.role_id)
        if not policies.may_take(by, role, at=at):
            raise MoreThanHeld
        if given.expires_at is None:
            _keep_an_owner(role, without=given.membership, at=at)
        RoleGrant.objects.filter(pk=given.pk).delete()
        _may_lose_it(by, given.membership.user)
        changes = {"role": [role.key, None], "source": [given.source, None]}
        ledger.record("accounts.role.revoked", given.membership, changes=changes, reason=reason)
    policies.forget(given.membership.user)


def _may_lose_it(by: User | None, user: User) -> None:
    """Who gives up something of their own acts on in this request: `signin.revalidate` compares with nothing then."""
    if by == user:
        policies.forget(by)


def end_expired(*, at: datetime, limit: int = 500) -> int:
    """Take away grants whose end has come, and say so; they gave nothing any more. Answers how many."""
    with transaction.atomic():
        over = RoleGrant.objects.filter(expires_at__lte=at).select_related("role", "membership").order_by("expires_at")
        grants = list(over.select_for_update(of=("self",), skip_locked=True)[:limit])
        RoleGrant.objects.filter(pk__in=[given.pk for given in grants]).delete()
        for given in grants:
            changes = {"role": [given.role.key, None], "source": [given.source, None]}
            ledger.record("accounts.role.expired", given.membership, changes=changes)
    return len(grants)


def _is_lasting(membership: Membership, *, role: Role, source: str) -> bool:
    return RoleGrant.objects.filter(membership=membership, role=role, source=source, expires_at=None).exists()


def _keep_an_owner(role: Role, *, without: Membership, at: datetime) -> None:
    if role.key != "owner" or not role.is_system:
        return
    lasting = RoleGrant.objects.filter(role=role, expires_at=None, membership__is_active=True)
    if not lasting.exclude(membership=without).filter(membership__user__is_active=True).exists():
        raise LastOwner


def define(
    role: Role, *, name: str, codes: Iterable[str], rank: int, requires_mfa: bool, by: User | None, at: datetime
) -> Role:
    """Make or revise a tenant's own role. Refuses system roles, `UnknownPermission`, and `MoreThanHeld` either side."""
    with transaction.atomic():
        wanted = frozenset(codes)
        unknown = wanted - {permission.code for permission in permissions.grantable()}
        if unknown:
            raise UnknownPermission(unknown)
        if role.is_system or (not role._state.adding and not policies.may_take(by, role, at=at)):
            raise MoreThanHeld
        before = sorted(role.own_permissions)
        role.own_name, role.own_permissions = name, sorted(wanted)
        role.own_rank, role.own_requires_mfa = rank, requires_mfa
        if not policies.may_give(by, role, at=at, expires_at=None):
            raise MoreThanHeld
        role.save()
        ledger.record("accounts.role.defined", role, changes={"permissions": [before, role.own_permissions]})
    return role


def fingerprint(role: Role) -> str:
    """What a role of the tenant's own holds, so short that a page can bring it back and be told that it is old."""
    return hashlib.sha256(json.dumps(sorted(role.own_permissions)).encode()).hexdigest()


def revise(
    wanted: Mapping[Role, frozenset[str]], *, seen: Mapping[UUID, str], by: User | None, at: datetime
) -> list[Role]:
    """Change what several roles hold, all or none. `seen` are the fingerprints the change was made from.

    Refuses `ChangedMeanwhile`, and whatever `define` refuses.
    """
    with transaction.atomic():
        rows = Role.objects.select_for_update().filter(pk__in=[role.pk for role in wanted]).in_bulk()
        if any(role.pk not in rows or fingerprint(rows[role.pk]) != seen.get(role.pk) for role in wanted):
            raise ChangedMeanwhile
        return [_hold(rows[role.pk], codes, by=by, at=at) for role, codes in wanted.items()]


def _hold(role: Role, codes: frozenset[str], *, by: User | None, at: datetime) -> Role:
    kept = {"name": role.own_name, "rank": role.own_rank, "requires_mfa": role.own_requires_mfa}
    return define(role, codes=codes, by=by, at=at, **kept)  # type: ignore[arg-type]


def end_membership(membership: Membership, *, by: User | None, at: datetime, reason: str = "") -> None:
    """End a membership: its sessions end at their next request. Refuses `MoreThanHeld` and `LastOwner`."""
    with transaction.atomic():
        for given in membership.grants.select_related("role"):
            role = Role.objects.select_for_update().get(pk=given.role_id)
            if not policies.may_take(by, role, at=at):
                raise MoreThanHeld
            if given.expires_at is None:
                _keep_an_owner(role, without=membership, at=at)
        Membership.objects.filter(pk=membership.pk).update(is_active=False)
        _may_lose_it(by, membership.user)
        ledger.record("accounts.membership.ended", membership, changes={"is_active": [True, False]}, reason=reason)
    membership.is_active = False
    policies.forget(membership.user)


def resume_membership(membership: Membership, *, by: User | None, at: datetime) -> None:
    """Let an ended membership live again, with the roles it had. Refuses `MoreThanHeld`."""
    with transaction.atomic():
        for given in membership.grants.select_related("role"):
            if not policies.may_give(by, given.role, at=at, expires_at=given.expires_at):
                raise MoreThanHeld
        Membership.objects.filter(pk=membership.pk).update(is_active=True)
        ledger.record("accounts.membership.resumed", membership, changes={"is_active": [False, True]})
    membership.is_active = True
    policies.forget(membership.user)
