"""Sessions as rows: begun, moved to a fresh key, ended. A session speaks for somebody only while its row is open.

The stored session says what was proven; the row says whether it still counts, where its owner and staff can see it and
end it. The row knows the session's key by its digest only.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import conf, policies, security
from accounts.models import (
    AuthSession,
    EmailCode,
    IdentityProvider,
    KnownDevice,
    LogoutTokenSeen,
    SamlSeenAssertion,
    User,
)
from accounts.session_store import digest
from audit import context, ledger


class SessionOver(ValidationError):
    """The session was ended, or what its owner may do has changed, while the request was under way."""

    def __init__(self) -> None:
        super().__init__(_("Your session has ended meanwhile. Nothing was changed; please sign in."), code="over")


class StandsHigher(ValidationError):
    """Nobody ends a session of somebody who stands higher."""

    def __init__(self) -> None:
        super().__init__(_("Nobody can end a session of somebody with a higher role."), code="stands_higher")


# --- one session's life -----------------------------------------------------------------------------------------------
def begin(
    user: User,
    *,
    key: str,
    methods: Iterable[str],
    level: int,
    at: datetime,
    expires_at: datetime,
    device: KnownDevice | None = None,
    is_remembered: bool = False,
    idp: IdentityProvider | None = None,
    idp_session: str = "",
    name_id: str = "",
) -> AuthSession:
    """Open the row of a session that has just begun, in the caller's transaction."""
    frame = context.current()
    return AuthSession.objects.create(
        user=user,
        key_digest=digest(key),
        epoch=user.session_epoch,
        started_at=at,
        seen_at=at,
        verified_at=at,
        expires_at=expires_at,
        level=level,
        methods=list(methods),
        is_remembered=is_remembered,
        ip=frame.client_ip or None,
        user_agent=frame.user_agent,
        device=device,
        idp=idp,
        idp_session=idp_session[:255],
        name_id=name_id,
    )


def of_key(key: str | None) -> AuthSession | None:
    """The row of the session with this key in the active tenant, with its user and tenant: one query."""
    rows = AuthSession.objects.select_related("user", "tenant")
    return rows.filter(key_digest=digest(key)).first() if key else None


def locked(key: str | None) -> AuthSession:
    """The open row of this key, locked until the caller's transaction is over. Refuses `SessionOver`."""
    rows = AuthSession.objects.select_for_update().filter(key_digest=digest(key or ""), ended_at=None)
    row = rows.first()
    if row is None:
        raise SessionOver
    return row


def move(row: AuthSession, *, key: str, epoch: int, **proof: Any) -> AuthSession:
    """Let a locked row follow its session to a fresh key, with what was proven since."""
    changes = {"key_digest": digest(key), "epoch": epoch, **proof}
    for field, value in changes.items():
        setattr(row, field, value)
    row.save(update_fields=list(changes))
    return row


def note_use(row: AuthSession, *, at: datetime) -> None:
    """Remember when and from where it was last used, unless it was ended meanwhile."""
    ip = context.current().client_ip or None
    AuthSession.objects.filter(pk=row.pk, ended_at=None).update(seen_at=at, ip=ip)


_TABLE = f'"{AuthSession._meta.db_table}"'


class Facts(NamedTuple):
    """What an act that is about to be done must know of its session."""

    ended_at: datetime | None
    epoch: int
    is_active: bool
    is_open: bool


def facts(row: AuthSession) -> Facts | None:
    """How a session stands at this very moment. Inside a transaction nobody ends it before that is over."""
    columns = ("ended_at", "user__session_epoch", "user__is_active", "tenant__is_active")
    asked = AuthSession.objects.filter(pk=row.pk).order_by().values_list(*columns)
    if connection.vendor != "postgresql" or not connection.in_atomic_block:
        found = asked.first()  # on SQLite whoever writes is alone
    else:
        # KEY SHARE: acts of one session do not wait for each other, but its end (FOR UPDATE) waits for them.
        sql, params = asked.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} FOR KEY SHARE OF {_TABLE}", params)
            found = cursor.fetchone()
    return Facts(*found) if found else None


# --- ending -----------------------------------------------------------------------------------------------------------
def end(row: AuthSession, *, by: User | None, at: datetime, why: str) -> bool:
    """End one session at its next request; False when it was over already. Refuses `StandsHigher`.

    It is one that somebody distrusts or has finished with, so a browser it was held in counts as new again.
    """
    with transaction.atomic():
        if by is not None and by.pk != row.user_id and policies.held(by).rank < policies.held(row.user).rank:
            raise StandsHigher
        _lock_with_own(AuthSession.objects.filter(pk=row.pk), by=by)
        return bool(_end(AuthSession.objects.filter(pk=row.pk), at=at, why=why, forgetting=True))


def end_others(user: User, *, keep: AuthSession, by: User | None, at: datetime) -> int:
    """End every session of this user here but one, and forget their browsers. Refuses `SessionOver`."""
    with transaction.atomic():
        mine = AuthSession.objects.select_for_update().filter(user=user, ended_at=None).order_by("pk")
        if keep.pk not in {row.pk for row in mine}:  # all rows locked in one order: two who do this at once
            raise SessionOver
        others = KnownDevice.objects.filter(user=user)
        (others.exclude(pk=keep.device_id) if keep.device_id else others).delete()
        ended = _end(AuthSession.objects.filter(user=user).exclude(pk=keep.pk), at=at, why="ended from another session")
        ledger.record("accounts.sessions.ended_others", user, changes={"sessions": [ended, 0]})
    return ended


def end_all(user: User, *, by: User | None, at: datetime, why: str) -> int:
    """End every session of this user in the active tenant."""
    with transaction.atomic():
        _lock_with_own(AuthSession.objects.filter(user=user, ended_at=None), by=by)
        ended = _end(AuthSession.objects.filter(user=user), at=at, why=why)
        ledger.record("accounts.sessions.ended_all", user, changes={"sessions": [ended, 0]}, reason=why)
    return ended


def end_at_provider(idp: IdentityProvider, *, session: str = "", user: User | None = None, at: datetime) -> int:
    """End what an identity provider ends: its one session, or all it opened for a user. Nothing named ends nothing."""
    rows = AuthSession.objects.filter(idp=idp)
    if session:
        rows = rows.filter(idp_session=session)
    if user is not None:
        rows = rows.filter(user=user)
    if not session and user is None:
        return 0
    with transaction.atomic():
        return _end(rows, at=at, why="ended at the identity provider")


def end_through(idp: IdentityProvider, *, at: datetime) -> int:
    """End whatever a provider that is no longer in use has opened."""
    with transaction.atomic():
        return _end(AuthSession.objects.filter(idp=idp), at=at, why="the provider is no longer in use")


def close(row: AuthSession, *, at: datetime, why: str) -> bool:
    """Note that a session is over: signed out, run out, replaced. Leaves its browser known."""
    with transaction.atomic():
        return bool(_end(AuthSession.objects.filter(pk=row.pk), at=at, why=why))


def _lock_with_own(rows: "QuerySet[AuthSession]", *, by: User | None) -> None:
    """Lock what is about to end and the actor's own sessions in one order: two may end each other's at once.

    The ledger asks whether the actor's session still stands (`signin.revalidate`), and that waits for whoever ends it.
    """
    ids = set(rows.values_list("pk", flat=True))
    if by is not None:
        ids |= set(AuthSession.objects.filter(user=by, ended_at=None).values_list("pk", flat=True))
    list(AuthSession.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk", flat=True))


def _end(rows: "QuerySet[AuthSession]", *, at: datetime, why: str, forgetting: bool = False) -> int:
    found = list(rows.select_for_update().filter(ended_at=None).order_by("pk"))
    AuthSession.objects.filter(pk__in=[row.pk for row in found]).update(ended_at=at, ended_why=why[:60])
    if forgetting:
        KnownDevice.objects.filter(pk__in=[row.device_id for row in found if row.device_id]).delete()
    for row in found:
        subject = ledger.Subject(User._meta.label_lower, str(row.user_id))
        ledger.record("accounts.session.ended", subject, reason=why, changes={"session": [str(row.pk), None]})
    return len(found)


# --- which are open ---------------------------------------------------------------------------------------------------
def live(*, at: datetime) -> "QuerySet[AuthSession]":
    """Sessions that would still be believed now, as far as their own rows tell."""
    return AuthSession.objects.open(at=at).exclude(_run_out(at=at))


def _run_out(*, at: datetime) -> Q:
    silent_since = at - timedelta(minutes=security.in_force().idle_minutes) - conf.SEEN_EVERY
    silent = Q(is_remembered=False, seen_at__lte=silent_since)
    return Q(expires_at__lte=at) | silent | ~Q(epoch=F("user__session_epoch"))


# --- clockwork --------------------------------------------------------------------------------------------------------
class Swept(NamedTuple):
    """How many rows one round ended and deleted."""

    ended: int
    deleted: int


def sweep(*, at: datetime, limit: int = conf.SWEEP) -> Swept:
    """End sessions of the active tenant that have run out, delete what is long over; at most `limit` rows a kind."""
    with transaction.atomic():
        # Ids first, in a statement of their own: the rows are then locked one table at a time.
        over = AuthSession.objects.filter(_run_out(at=at), ended_at=None).order_by("pk").values_list("pk", flat=True)
        ended = _end(AuthSession.objects.filter(pk__in=list(over[:limit])), at=at, why="ran out")
    deleted = sum(_delete(rows, limit=limit) for rows in _long_over(at=at))
    if deleted:
        ledger.record("accounts.sessions.swept", changes={"rows": [deleted, 0]})
    return Swept(ended, deleted)


def _long_over(*, at: datetime) -> "list[QuerySet[Any]]":
    return [
        AuthSession.objects.filter(ended_at__lte=at - conf.SESSIONS_KEPT),
        KnownDevice.objects.filter(last_seen_at__lte=at - conf.DEVICE_KEPT),
        SamlSeenAssertion.objects.filter(expires_at__lte=at - conf.SPENT_KEPT),
        LogoutTokenSeen.objects.filter(expires_at__lte=at - conf.SPENT_KEPT),
        EmailCode.objects.filter(expires_at__lte=at - conf.SPENT_KEPT),
    ]


def _delete(rows: "QuerySet[Any]", *, limit: int) -> int:
    model: type[models.Model] = rows.model
    chosen = list(rows.order_by("pk").values_list("pk", flat=True)[:limit])
    count, _by_model = model._default_manager.filter(pk__in=chosen).delete()
    return count
