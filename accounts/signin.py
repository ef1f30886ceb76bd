"""Where every way in ends. Authority lives in the session: what it proves, for whom, in which tenant, until when.

The session keeps under `STANDING`: tenant, the user's epoch, level, methods, the provider it came from if any, and when
it began, was verified and was last seen (seconds since 1970). `session_user` believes it only while its row
(`accounts.sessions`) is open.
"""

import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError, transaction
from django.utils.crypto import constant_time_compare

from accounts import conf, devices, impersonation, policies, security, sessions
from accounts.models import AuthSession, IdentityProvider, Membership, User, normalise_email
from accounts.session_store import StoreDown
from audit import ledger
from governance import tenancy

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.core.handlers.wsgi import WSGIRequest

STANDING = "standing"
DEVICE_LATER = "device_later"
BACKEND = "accounts.backends.PasswordBackend"
OWN_FACTORS = frozenset({"totp", "webauthn", "recovery"})
SECOND_FACTORS = OWN_FACTORS | {"idp-mfa"}
# When somebody last proved themselves by something of their own, and not by a provider's word: a second factor; or
# that or their password. A provider speaks for one tenant, what is one's own opens them all.
OWN, SELF = "own", "self"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How somebody proved who they are: `password`, `totp`, `webauthn`, `recovery`; `idp` and `idp-mfa` for a provider.

    `idp_session` is the provider's own name for the session (`sid`, SessionIndex), `name_id` SAML's NameID as XML.
    """

    methods: tuple[str, ...]
    idp: IdentityProvider | None = None
    idp_session: str = ""
    name_id: str = ""

    @property
    def level(self) -> int:
        """One factor, two, or two of which one cannot be phished."""
        if self.resists_phishing:
            return policies.RESISTS_PHISHING
        return policies.TWO_FACTORS if SECOND_FACTORS & set(self.methods) else policies.ONE_FACTOR

    @property
    def resists_phishing(self) -> bool:
        """Whether nobody in between could have passed it on."""
        return "webauthn" in self.methods


class NotAdmitted(Exception):
    """Not an active member of the active tenant: no session is given."""


# --- how long ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Limits:
    """After how much silence a session ends (None: silence does not matter), and after how long in any case."""

    idle: timedelta | None
    absolute: timedelta


def limits(demands: security.Demands, *, remembered: bool, required_level: int) -> Limits:
    """The limits of a session. Nobody whose role demands a second factor is remembered, whatever they ticked. Pure."""
    if remembered and demands.remember_days and required_level <= policies.ONE_FACTOR:
        return Limits(idle=None, absolute=timedelta(days=demands.remember_days))
    return Limits(timedelta(minutes=demands.idle_minutes), timedelta(hours=demands.absolute_hours))


def _limits(user: User, *, remembered: bool) -> Limits:
    required = policies.held(user).required_level
    return limits(security.in_force(), remembered=remembered, required_level=required)


# --- in, stronger, out ------------------------------------------------------------------------------------------------
def standing(user: User, evidence: Evidence, *, at: datetime, remembered: bool = False) -> dict[str, Any]:
    """What a session keeps about its own authority."""
    now = at.timestamp()
    return {
        STANDING: {
            "tenant": str(tenancy.current_id()),
            "epoch": user.session_epoch,
            "level": evidence.level,
            "methods": list(evidence.methods),
            "idp": str(evidence.idp.pk) if evidence.idp else "",
            "remembered": remembered,
            "began": now,
            "verified": now,
            "seen": now,
            **_by_oneself(evidence, now),
        }
    }


def _by_oneself(evidence: Evidence, now: float) -> dict[str, float]:
    shown = set(evidence.methods)
    marks = {OWN: shown & OWN_FACTORS, SELF: shown & (OWN_FACTORS | {"password"})}
    return {mark: now for mark, methods in marks.items() if methods}


def finish(
    request: "WSGIRequest", user: User, evidence: Evidence, *, at: datetime, remember: bool = False
) -> AuthSession:
    """Open a session for a member, under a fresh key. Refuses everybody else with `NotAdmitted`.

    With `remember` it outlives the browser and bears silence, for those whose role demands one factor only.
    """
    if not policies.held(user).is_member:
        raise NotAdmitted
    bounds, is_first = _limits(user, remembered=remember), user.last_login is None
    remembered = remember and bounds.idle is None
    with transaction.atomic():
        before = _set_aside(request, at=at)
        auth.login(request, user, backend=BACKEND)
        if _key(request) in ("", before):  # Django flushed another user's session, or kept the key of this user's own
            request.session.cycle_key()
        request.session.set_expiry(bounds.absolute if remembered else 0)
        request.session.update(standing(user, evidence, at=at, remembered=remembered))
        user.assurance_level = evidence.level
        row = open_row(user, evidence, key=_key(request), at=at, bounds=bounds, remembered=remembered)
        facts = {"session": [None, str(row.pk)], "browser": [None, _browser(request, row, is_first=is_first, at=at)]}
        ledger.record("accounts.session.started", user, reason=" + ".join(evidence.methods), changes=facts)
    request.auth_session = row  # type: ignore[attr-defined]
    return row


def open_row(
    user: User, evidence: Evidence, *, key: str, at: datetime, bounds: Limits, remembered: bool = False
) -> AuthSession:
    """The row of a session that proves this."""
    return sessions.begin(
        user,
        key=key,
        methods=evidence.methods,
        level=evidence.level,
        at=at,
        expires_at=at + bounds.absolute,
        is_remembered=remembered,
        idp=evidence.idp,
        idp_session=evidence.idp_session,
        name_id=evidence.name_id,
    )


def _key(request: "WSGIRequest") -> str:
    return request.session.session_key or ""


def _set_aside(request: "WSGIRequest", *, at: datetime) -> str:
    """Whoever was in with this browser before leaves; answers the key of their session."""
    before = sessions.of_key(_key(request))
    request.auth_session = None  # type: ignore[attr-defined]
    if before is not None:
        sessions.close(before, at=at, why="signed in anew")
    return _key(request)


def _browser(request: "WSGIRequest", row: AuthSession, *, is_first: bool, at: datetime) -> str:
    """Whether it is new or known; or that this shows at the first request that brings its cookie."""
    request.session.pop(DEVICE_LATER, None)
    if devices.is_hidden(request):
        request.session[DEVICE_LATER] = is_first
        return "not shown yet"
    return "new" if devices.recognise(request, row, is_first=is_first, at=at) else "known"


def _meet_browser_late(request: "WSGIRequest", row: AuthSession, *, at: datetime) -> None:
    is_first = bool(request.session.pop(DEVICE_LATER))
    with transaction.atomic():
        if devices.recognise(request, row, is_first=is_first, at=at):
            ledger.record("accounts.browser.met", row.user, changes={"session": [None, str(row.pk)]})


def step_up(request: "WSGIRequest", user: User, evidence: Evidence, *, at: datetime) -> None:
    """Strengthen the session at hand, under a fresh key. Refuses one that was ended meanwhile: `SessionOver`."""
    with transaction.atomic():
        row, kept = sessions.locked(_key(request)), request.session[STANDING]
        methods = list(dict.fromkeys([*kept["methods"], *evidence.methods]))
        level = max(kept["level"], evidence.level)
        request.session.cycle_key()
        sessions.move(
            row, key=_key(request), epoch=user.session_epoch, level=level, methods=methods, verified_at=at, seen_at=at
        )
        now, is_as_strong = at.timestamp(), evidence.level >= min(kept["level"], policies.TWO_FACTORS)
        verified = now if is_as_strong else kept["verified"]  # a password alone does not refresh two factors
        proven = {"epoch": user.session_epoch, "level": level, "methods": methods, "verified": verified, "seen": now}
        came_from = kept.get("idp") or (str(evidence.idp.pk) if evidence.idp else "")
        request.session[STANDING] = kept | proven | {"idp": came_from} | _by_oneself(evidence, now)
        user.assurance_level = level
        request.auth_session = row  # type: ignore[attr-defined]
        ledger.record("accounts.session.verified", user, reason=" + ".join(evidence.methods))


def renew(request: "WSGIRequest", user: User, *, at: datetime) -> None:
    """Let the session at hand outlive a change of its own user's password, under a fresh key.

    Refuses one that was ended meanwhile: `SessionOver`.
    """
    with transaction.atomic():
        row, kept = sessions.locked(_key(request)), request.session[STANDING]
        auth.update_session_auth_hash(request, user)
        sessions.move(row, key=_key(request), epoch=user.session_epoch, seen_at=at)
        request.session[STANDING] = kept | {"epoch": user.session_epoch, "seen": at.timestamp()}
        request.auth_session = row  # type: ignore[attr-defined]


def note_failure(email: str, *, what: str = "accounts.signin.failed", reason: str, always: bool = False) -> None:
    """Put a failed attempt into the ledger, about the member it aimed at if there is one; see `ledger.refused`."""
    note(email, what=what, reason=reason, always=always, outcome="failed")


def note(email: str, *, what: str, reason: str, always: bool = False, outcome: str = "success") -> None:
    """Put what a stranger asked for into the ledger, about the member it aimed at; a flood of it as its number."""
    member = Membership.objects.filter(user__email_key=normalise_email(email)).select_related("user").first()
    ledger.refused(what, member.user if member else None, reason=reason, outcome=outcome, always=always)


def leave(request: "WSGIRequest", *, at: datetime | None = None, reason: str = "signed out") -> None:
    """End the session at hand."""
    here = impersonation.really(request.user)  # this looks it up, where nobody has asked yet
    user = here if isinstance(here, User) else None
    row = getattr(request, "auth_session", None)
    with transaction.atomic():
        request.auth_session = None  # type: ignore[attr-defined]
        if isinstance(row, AuthSession):
            sessions.close(row, at=at or datetime.now(UTC), why=reason)
        elif user is not None:
            ledger.record("accounts.session.ended", user, reason=reason)
        auth.logout(request)


def is_fresh(session: "SessionBase", *, at: datetime) -> bool:
    """Whether a second factor of their own was shown a short while ago. No provider's word counts, and no reading."""
    kept = session.get(STANDING) or {}
    verified = datetime.fromtimestamp(kept.get(OWN, 0), UTC)
    longest = timedelta(minutes=security.in_force().step_up_minutes)
    return kept.get("level", 0) >= policies.TWO_FACTORS and at - verified <= longest


def is_anothers_word(session: "SessionBase") -> bool:
    """Whether only a provider has said who this is."""
    return not (session.get(STANDING) or {}).get(SELF)


# --- whom to believe --------------------------------------------------------------------------------------------------
def session_user(request: "WSGIRequest", *, at: datetime) -> User | AnonymousUser:
    """Whom the session at hand speaks for, with what it proves. One that is over speaks for nobody and is ended.

    Refuses with `StoreDown` when that cannot be found out.
    """
    try:
        return _session_user(request, at=at)
    except (OperationalError, InterfaceError) as down:
        raise StoreDown from down


def _session_user(request: "WSGIRequest", *, at: datetime) -> User | AnonymousUser:
    user_id, kept = request.session.get(auth.SESSION_KEY), request.session.get(STANDING)
    if user_id is None:
        return AnonymousUser()
    row = sessions.of_key(_key(request))
    over = _why_over(request.session, kept, row, at=at)
    if over or kept is None or row is None:
        _end_at_hand(request, row, user_id, why=over, at=at)
        return AnonymousUser()
    user: User = row.user
    user.assurance_level = int(kept["level"])
    request.auth_session = row  # type: ignore[attr-defined]
    _note_use(request.session, kept, row, at=at)
    if DEVICE_LATER in request.session and not devices.is_hidden(request):
        _meet_browser_late(request, row, at=at)
    return impersonation.seen(request, user, at=at)


def _end_at_hand(request: "WSGIRequest", row: AuthSession | None, user_id: str, *, why: str, at: datetime) -> None:
    """Forget the stored session, so that nothing speaks for it again, and say why it ended, once."""
    with transaction.atomic():
        request.session.flush()
        if row is None:
            ledger.record("accounts.session.ended", ledger.Subject(User._meta.label_lower, user_id), reason=why)
        else:
            sessions.close(row, at=at, why=why)


def _why_over(session: "SessionBase", kept: dict[str, Any] | None, row: AuthSession | None, *, at: datetime) -> str:
    if not kept or "tenant" not in kept:
        return "no standing"
    if kept["tenant"] != str(tenancy.current_id_or_none()):
        return "another tenant"
    if row is None or str(row.user_id) != session[auth.SESSION_KEY]:
        return "unknown session"
    if row.ended_at is not None:
        return row.ended_why or "ended"
    user: User = row.user
    bounds, now = _limits(user, remembered=bool(kept.get("remembered"))), at.timestamp()
    tests = {
        "tenant closed": not row.tenant.is_active,
        "account closed": not user.is_active,
        "credentials changed": not kept["epoch"] == row.epoch == user.session_epoch or not _has_hash(session, user),
        "too long": at >= row.expires_at or now - kept["began"] > bounds.absolute.total_seconds(),
        "idle": bounds.idle is not None and now - kept["seen"] > bounds.idle.total_seconds(),
        "membership ended": not policies.held(user).is_member,
    }
    return next((why for why, holds in tests.items() if holds), "")


def _has_hash(session: "SessionBase", user: User) -> bool:
    """Whether the session was opened for the password as it is now, under a secret key still in use."""
    told = session.get(auth.HASH_SESSION_KEY) or ""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(told, known) for known in hashes)


def _note_use(session: "SessionBase", kept: dict[str, Any], row: AuthSession, *, at: datetime) -> None:
    if at.timestamp() - kept["seen"] > conf.SEEN_EVERY.total_seconds():
        session[STANDING] = kept | {"seen": at.timestamp()}
        sessions.note_use(row, at=at)


# --- requests under way -----------------------------------------------------------------------------------------------
def revalidate(request: "WSGIRequest") -> None:
    """Look once more, from inside an act's own transaction, whether its session still stands. Refuses `SessionOver`.

    `accounts.middleware` has the ledger ask this before it writes what somebody signed in did, so no act is kept that
    began before and would be kept after its session was ended, its user closed or changed their password elsewhere,
    or a right they had when the request began was taken from them.
    """
    row, user = getattr(request, "auth_session", None), impersonation.really(getattr(request, "user", None))
    if not isinstance(row, AuthSession):
        return
    with tenancy.within(row.tenant_id):  # type: ignore[arg-type]
        why = _why_not_any_more(row, user)
    if why:
        ledger.refused("accounts.session.refused", user, reason=f"while under way: {why}")
        raise sessions.SessionOver


def _why_not_any_more(row: AuthSession, user: Any) -> str:
    now = sessions.facts(row)
    if now is None or now.ended_at is not None:
        return "ended"
    if not now.is_open:
        return "tenant closed"
    # An act on one's own password counts the epoch of this very user object on.
    if not now.is_active or now.epoch != user.session_epoch:
        return "credentials changed"
    before: policies.Held | None = (user.held_here or {}).get(row.tenant_id)
    if before is None:
        return ""
    again = copy.copy(row.user)
    again.held_here = None
    held = policies.held(again)
    return "" if held.is_member and before.permissions <= held.permissions else "rights taken"
