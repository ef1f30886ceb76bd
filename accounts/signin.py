"""Where every way in ends. Authority lives in the session: what it proves, for whom, in which tenant, until when.

The session keeps under `STANDING`: tenant, the user's epoch, level, methods, and when it began, was verified and was
last seen (seconds since 1970). `session_user` believes nothing else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from accounts import conf, policies
from accounts.models import IdentityProvider, Membership, User, normalise_email
from audit import ledger
from governance import tenancy

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.core.handlers.wsgi import WSGIRequest

STANDING = "standing"
BACKEND = "accounts.backends.PasswordBackend"
SECOND_FACTORS = frozenset({"totp", "webauthn", "recovery", "idp-mfa"})


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


def standing(user: User, evidence: Evidence, *, at: datetime) -> dict[str, Any]:
    """What a session keeps about its own authority."""
    now = at.timestamp()
    return {
        STANDING: {
            "tenant": str(tenancy.current_id()),
            "epoch": user.session_epoch,
            "level": evidence.level,
            "methods": list(evidence.methods),
            "began": now,
            "verified": now,
            "seen": now,
        }
    }


def finish(request: "WSGIRequest", user: User, evidence: Evidence, *, at: datetime) -> None:
    """Open a session for a member, under a fresh key. Refuses everybody else with `NotAdmitted`."""
    if not policies.held(user).is_member:
        raise NotAdmitted
    with transaction.atomic():
        auth.login(request, user, backend=BACKEND)
        request.session.update(standing(user, evidence, at=at))
        user.assurance_level = evidence.level
        ledger.record("accounts.session.started", user, reason=" + ".join(evidence.methods))


def step_up(request: "WSGIRequest", user: User, evidence: Evidence, *, at: datetime) -> None:
    """Strengthen the session at hand, under a fresh key."""
    kept = request.session[STANDING]
    methods = list(dict.fromkeys([*kept["methods"], *evidence.methods]))
    request.session.cycle_key()
    request.session[STANDING] = kept | {
        "epoch": user.session_epoch,
        "level": max(kept["level"], evidence.level),
        "methods": methods,
        "verified": at.timestamp(),
        "seen": at.timestamp(),
    }
    user.assurance_level = request.session[STANDING]["level"]
    ledger.record("accounts.session.verified", user, reason=" + ".join(evidence.methods))


def renew(request: "WSGIRequest", user: User, *, at: datetime) -> None:
    """Let the session at hand outlive a change of its own user's password, under a fresh key."""
    auth.update_session_auth_hash(request, user)
    kept = request.session[STANDING]
    request.session[STANDING] = kept | {"epoch": user.session_epoch, "seen": at.timestamp()}


def note_failure(email: str, *, what: str = "accounts.signin.failed", reason: str) -> None:
    """Put a failed attempt into the ledger, about the member it aimed at if there is one."""
    member = Membership.objects.filter(user__email_key=normalise_email(email)).select_related("user").first()
    ledger.refused(what, member.user if member else None, reason=reason, outcome="failed")


def leave(request: "WSGIRequest", *, reason: str = "signed out") -> None:
    """End the session at hand."""
    user = request.user
    auth.logout(request)
    if isinstance(user, User):
        ledger.record("accounts.session.ended", user, reason=reason)


def is_fresh(session: "SessionBase", *, at: datetime) -> bool:
    """Whether the second factor was shown a short while ago. Reading pages does not make a session fresh."""
    kept = session.get(STANDING) or {}
    verified = datetime.fromtimestamp(kept.get("verified", 0), UTC)
    return kept.get("level", 0) >= policies.TWO_FACTORS and at - verified <= conf.FRESH


def session_user(request: "WSGIRequest", *, at: datetime) -> User | AnonymousUser:
    """Whom the session at hand speaks for, with what it proves. One that is over speaks for nobody and is ended."""
    user = auth.get_user(request)
    if not isinstance(user, User):
        return AnonymousUser()
    kept = request.session.get(STANDING)
    over = _why_over(kept, user, at=at)
    if over or kept is None:
        with transaction.atomic():
            request.session.flush()
            ledger.record("accounts.session.ended", user, reason=over)
        return AnonymousUser()
    user.assurance_level = int(kept["level"])
    _note_use(request.session, kept, at=at)
    return user


def _why_over(kept: dict[str, Any] | None, user: User, *, at: datetime) -> str:
    if not kept or "tenant" not in kept:
        return "no standing"
    now = at.timestamp()
    tests = {
        "another tenant": kept["tenant"] != str(tenancy.current_id_or_none()),
        "credentials changed": kept["epoch"] != user.session_epoch,
        "too long": now - kept["began"] > conf.ABSOLUTE.total_seconds(),
        "idle": now - kept["seen"] > conf.IDLE.total_seconds(),
        "membership ended": not policies.held(user).is_member,
    }
    return next((why for why, holds in tests.items() if holds), "")


def _note_use(session: "SessionBase", kept: dict[str, Any], *, at: datetime) -> None:
    if at.timestamp() - kept["seen"] > conf.SEEN_EVERY.total_seconds():
        session[STANDING] = kept | {"seen": at.timestamp()}
