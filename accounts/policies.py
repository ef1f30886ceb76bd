"""Who holds what in the active tenant, and what a session must prove for it. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts import permissions, security
from accounts.models import Membership, Role, SecurityPolicy, User
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
    # What the tenant's policy demands beyond the roles' own word.
    everybody_needs_mfa: bool = False
    staff_needs_key: bool = False

    @property
    def is_staff(self) -> bool:
        """Whether the back office is open to them, once verified."""
        return permissions.ENTER_ADMIN in self.permissions

    @property
    def required_level(self) -> int:
        """How strongly their session must be verified."""
        if self.is_staff and self.staff_needs_key:
            return RESISTS_PHISHING
        needs_two = self.is_staff or self.requires_mfa or self.everybody_needs_mfa
        return TWO_FACTORS if needs_two else ONE_FACTOR


NOTHING = Held()


def _read(user: User, *, at: datetime, lasting_until: datetime | None) -> Held:
    members = Membership.objects.filter(user=user, is_active=True)
    rows = list(
        members.values_list(
            "grants__role__key",
            "grants__role__is_system",
            "grants__role__own_permissions",
            "grants__role__own_rank",
            "grants__role__own_requires_mfa",
            "grants__expires_at",
        )
    )
    roles = [
        Role(key=key, is_system=system, own_permissions=codes, own_rank=rank, own_requires_mfa=mfa)
        for key, system, codes, rank, mfa, expires_at in rows
        if key and (expires_at is None or expires_at > (lasting_until or at))
    ]
    codes = frozenset[str]().union(*(role.permissions for role in roles))
    demands = security.in_force()
    return Held(
        is_member=bool(rows),
        permissions=codes | (permissions.for_operators() if user.is_operator and rows else frozenset()),
        rank=max((role.rank for role in roles), default=0 if rows else -1),
        requires_mfa=any(role.requires_mfa for role in roles),
        roles=tuple(sorted(role.key for role in roles)),
        everybody_needs_mfa=bool(rows) and demands.second_factor == SecurityPolicy.SecondFactor.EVERYBODY,
        staff_needs_key=demands.needs_security_key,
    )


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
    """Whether the session they came with proves as much as their roles demand. True outside a session."""
    level = getattr(user, "assurance_level", None)
    return level is None or level >= held(user).required_level


def usable_permissions(user: Visitor) -> frozenset[str]:
    """The permissions in force: none while the session proves too little, so that a forgotten door opens nothing."""
    return held(user).permissions if is_verified_enough(user) else frozenset()


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


def may_take(by: User | None, role: Role, *, at: datetime) -> bool:
    """Whoever may give a role may take it."""
    return by is None or (role.rank <= held(by).rank and role.permissions <= held(by).permissions)
