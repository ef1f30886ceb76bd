"""Who holds what in the active tenant, and what a session must prove for it. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone

from accounts import permissions, security
from accounts.models import Membership, Role, SecurityPolicy, User
from accounts.resolving import Given, resolve
from governance import tenancy

ONE_FACTOR = 1
TWO_FACTORS = 2
RESISTS_PHISHING = 3  # two factors, one of which answers to this host only

Visitor = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody holds in one tenant: nothing at all unless they are an active member there."""

    is_member: bool = False
    permissions: frozenset[str] = frozenset()
    rank: int = -1
    requires_mfa: bool = False
    roles: tuple[str, ...] = ()
    staff_needs_key: bool = False  # the tenant's policy, beyond the roles' own word

    @property
    def is_staff(self) -> bool:
        """Whether the back office is open to them, once verified."""
        return permissions.ENTER_ADMIN in self.permissions

    @property
    def required_level(self) -> int:
        """How strongly their session must be verified."""
        if self.is_staff and self.staff_needs_key:
            return RESISTS_PHISHING
        return TWO_FACTORS if self.is_staff or self.requires_mfa else ONE_FACTOR


NOTHING = Held()


_GRANT = ("key", "is_system", "own_name", "own_permissions", "own_rank", "own_requires_mfa")


def given_to(user: User) -> tuple[bool, str, list[Given]]:
    """Whether they are an active member, whom the tenant asks for a second factor, what they were given: one query."""
    rows = list(
        Membership.objects.filter(user=user, is_active=True).values_list(
            models.Subquery(SecurityPolicy.objects.values("second_factor")[:1]),
            "grants__source",
            "grants__expires_at",
            "grants__reason",
            *(f"grants__role__{name}" for name in _GRANT),
        )
    )
    grants = [
        Given(Role(**dict(zip(_GRANT, role, strict=True))), source, expires_at, reason=reason)
        for _factor, source, expires_at, reason, *role in rows
        if source
    ]
    return bool(rows), (rows[0][0] or "") if rows else "", grants


def _read(user: User, *, at: datetime, lasting_until: datetime | None) -> Held:
    is_member, second_factor, grants = given_to(user)
    if not is_member:
        return NOTHING
    everybody = SecurityPolicy.SecondFactor.EVERYBODY
    resolved = resolve(
        grants,
        at=lasting_until or at,
        beyond=permissions.for_operators() if user.is_operator else frozenset(),
        all_need_two=everybody in (second_factor, security.PLATFORM.second_factor),
    )
    needs_key = security.in_force().needs_security_key
    return Held(True, resolved.permissions, resolved.rank, resolved.requires_mfa, resolved.roles, needs_key)


def held(user: Visitor) -> Held:
    """What they hold in the active tenant now: one query, kept on this user object (which lives for one request)."""
    tenant_id = tenancy.current_id_or_none()
    if not isinstance(user, User) or not user.is_active or tenant_id is None:
        return NOTHING
    if user.held_here is None:
        user.held_here = {}
    if tenant_id not in user.held_here:
        user.held_here[tenant_id] = _read(user, at=timezone.now(), lasting_until=None)
    held_here: Held = user.held_here[tenant_id]
    return held_here


def held_until(user: User, *, at: datetime, expires_at: datetime | None) -> Held:
    """What they will still hold when a grant ending then (or never) ends: the most they may give away for so long."""
    forever = datetime.max.replace(tzinfo=at.tzinfo)
    return _read(user, at=at, lasting_until=expires_at or forever) if user.is_active else NOTHING


def forget(user: User) -> None:
    """Read their grants anew next time."""
    user.held_here = None


def is_verified_enough(user: Visitor) -> bool:
    """Whether the session they came with proves as much as their roles demand. True outside a session.

    A password that must be changed proves nothing until it is.
    """
    return is_strong_enough(user) and not must_change_password(user)


def is_strong_enough(user: Visitor) -> bool:
    """Whether as many factors were shown as their roles demand, whatever has become of the password since."""
    level = getattr(user, "assurance_level", None)
    return level is None or level >= held(user).required_level


def must_change_password(user: Visitor) -> bool:
    """Whether the session they came with leads to a change of password and nowhere else. False outside a session."""
    return getattr(user, "assurance_level", None) is not None and bool(getattr(user, "password_must_change", ""))


def usable_permissions(user: Visitor) -> frozenset[str]:
    """The permissions in force: none while the session proves too little, so that a forgotten door opens nothing.

    With an API token no more than its scopes; while somebody sees as this user, nothing that guards the door.
    """
    if not is_verified_enough(user):
        return frozenset()
    codes = held(user).permissions
    if getattr(user, "token_scopes", None) is not None:
        codes &= user.token_scopes  # type: ignore[union-attr, operator]
    if getattr(user, "seen_by", None) is not None:
        codes = frozenset(code for code in codes if not permissions.guards_the_door(code))
    return codes


def is_staff(user: Visitor) -> bool:
    """Whether the back office is theirs to enter, once verified."""
    return held(user).is_staff


def may_enter_admin(user: Visitor) -> bool:
    """Whether they may enter the back office now, with this session."""
    return is_staff(user) and is_verified_enough(user)


def may_give(by: User | None, role: Role, *, at: datetime, expires_at: datetime | None) -> bool:
    """Nobody gives more than they hold, nor for longer. `None` is the platform itself, through a command."""
    if by is None:
        return True
    holding = held_until(by, at=at, expires_at=expires_at)
    return role.rank <= holding.rank and role.permissions <= holding.permissions


def may_see_as(by: User, other: User) -> bool:
    """Whether one may see the site as another member: never as oneself, nor as somebody who stands or may do more."""
    if by.seen_by is not None or by.pk == other.pk or "accounts.impersonate" not in usable_permissions(by):
        return False
    mine, theirs = held(by), held(other)
    return theirs.is_member and theirs.rank <= mine.rank and theirs.permissions <= mine.permissions


def stands_over(by: User | None, other: User) -> bool:
    """Whether one may take something from another: not from those of higher rank."""
    return by is None or held(other).rank <= held(by).rank


def may_take(by: User | None, role: Role, *, at: datetime) -> bool:
    """Whoever may give a role may take it."""
    return by is None or (role.rank <= held(by).rank and role.permissions <= held(by).permissions)
