"""Django's PostgreSQL backend, counted by django-prometheus, that tells the server which tenant each statement is for.

The row-level policies (`governance.rls`) read the session settings `verso.tenant` and `verso.across`. They are sent
just before a statement, and only when this connection does not have them already. `SET` is undone by a rollback, so
what is remembered about a connection is forgotten with every rollback. A connection that goes back to the pool forgets
whose it was.
"""

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import psycopg
from django.db.backends.postgresql import base as django_base
from django.db.backends.postgresql.base import TIMESTAMPTZ_OID, ServerSideCursor
from django_prometheus.db.backends.postgresql import base
from psycopg import sql
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus

from audit import context

Frame = tuple[str, str]  # verso.tenant, verso.across
NOBODY: Frame = ("", "off")
ONLY_WHEN_ASKED = sys.maxsize  # how often psycopg sees a statement before it prepares it unasked
_UNDOES = ("ROLLBACK", "ABORT", "DISCARD", "RESET", "SET ", "COMMIT", "END")


def wanted() -> Frame:
    """What the frame in force calls for."""
    frame = context.current()
    return ("", "on") if frame.across_tenants else (frame.tenant_id, "off")


def enter(connection: Any, frame: Frame) -> None:
    """Make the session's settings those of the frame; says nothing to the server when they are already.

    A transaction that has failed takes nothing but a rollback, so nothing is said to it; afterwards all is unknown.
    """
    if getattr(connection, "fenced_as", NOBODY) != frame and not _has_failed(connection):
        connection.fenced_as = None  # unknown, should the next line fail
        with connection.lock:
            _tell(connection.pgconn, _entering(frame))
        connection.fenced_as = frame


@lru_cache(maxsize=1024)
def _entering(frame: Frame) -> bytes:
    tenant, across = map(sql.quote, frame)
    return f"SET verso.tenant = {tenant}; SET verso.across = {across}".encode()


def _tell(pgconn: Any, command: bytes) -> None:
    """Say something that has no rows, straight through libpq: every request does, and a cursor costs four times it."""
    result = pgconn.exec_(command)
    if result.status != ExecStatus.COMMAND_OK:
        if pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(pgconn.get_error_message())
        raise psycopg.errors.error_from_result(result)


def _has_failed(connection: Any) -> bool:
    return bool(connection.pgconn.transaction_status == TransactionStatus.INERROR)


def forget(connection: Any) -> None:
    """Believe nothing about the session's settings any more."""
    if connection is not None:
        connection.fenced_as = None


def leave(connection: Any) -> None:
    """Make a connection nobody's before the pool gets it back; one that cannot be is closed, so the pool drops it."""
    try:
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.rollback()
            forget(connection)
        enter(connection, NOBODY)
    except psycopg.Error:
        connection.close()


def _may_undo(query: Any) -> bool:
    """Whether a statement could change or take back the settings by itself."""
    if not isinstance(query, str):
        return True
    return query.lstrip()[:8].upper().startswith(_UNDOES) or "set_config" in query or "verso." in query


class Fenced:
    """What a cursor adds: it enters the frame in force before it says anything to the server."""

    connection: Any

    def _say(self, say: Callable[..., Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        enter(self.connection, wanted())
        try:
            return say(query, *args, **kwargs)
        finally:
            if _may_undo(query):
                forget(self.connection)

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        return self._say(super().execute, query, *args, **kwargs)  # type: ignore[misc]

    def executemany(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        return self._say(super().executemany, query, *args, **kwargs)  # type: ignore[misc]

    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        enter(self.connection, wanted())
        return super().copy(statement, *args, **kwargs)  # type: ignore[misc]

    def stream(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        enter(self.connection, wanted())
        return super().stream(query, *args, **kwargs)  # type: ignore[misc]


class FencedServerSideCursor(Fenced, ServerSideCursor):
    """A cursor that fetches piece by piece, each piece in the frame it was opened in."""

    opened_in: Frame | None = None

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self.opened_in = wanted()
        return super().execute(query, *args, **kwargs)

    def _reenter(self) -> None:
        if self.opened_in is not None:
            enter(self.connection, self.opened_in)

    def fetchone(self) -> Any:
        self._reenter()
        return super().fetchone()  # type: ignore[misc]

    def fetchmany(self, size: int = 0) -> Any:
        self._reenter()
        return super().fetchmany(size)  # type: ignore[misc]

    def fetchall(self) -> Any:
        self._reenter()
        return super().fetchall()  # type: ignore[misc]

    def __iter__(self) -> Any:
        while (row := self.fetchone()) is not None:
            yield row


class PreparedCursor(Fenced, psycopg.Cursor[Any]):
    """A cursor whose statements the server parses once per connection: for the few said all day long."""

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        return super().execute(query, params, **{**kwargs, "prepare": True})


@cache
def fence(cursor_class: type) -> type:
    """The cursor class, fenced; one for each, for every connection asks."""
    return type(f"Fenced{cursor_class.__name__}", (Fenced, cursor_class), {})


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose every statement is said in the frame in force."""

    def get_connection_params(self) -> dict[str, Any]:
        """Nothing once there is a pool, for it knows them: every request asks."""
        if self.settings_dict["OPTIONS"].get("pool") and self.alias in self._connection_pools:
            return {}
        params: dict[str, Any] = super().get_connection_params()
        params["cursor_factory"] = fence(params["cursor_factory"])
        if params["prepare_threshold"] is None:  # psycopg then would not prepare even what asks for it
            params["prepare_threshold"] = ONLY_WHEN_ASKED
        return params

    def prepared_cursor(self) -> Any:
        """The connection's one cursor for statements that are always the same; seen by Django, never closed.

        While queries are logged it is an ordinary one, whose log shows the values.
        """
        if self.queries_logged:
            return self.cursor()
        self.ensure_connection()
        raw = self.connection
        if getattr(raw, "prepared_cursor", None) is None:
            raw.prepared_cursor = PreparedCursor(raw)
        return self._prepare_cursor(raw.prepared_cursor)

    def create_cursor(self, name: str | None = None) -> Any:
        if not name:
            return super().create_cursor()
        held = self.connection.autocommit
        open_cursor: Any = FencedServerSideCursor
        cursor = open_cursor(self.connection, name=name, scrollable=False, withhold=held)
        if self.timezone != self.connection.adapters.get_loader(TIMESTAMPTZ_OID, Format.TEXT).timezone:
            django_base.register_tzloader(self.timezone, cursor)  # type: ignore[attr-defined]
        return cursor

    def _close(self) -> None:
        """Close, or give back to the pool, as nobody's. In the caller's thread: a pool's `reset` waits for another."""
        if self.connection is not None and self.pool:
            leave(self.connection)
        super()._close()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            forget(self.connection)

    def _commit(self) -> None:
        """Commit; a transaction that had failed is rolled back by the server instead, settings included."""
        connection = self.connection
        sound = connection is not None and not _has_failed(connection)
        try:
            super()._commit()
        except BaseException:
            sound = False
            raise
        finally:
            if not sound:
                forget(connection)
