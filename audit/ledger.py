"""The ledger: what happened. Verbs write it; nobody changes it.

`record` writes in the caller's transaction, so that an act and its entry stand or fall together. `refused` notes an act
that did not happen; doors wrap their work in `keeping_refusals()`, which writes the notes once that transaction is
over.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
import uuid_utils
from django.db import DatabaseError, connections, models, router, transaction
from django.utils import timezone

from audit import canonical, conf, context
from audit.models import Event, Pending

BODY_VERSION = 1
REASON_LENGTH = 200
log = structlog.get_logger(__name__)


class Subject(NamedTuple):
    """What an event is about where there is no row at hand: its kind and its id."""

    type: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Personal:
    """A value about one person: kept as ciphertext under that person's key, or withheld where there is no cipher."""

    person: models.Model | str
    value: Any

    @property
    def person_id(self) -> str:
        """The person's random id."""
        return str(getattr(self.person, "pk", self.person))


@dataclass(frozen=True, slots=True)
class Act:
    """What happened, as noted at the moment itself; becomes an event when it is written."""

    uid: UUID
    occurred_at: datetime
    frame: context.Acting
    actor: context.Actor
    on_behalf_of: str
    action: str
    object_type: str
    object_id: str
    outcome: str
    reason: str
    people: tuple[str, ...]
    changes: Mapping[str, Any] | None
    always: bool = False


_noted: ContextVar[list[Act] | None] = ContextVar("noted", default=None)


def record(
    action: str,
    obj: models.Model | Subject | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    people: Iterable[models.Model | str] = (),
    outcome: str = "success",
    reason: str = "",
) -> str:
    """Write what happened, in the caller's transaction; answers the event's id.

    `changes` is `{"field": [before, after]}`; wrap a value about a person in `Personal`. `people` are the persons
    concerned. `reason` is a word or a short sentence without personal data.

    Passes on what the frame's `confirm` raises: nothing is done in the name of a session that was ended meanwhile.
    """
    act = _act(action, obj, changes=changes, people=people, outcome=outcome, reason=reason)
    act.frame.confirm()
    _write(act)
    return str(act.uid)


def refused(
    action: str,
    obj: models.Model | Subject | None = None,
    *,
    reason: str,
    changes: Mapping[str, Any] | None = None,
    people: Iterable[models.Model | str] = (),
    outcome: str = "refused",
    always: bool = False,
) -> None:
    """Note an act that was refused (or, with `outcome="failed"`, broke); it outlives the caller's rollback.

    Where no door keeps refusals, it is written at once in the caller's transaction. Of what strangers are refused too
    often the web's door writes only the number (`audit.floods`), unless it is to be written `always`.
    """
    act = _act(action, obj, changes=changes, people=people, outcome=outcome, reason=reason)
    act = replace(act, always=always)
    kept = _noted.get()
    if kept is None:
        _write(act)
    else:
        kept.append(act)


@contextmanager
def keeping_refusals() -> Iterator[list[Act]]:
    """Write the refusals noted inside once the block is over. Open it outside every transaction."""
    kept: list[Act] = []
    token = _noted.set(kept)
    try:
        yield kept
    finally:
        _noted.reset(token)
        for act in kept:
            _write_or_report(act)


def _write_or_report(act: Act) -> None:
    """A refusal that cannot be written must not turn an answer into an error; it goes to the log instead."""
    try:
        with context.restored(act.frame):  # row-level security lets a tenant's event in from that tenant only
            _write(act)
    except DatabaseError as error:
        log.error("ledger.refusal_not_written", action=act.action, uid=str(act.uid), error=type(error).__name__)


def _act(
    action: str,
    obj: models.Model | Subject | None,
    *,
    changes: Mapping[str, Any] | None,
    people: Iterable[models.Model | str],
    outcome: str,
    reason: str,
) -> Act:
    frame = context.current()
    subject = _subject(obj)
    return Act(
        uid=UUID(int=uuid_utils.uuid7().int),
        occurred_at=timezone.now(),
        frame=frame,
        actor=frame.who(),
        on_behalf_of=frame.for_whom(),
        action=action,
        object_type=subject.type,
        object_id=subject.id,
        outcome=outcome,
        reason=canonical.text(reason)[:REASON_LENGTH],
        people=tuple(dict.fromkeys(str(getattr(person, "pk", person)) for person in people)),
        changes=changes,
    )


def _subject(obj: models.Model | Subject | None) -> Subject:
    if obj is None or isinstance(obj, Subject):
        return obj or Subject("")
    return Subject(obj._meta.label_lower, "" if obj.pk is None else str(obj.pk))


def _document(act: Act, origin: bytes) -> dict[str, Any]:
    """The event as it is hashed. Empty parts are left out; `v` names this shape."""
    frame = act.frame
    document: dict[str, Any] = {
        "v": BODY_VERSION,
        "uid": str(act.uid),
        "tenant": frame.tenant_id,
        "at": canonical.instant(act.occurred_at),
        "action": act.action,
        "outcome": act.outcome,
        "actor": {"kind": act.actor.kind, "id": act.actor.id},
        "door": frame.door,
    }
    optional: dict[str, Any] = {
        "on_behalf_of": act.on_behalf_of,
        "reason": act.reason,
        "object": {"type": act.object_type, "id": act.object_id} if act.object_type else None,
        "people": sorted(act.people),
        "request": frame.request_id,
        "trace": frame.trace_id,
        "origin": origin.hex(),
        "changes": _changes(act) if act.changes else None,
    }
    document.update({name: value for name, value in optional.items() if value})
    return document


def _changes(act: Act) -> dict[str, Any]:
    return {
        canonical.text(name): _sealed(value, act, f"$.changes.{name}") for name, value in (act.changes or {}).items()
    }


def _sealed(value: Any, act: Act, path: str) -> Any:
    """The value in plain JSON, personal parts replaced by ciphertext bound to event, tenant and JSON path."""
    if isinstance(value, Personal):
        return _ciphertext(value, act, path)
    if isinstance(value, Mapping):
        return {canonical.text(key): _sealed(item, act, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sealed(item, act, f"{path}[{place}]") for place, item in enumerate(value)]
    return canonical.plain(value)


def _ciphertext(personal: Personal, act: Act, path: str) -> dict[str, Any]:
    """The value under its person's key; withheld where it cannot be sealed, so that no verb breaks over it."""
    person, cipher = personal.person_id, conf.cipher()
    if personal.value is None:
        return {"person": person, "empty": True}
    if cipher is None:
        return {"person": person, "withheld": True}
    plaintext = canonical.body(canonical.plain(personal.value)).decode()
    try:
        token = cipher.seal(person, plaintext, sealed_place(str(act.uid), act.frame.tenant_id, path))
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - whichever cipher is configured: erased, gone with a rollback, no key
        log.warning("ledger.value_withheld", action=act.action, uid=str(act.uid), error=type(error).__name__)
        return {"person": person, "withheld": True}
    return {"person": person, "sealed": token}


def personal_words(plaintext: str) -> str:
    """An opened value as people read it."""
    value = json.loads(plaintext)
    return value if isinstance(value, str) else plaintext


def sealed_place(uid: str, tenant: str, path: str) -> bytes:
    """The additional data a personal value is bound to: it opens in this event, tenant and place only."""
    return canonical.body(["verso.ledger.personal", 1, uid, tenant, path])


def _write(act: Act) -> None:
    """Event, pending marker, people and origin: one call on PostgreSQL, a handful of cheap statements on SQLite."""
    frame = act.frame
    origin = canonical.body({"agent": frame.user_agent, "ip": frame.client_ip}) if frame.client_ip else b""
    salt = os.urandom(16) if origin else b""
    body = canonical.body(_document(act, hashlib.sha256(salt + origin).digest() if origin else b""))
    key_id, mac = canonical.mac(body)
    row = (
        act.uid,
        frame.tenant_id,
        act.occurred_at,
        act.action,
        act.outcome,
        act.reason,
        act.actor.kind,
        act.actor.id,
        act.object_type,
        act.object_id,
        frame.request_id,
        frame.door,
        body,
        mac,
        key_id,
    )
    append = _append_postgresql if connections[_alias()].vendor == "postgresql" else _append_sqlite
    append(row, act.people, (salt, frame.client_ip, frame.user_agent) if origin else None)


def awaiting_seal() -> int:
    """How many of the current tenant's events no seal covers yet."""
    return Pending.objects.filter(event__tenant=context.current().tenant_id).count()


def _alias() -> str:
    return router.db_for_write(Event)


_COLUMNS = (
    "uid, tenant, occurred_at, action, outcome, reason, actor_kind, actor_id, object_type, object_id, "
    "request_id, door, body, mac, key_id"
)
_APPEND = f"SELECT audit_append({', '.join(['%s'] * 15)}, %s::text[], %s, %s, %s)"
_INSERT = f"INSERT INTO audit_event ({_COLUMNS}) VALUES ({', '.join(['%s'] * 15)})"  # nosec B608 - our own columns

Origin = tuple[bytes, str, str]


def _append_postgresql(row: tuple[Any, ...], people: tuple[str, ...], origin: Origin | None) -> None:
    """A function of the database, because it keeps its plans: 40 % quicker than one statement with four parts.

    The call itself is prepared where the backend (`governance.postgresql`) offers that: a third less time again.
    """
    connection = connections[_alias()]
    cursor = getattr(connection, "prepared_cursor", connection.cursor)()
    cursor.execute(_APPEND, [*row, list(people) or None, *(origin or (None, "", ""))])


def _append_sqlite(row: tuple[Any, ...], people: tuple[str, ...], origin: Origin | None) -> None:
    connection = connections[_alias()]
    uid, tenant, occurred_at, *rest = row
    values = [uid.hex, tenant, connection.ops.adapt_datetimefield_value(occurred_at), *rest]
    with transaction.atomic(using=connection.alias, savepoint=False), connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        event = cursor.lastrowid
        cursor.execute("INSERT INTO audit_pending (event_id) VALUES (%s)", [event])
        for person in people:
            cursor.execute("INSERT INTO audit_eventperson (event_id, person) VALUES (%s, %s)", [event, person])
        if origin:
            cursor.execute(
                "INSERT INTO audit_eventorigin (event_id, salt, ip, agent) VALUES (%s, %s, %s, %s)", [event, *origin]
            )
