"""Break-glass: the owner's role for an hour, for whoever must get in when nobody else can. Everybody is told.

It gives a role and nothing else: who uses it signs in as always, second factor included. It ends by its hour, by hand,
or by an owner who takes the role back.
"""

from datetime import datetime

import structlog
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts import conf, roles
from accounts.models import Membership, Role, RoleGrant, User
from audit import ledger, outbox

REASON_AT_LEAST = 10
log = structlog.get_logger(__name__)


class NoReason(ValidationError):
    """Whoever reads the ledger later must understand why."""

    def __init__(self) -> None:
        super().__init__(_("Say why, in a sentence."), code="no_reason")


class NoFactor(ValidationError):
    """Break-glass opens no door that a second factor keeps shut."""

    def __init__(self) -> None:
        super().__init__(
            _("This person has no second factor yet. They sign in once and set one up first."), code="no_factor"
        )


class MembershipOver(ValidationError):
    """Resuming an ended membership would bring its old roles back, for good."""

    def __init__(self) -> None:
        super().__init__(
            _("This person's membership has ended. An owner can resume it, or `create_owner` makes a new owner."),
            code="membership_over",
        )


class NotInForce(ValidationError):
    """There is nothing to end."""

    def __init__(self) -> None:
        super().__init__(_("No break-glass of this person is in force."), code="not_in_force")


def grants() -> models.QuerySet[RoleGrant]:
    """What break-glass gave in the active tenant and nobody has taken back."""
    kept = RoleGrant.objects.filter(source=RoleGrant.Source.BREAK_GLASS)
    return kept.select_related("membership__user", "role")


def in_force(*, at: datetime) -> models.QuerySet[RoleGrant]:
    """What break-glass gives at this moment."""
    return grants().filter(expires_at__gt=at)


def owners() -> models.QuerySet[User]:
    """Whom to tell: everybody who is an owner here for good."""
    lasting = RoleGrant.objects.filter(role__key="owner", role__is_system=True, expires_at=None)
    told = lasting.filter(membership__is_active=True).values("membership__user")
    return User.objects.filter(pk__in=told, is_active=True)


def open(user: User, *, by: User | None, at: datetime, reason: str) -> RoleGrant:
    """Make a user owner for an hour and tell all owners. Refuses `NoReason`, `NoFactor`, `MembershipOver`.

    Somebody from outside becomes a member for as long.
    """
    if len(reason.strip()) < REASON_AT_LEAST:
        raise NoReason
    if not user.is_active or not user.has_second_factor():
        raise NoFactor
    with transaction.atomic():
        membership, is_new = Membership.objects.get_or_create(user=user)
        if is_new:
            ledger.record("accounts.membership.started", membership, reason="break-glass")
        elif not membership.is_active:
            raise MembershipOver
        given = roles.grant(
            membership,
            role=Role.objects.get(key="owner", is_system=True),
            by=None,
            at=at,
            expires_at=at + conf.BREAK_GLASS,
            reason=reason.strip(),
            source=RoleGrant.Source.BREAK_GLASS,
        )
        ledger.record("accounts.break_glass.opened", user, reason=reason)
        facts = {"until": given.expires_at.isoformat(), "reason": given.reason}  # type: ignore[union-attr]
        for owner in owners():
            outbox.post("accounts.break_glass", about=user, payload={"to": str(owner.pk), **facts})
    log.warning("break_glass.opened", user=str(user.pk), until=given.expires_at)
    return given


def end(user: User, *, by: User | None, at: datetime, reason: str = "by hand") -> None:
    """End a user's break-glass before its hour. Refuses `NotInForce`, and `MoreThanHeld` to those below an owner."""
    with transaction.atomic():
        given = grants().filter(membership__user=user).first()
        if given is None:
            raise NotInForce
        roles.revoke(given, by=by, at=at, reason=reason)
        ledger.record("accounts.break_glass.ended", user, reason=reason)
        _send_home(given, at=at)


def take_back(given: RoleGrant, *, by: User | None, at: datetime) -> None:
    """Revoke a grant of any source; one of break-glass ends as such. Refuses as `end` and `roles.revoke` do."""
    if given.source == RoleGrant.Source.BREAK_GLASS:
        end(given.membership.user, by=by, at=at, reason="taken back")
    else:
        roles.revoke(given, by=by, at=at)


def end_expired(*, at: datetime, limit: int = 500) -> int:
    """Take away every grant whose end has come, and break-glass with it. Answers how many."""
    with transaction.atomic():
        over = list(grants().filter(expires_at__lte=at))
        ended = roles.end_expired(at=at, limit=limit)
        for given in over:
            if not RoleGrant.objects.filter(pk=given.pk).exists():
                ledger.record("accounts.break_glass.ended", given.membership.user, reason="its hour is over")
                _send_home(given, at=at)
    return ended


def _send_home(given: RoleGrant, *, at: datetime) -> None:
    """Whoever holds nothing else here was let in by break-glass alone, and is no member any more."""
    if not given.membership.grants.exists():
        roles.end_membership(given.membership, by=None, at=at, reason="break-glass is over")
