"""Nobody changes, removes, replaces, empties or numbers events: the database itself refuses, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import checks, serializers
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, migrations, models, transaction
from django.db.migrations.state import ProjectState
from django.utils import timezone

from audit import context, guards, ledger
from audit.models import Event, EventOrigin, EventPerson, Pending
from tests.factories.audit import SUBJECT, make_event

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db]

COLUMNS = (
    "uid, tenant, occurred_at, action, outcome, reason, actor_kind, actor_id, object_type, object_id, "
    "request_id, door, body, mac, key_id"
)
FREE = "'00000000000000000000000000000abc'" if connection.vendor == "sqlite" else "gen_random_uuid()"
COPY = f"SELECT {FREE}, {COLUMNS.removeprefix('uid, ')} FROM audit_event WHERE id = %(id)s"
EVERYWHERE = {
    "update": "UPDATE audit_event SET tenant = 'other' WHERE id = %(id)s",
    "update nothing really": "UPDATE audit_event SET tenant = tenant",
    "delete": "DELETE FROM audit_event WHERE id = %(id)s",
    "delete people": "DELETE FROM audit_eventperson",
    "update people": "UPDATE audit_eventperson SET person = 'p-9'",
    "update markers": "UPDATE audit_pending SET event_id = -1",
    "update origin": "UPDATE audit_eventorigin SET ip = '203.0.113.1'",
    "own id": f"INSERT INTO audit_event (id, {COLUMNS}) SELECT 4711, * FROM ({COPY}) AS copied",
    "same id": f"INSERT INTO audit_event (id, {COLUMNS}) SELECT %(id)s, * FROM ({COPY}) AS copied",
    "upsert by uid": f"INSERT INTO audit_event ({COLUMNS}) SELECT {COLUMNS} FROM audit_event WHERE id = %(id)s "
    "ON CONFLICT (uid) DO UPDATE SET tenant = 'other'",
}
POSTGRESQL = {
    "truncate": "TRUNCATE audit_event",
    "truncate with everything": "TRUNCATE audit_event, audit_eventperson, audit_eventorigin, audit_pending CASCADE",
    "truncate people": "TRUNCATE audit_eventperson",
    "truncate markers": "TRUNCATE audit_pending",
    "update as replica": "SET LOCAL session_replication_role = replica; UPDATE audit_event SET tenant = 'other'",
    "delete as replica": "SET LOCAL session_replication_role = replica; DELETE FROM audit_event",
    "truncate as replica": "SET LOCAL session_replication_role = replica; TRUNCATE audit_event",
    "own id overriding": f"INSERT INTO audit_event (id, {COLUMNS}) OVERRIDING SYSTEM VALUE "
    f"SELECT 4711, * FROM ({COPY}) AS copied",
    "own id as replica": "SET LOCAL session_replication_role = replica; "
    f"INSERT INTO audit_event (id, {COLUMNS}) SELECT 4711, * FROM ({COPY}) AS copied",
    "merge": "MERGE INTO audit_event e USING (SELECT 1) one ON e.id = %(id)s WHEN MATCHED THEN DELETE",
}
SQLITE = {
    "replace by id": f"REPLACE INTO audit_event (id, {COLUMNS}) SELECT %(id)s, * FROM ({COPY})",
    "replace by uid": f"INSERT OR REPLACE INTO audit_event ({COLUMNS}) SELECT {COLUMNS} FROM audit_event "
    "WHERE id = %(id)s",
    "replace by rowid": f"REPLACE INTO audit_event (rowid, {COLUMNS}) SELECT %(id)s, * FROM ({COPY})",
    "update or replace": "UPDATE OR REPLACE audit_event SET tenant = 'other'",
    "delete everything": "DELETE FROM audit_event",
    "replace origin": "REPLACE INTO audit_eventorigin (event_id, salt, ip, agent) VALUES (%(id)s, x'00', '', '')",
    "recursive triggers": "INSERT OR REPLACE INTO audit_event (id, uid, tenant, occurred_at, action, outcome, reason, "
    "actor_kind, actor_id, object_type, object_id, request_id, door, body, mac, key_id) SELECT id, uid, 'other', "
    "occurred_at, action, outcome, reason, actor_kind, actor_id, object_type, object_id, request_id, door, body, mac, "
    "key_id FROM audit_event WHERE id = %(id)s",
}
ATTACKS = {**EVERYWHERE, **(POSTGRESQL if connection.vendor == "postgresql" else SQLITE)}


@pytest.fixture
def event(db: None) -> Event:
    with context.acting(client_ip="192.0.2.7", tenant_id="t-1"):
        return make_event(people=["p-1"])


def everything() -> list[Any]:
    """All there is in the ledger."""
    return [list(model.objects.order_by("pk").values_list()) for model in (Event, EventPerson, EventOrigin, Pending)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_raw_sql_changes_nothing(attack: str, event: Event) -> None:
    before = everything()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        for statement in (ATTACKS[attack] % {"id": event.pk}).split("; "):
            cursor.execute(statement)
    assert everything() == before


BY_DJANGO: dict[str, Callable[[Event], Any]] = {
    "queryset update": lambda event: Event.objects.update(tenant="other"),
    "queryset delete": lambda event: Event.objects.all().delete(),
    "raw delete": lambda event: Event.objects.all()._raw_delete("default"),
    "save": lambda event: event.save(),
    "save in a field": lambda event: event.save(update_fields=["tenant"]),
    "delete": lambda event: event.delete(),
    "bulk update": lambda event: Event.objects.bulk_update([event], ["tenant"]),
    "create with an id": lambda event: _copied(event, pk=4711).save(force_insert=True),
    "bulk create over it": lambda event: Event.objects.bulk_create(
        [_copied(event, pk=event.pk)], update_conflicts=True, unique_fields=["id"], update_fields=["tenant"]
    ),
    "update or create": lambda event: Event.objects.update_or_create(pk=event.pk, defaults={"tenant": "other"}),
}


def _copied(event: Event, **changes: Any) -> Event:
    kept = {field.attname: getattr(event, field.attname) for field in Event._meta.concrete_fields}
    return Event(**{**kept, "tenant": "other", **changes})


@pytest.mark.parametrize("way", BY_DJANGO)
def test_the_orm_changes_nothing(way: str, event: Event) -> None:
    before = everything()
    with pytest.raises(IntegrityError), transaction.atomic():
        BY_DJANGO[way](event)
    assert everything() == before


@pytest.mark.parametrize("changes", [{}, {"pk": 4711, "uid": "00000000-0000-0000-0000-00000000beef"}])
def test_loaddata_brings_nothing_in(changes: dict[str, Any], event: Event, tmp_path: Any) -> None:
    before = everything()
    fixture = tmp_path / "forged.json"
    fixture.write_text(serializers.serialize("json", [_copied(event, **changes)]))
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
        call_command("loaddata", str(fixture), verbosity=0)
    assert everything() == before


def test_a_row_forged_by_sql_is_recognised(event: Event) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO audit_event ({COLUMNS}) SELECT {FREE}, 'other', occurred_at, action, outcome, reason, "
            "actor_kind, actor_id, object_type, object_id, request_id, door, %s, mac, key_id FROM audit_event",
            [b'{"tenant":"other"}'],
        )
    assert {kept.tenant: kept.is_authentic for kept in Event.objects.all()} == {"t-1": True, "other": False}


def test_events_can_still_be_added_afterwards(event: Event) -> None:
    later = make_event()
    assert later.pk > event.pk


# --- the guards themselves ------------------------------------------------------------------------------------------
def test_every_guard_stands() -> None:
    assert guards.missing("default") == []


def _drop(name: str, table: str) -> None:
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{on}")


FIRST = "audit_event_kept" if connection.vendor == "postgresql" else "audit_event_kept_update"


def test_a_dropped_guard_is_missed_and_put_back() -> None:
    _drop(FIRST, "audit_event")
    assert guards.missing("default") == [FIRST]
    found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    assert [message.id for message in found if message.id.startswith("audit.")] == ["audit.W001"]
    assert guards.install("default") == [FIRST]
    assert guards.missing("default") == []


TAMPERED = {
    "postgresql": [
        "ALTER TABLE audit_event DISABLE TRIGGER audit_event_kept",
        "ALTER TABLE audit_event ENABLE TRIGGER audit_event_kept",
        "ALTER TABLE audit_event ENABLE REPLICA TRIGGER audit_event_kept",
        "CREATE OR REPLACE FUNCTION audit_event_kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE OR REPLACE TRIGGER audit_event_kept BEFORE DELETE ON audit_event FOR EACH ROW "
        "EXECUTE FUNCTION audit_event_kept()",
        "CREATE OR REPLACE TRIGGER audit_event_kept BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW "
        "WHEN (OLD.id < 0) EXECUTE FUNCTION audit_event_kept();; "
        "ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_kept",
    ],
    "sqlite": [
        "DROP TRIGGER audit_event_kept_update;; CREATE TRIGGER audit_event_kept_update BEFORE UPDATE ON audit_event "
        "FOR EACH ROW BEGIN SELECT 1; END",
        "DROP TRIGGER audit_event_kept_update;; CREATE TRIGGER audit_event_kept_update BEFORE UPDATE ON audit_event "
        "FOR EACH ROW WHEN OLD.id < 0 BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END",
        "DROP TRIGGER audit_event_kept_update;; CREATE TRIGGER audit_event_kept_update BEFORE UPDATE ON "
        "audit_eventperson FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END",
    ],
}


@pytest.mark.parametrize("tampering", TAMPERED[connection.vendor])
def test_a_weakened_guard_is_missed_and_put_right(tampering: str, event: Event) -> None:
    with connection.cursor() as cursor:
        for statement in tampering.split(";; "):
            cursor.execute(statement)
    assert guards.missing("default") == [FIRST]
    guards.install("default")
    assert guards.missing("default") == []
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.update(tenant="other")


@pytest.mark.django_db(transaction=True)
def test_guards_come_back_after_django_rebuilds_a_table() -> None:
    wider = migrations.AlterField("event", "reason", models.TextField(default="", editable=False))
    added = migrations.AddField("event", "rebuilt", models.TextField(default=""))
    state = ProjectState.from_apps(Event._meta.apps)
    for operation in (wider, added):
        after = state.clone()
        operation.state_forwards("audit", after)
        with connection.schema_editor() as editor:
            operation.database_forwards("audit", editor, state, after)
        state, before = after, state
    if connection.vendor == "sqlite":
        assert "audit_event_kept_update" in guards.missing("default")
    with connection.schema_editor() as editor:
        added.database_backwards("audit", editor, state, before)
    call_command("migrate", verbosity=0, skip_checks=True)
    assert guards.missing("default") == []
    make_event()
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.all().delete()


def test_nothing_in_the_product_lifts_a_guard() -> None:
    offered = {name for name in dir(guards) if not name.startswith("_") and callable(getattr(guards, name))}
    ours = {name for name in offered if getattr(getattr(guards, name), "__module__", "") == "audit.guards"}
    assert ours == {"Function", "Guard", "append_only", "install", "missing", "register", "registered"}


def test_the_clock_of_an_event_is_the_ledgers_own() -> None:
    before = timezone.now()
    event = Event.objects.get(uid=ledger.record("story.told", SUBJECT))
    assert before <= event.occurred_at <= timezone.now()
