"""Seeing the site as another member sees it: with a reason, for half an hour, marked everywhere.

The session stays that of whoever really sits there; it remembers as whom they look. The ledger names them as the actor
and the other as the one on whose behalf. What guards the door (credentials, factors, sessions, tokens, roles, keys) is
closed meanwhile, twice: its pages by `is_closed`, its permissions by `policies.usable_permissions`.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import conf, policies
from accounts.models import User
from audit import ledger

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.core.handlers.wsgi import WSGIRequest

SEEN_AS = "seen_as"
COOKIE = "seen-as"
REASON_AT_LEAST = 10
# Whatever is addressed here is one's own door: nobody goes through it in another's name.
DOORS = frozenset({"accounts", "sso"})
ALLOWED = frozenset({"accounts:home", "accounts:logout", "accounts:stop_seeing_as", "admin:logout"})


class NotAllowed(ValidationError):
    """No permission for it, somebody of higher rank, oneself, somebody who is no member, or already as somebody."""

    def __init__(self) -> None:
        super().__init__(_("You cannot see the site as this person."), code="not_allowed")


class NoReason(ValidationError):
    """Whoever reads the ledger later must understand why."""

    def __init__(self) -> None:
        super().__init__(_("Say why, in a sentence."), code="no_reason")


def start(session: "SessionBase", user: User, *, by: User, at: datetime, reason: str) -> datetime:
    """Let a session see as another member; answers until when. Refuses `NotAllowed` and `NoReason`."""
    if not policies.may_see_as(by, user):
        ledger.refused("accounts.impersonation.started", user, reason="not allowed")
        raise NotAllowed
    if len(reason.strip()) < REASON_AT_LEAST:
        raise NoReason
    until = at + conf.SEEN_AS
    session[SEEN_AS] = {"user": str(user.pk), "until": until.timestamp()}
    ledger.record("accounts.impersonation.started", user, reason=reason.strip())
    return until


def stop(session: "SessionBase", *, by: User, at: datetime, reason: str = "by hand") -> None:
    """See as oneself again; `by` is who really sits there. Twice does nothing."""
    kept = session.pop(SEEN_AS, None)
    if kept is not None:
        subject = ledger.Subject(User._meta.label_lower, str(kept.get("user", "")))
        ledger.record("accounts.impersonation.ended", subject, reason=reason)


def seen(request: "WSGIRequest", user: User, *, at: datetime) -> User:
    """As whom this session looks: `user` themselves, or the other with `seen_by` set. Asked for each request anew."""
    kept: dict[str, Any] | None = request.session.get(SEEN_AS)
    if kept is None:
        return user
    other = User.objects.filter(pk=kept["user"], is_active=True).first()
    why = _why_over(kept, user, other, at=at)
    if why or other is None:
        stop(request.session, by=user, at=at, reason=why or "gone")
        return user
    other.seen_by, other.seen_until = user, datetime.fromtimestamp(kept["until"], UTC)
    other.assurance_level = user.assurance_level
    return other


def _why_over(kept: dict[str, Any], user: User, other: User | None, *, at: datetime) -> str:
    if at.timestamp() >= kept["until"]:
        return "half an hour is over"
    if other is None or not policies.may_see_as(user, other):
        return "no longer allowed"
    return ""


def really(user: Any) -> Any:
    """Who really sits there."""
    return getattr(user, "seen_by", None) or user


def is_closed(user: policies.Visitor, view_name: str) -> bool:
    """Whether a page is closed to somebody who sees as another: all that guards the door."""
    if getattr(user, "seen_by", None) is None or view_name in ALLOWED:
        return False
    space, _colon, name = view_name.rpartition(":")
    return space.partition(":")[0] in DOORS or (space == "admin" and name.startswith(("accounts_", "password_")))


def time_left(user: Any, *, at: datetime) -> timedelta:
    """How long somebody may go on seeing as this user."""
    until = getattr(user, "seen_until", None)
    return until - at if until else timedelta(0)
