"""Promises the database keeps by itself: triggers that refuse, put back after every migration, looked for by monitors.

Any app may register its own in `ready()`; they are installed when migrations are over:

    guards.register(
        guards.Guard(
            table="scheduling_allocation",
            name="scheduling_allocation_no_overlap",
            events=("INSERT", "UPDATE"),
            postgresql="<plpgsql between BEGIN and END; may read NEW, OLD, TG_OP; must RETURN or RAISE>",
            sqlite="<body of the trigger, e.g. SELECT RAISE(ABORT, 'why') WHERE EXISTS (…);>",
            when="<SQLite's WHEN, if any>",
        )
    )

`guards.append_only("app_table", unique=("uid",))` registers the usual set. `missing(using)` says which are absent,
switched off or altered (name, timing and text are compared); `install(using)` puts those back. `post_migrate` calls it,
because Django rebuilds SQLite tables and silently drops their triggers. Nothing in the product lifts a guard; the test
runner does, to flush.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

Event = Literal["INSERT", "UPDATE", "DELETE", "TRUNCATE"]
_BITS = {"ROW": 1, "BEFORE": 2, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
_registered: dict[str, "Guard"] = {}
_functions: dict[str, "Function"] = {}


@dataclass(frozen=True, slots=True)
class Guard:
    """One trigger, in the words of each database. An empty text means the database has no need of it.

    PostgreSQL: `postgresql` is the plpgsql body between BEGIN and END; the trigger is `ENABLE ALWAYS`, so that
    `session_replication_role` does not pass it by. SQLite: one trigger per event, with `sqlite` as body and `when`
    before it.
    """

    table: str
    name: str
    events: tuple[Event, ...]
    postgresql: str = ""
    sqlite: str = ""
    when: str = ""
    timing: Literal["BEFORE", "AFTER"] = "BEFORE"
    needs: tuple[str, ...] = field(default=())  # other tables that must exist first

    def function(self) -> str:
        """The text of the PostgreSQL function, exactly as `pg_proc.prosrc` keeps it."""
        return f"\nBEGIN\n{self.postgresql.strip()}\nEND\n"

    def level(self) -> str:
        """TRUNCATE triggers fire per statement, all others per row."""
        return "STATEMENT" if "TRUNCATE" in self.events else "ROW"

    def bits(self) -> int:
        """`pg_trigger.tgtype` of this guard."""
        names = [*self.events, self.level(), self.timing]
        return sum(_BITS.get(name, 0) for name in names)

    def sqlite_triggers(self) -> dict[str, str]:
        """The SQLite triggers by name, exactly as `sqlite_master.sql` keeps them."""
        when = f" WHEN {self.when}" if self.when else ""
        return {
            f"{self.name}_{event.lower()}": (
                f"CREATE TRIGGER {self.name}_{event.lower()} {self.timing} {event} ON {self.table} FOR EACH ROW{when} "
                f"BEGIN {self.sqlite.strip()} END"
            )
            for event in self.events
            if event != "TRUNCATE"
        }


@dataclass(frozen=True, slots=True)
class Function:
    """A PostgreSQL function the house relies on, kept and looked for like a guard. `table` must exist first."""

    table: str
    name: str
    arguments: str
    body: str

    def text(self) -> str:
        """The text of the function, exactly as `pg_proc.prosrc` keeps it."""
        return f"\n{self.body.strip()}\n"


def register(*guards: "Guard | Function") -> None:
    """Add guards to what is installed and looked for. The same name again replaces the earlier one."""
    for guard in guards:
        kept = _registered if isinstance(guard, Guard) else _functions
        kept[guard.name] = guard  # type: ignore[assignment]


def registered() -> list[Guard]:
    """Every guard the house has."""
    return list(_registered.values())


def append_only(table: str, *, unique: Iterable[str] = (), own_ids: bool = True, deletable: bool = False) -> None:
    """Register the set that makes a table append-only: no change, no removal, no emptying, no id of one's own choosing.

    `unique` names every column whose uniqueness `INSERT OR REPLACE` could use to push an old row out. `own_ids` is for
    tables whose `id` the database gives out; `deletable` leaves DELETE to retention or the sealer, never to the web's
    own role (`governance.grants`).
    """
    refused: tuple[Event, ...] = ("UPDATE",) if deletable else ("UPDATE", "DELETE")
    register(
        Guard(table, f"{table}_kept", refused, postgresql=_pg_refusal(table), sqlite=_lite_refusal(table)),
        Guard(table, f"{table}_not_emptied", ("TRUNCATE",), postgresql=_pg_refusal(table)),
    )
    keys = tuple(unique) + (("id",) if own_ids else ())
    if keys:
        taken = " OR ".join(f"{key} = NEW.{key}" for key in keys)
        register(
            Guard(
                table,
                f"{table}_not_replaced",
                ("INSERT",),
                when=f"EXISTS (SELECT 1 FROM {table} WHERE {taken})",  # nosec B608 - our own table and columns
                sqlite=_lite_refusal(table),
            )
        )
    if own_ids:
        register(
            Guard(
                table,
                f"{table}_numbered",
                ("INSERT",),
                postgresql=_PG_NUMBERED.format(table=table),
                when="NEW.id <> -1",  # what SQLite shows BEFORE INSERT for an id it is going to give out itself
                sqlite=_lite_refusal(table),
            )
        )


_PG_NUMBERED = """
IF NEW.id IS DISTINCT FROM currval('{table}_id_seq') THEN
    RAISE EXCEPTION '{table} gives out its own ids' USING ERRCODE = 'restrict_violation';
END IF;
RETURN NEW;
"""


def _pg_refusal(table: str) -> str:
    return f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation';"


def _lite_refusal(table: str) -> str:
    return f"SELECT RAISE(ABORT, '{table} is append-only');"


def missing(using: str = "default") -> list[str]:
    """Guards that are absent, switched off or altered on tables that exist; empty when every promise is kept."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    here = [guard for guard in registered() if {guard.table, *guard.needs} <= tables]
    if connection.vendor == "postgresql":
        found, texts = _postgresql_found(connection), _postgresql_functions(connection)
        altered = [f.name for f in _functions.values() if f.table in tables and texts.get(f.name) != [f.text()]]
        wanted_pg = [g for g in here if g.postgresql]
        return [g.name for g in wanted_pg if found.get((g.table, g.name)) != ("A", g.bits(), g.function())] + altered
    found_lite = _sqlite_found(connection)
    wanted = {name: sql for guard in here if guard.sqlite for name, sql in guard.sqlite_triggers().items()}
    return [name for name, sql in wanted.items() if found_lite.get(name) != sql]


def install(using: str = "default") -> list[str]:
    """Put back the guards that are missing; answers their names. Needs the rights of the tables' owner."""
    connection = connections[using]
    absent = set(missing(using))
    if not absent:
        return []
    kept: list[Guard | Function] = [*registered(), *_functions.values()]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for guard in kept:
            for name, statements in _statements(connection, guard).items():
                if name in absent:
                    for statement in statements:
                        cursor.execute(statement)
    return sorted(absent)


def _statements(connection: BaseDatabaseWrapper, guard: Guard | Function) -> dict[str, list[str]]:
    if isinstance(guard, Function):
        head = f"CREATE OR REPLACE FUNCTION {guard.name}({guard.arguments}) RETURNS void LANGUAGE plpgsql"
        return {guard.name: [f"{head} AS $guard${guard.text()}$guard$"]}
    if connection.vendor != "postgresql":
        triggers = guard.sqlite_triggers() if guard.sqlite else {}
        return {name: [f"DROP TRIGGER IF EXISTS {name}", sql] for name, sql in triggers.items()}
    if not guard.postgresql:
        return {}
    return {
        guard.name: [
            f"CREATE OR REPLACE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $guard${guard.function()}$guard$",
            f"CREATE OR REPLACE TRIGGER {guard.name} {guard.timing} {' OR '.join(guard.events)} ON {guard.table} "
            f"FOR EACH {guard.level()} EXECUTE FUNCTION {guard.name}()",
            f"ALTER TABLE {guard.table} ENABLE ALWAYS TRIGGER {guard.name}",
        ]
    }


def _postgresql_found(connection: BaseDatabaseWrapper) -> dict[tuple[str, str], tuple[str, int, str]]:
    """(table, trigger) → (when enabled, type bits, function text), unconditional triggers of the search path only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname, t.tgenabled, t.tgtype, p.prosrc FROM pg_trigger t "
            "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE NOT t.tgisinternal AND t.tgqual IS NULL AND t.tgattr = '' AND pg_table_is_visible(c.oid)"
        )
        return {
            (table, name): (enabled if isinstance(enabled, str) else enabled.decode(), kind, text)
            for table, name, enabled, kind, text in cursor.fetchall()
        }


def _postgresql_functions(connection: BaseDatabaseWrapper) -> dict[str, list[str]]:
    """Name → texts of all functions of that name on the search path; more than one is an impostor."""
    texts: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname = ANY(%s)", [list(_functions)])
        for name, text in cursor.fetchall():
            texts.setdefault(name, []).append(text)
    return texts


def _sqlite_found(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return dict(cursor.fetchall())


append_only("audit_event", unique=("uid",))
append_only("audit_eventperson", own_ids=False)
append_only("audit_eventorigin", unique=("event_id",), own_ids=False, deletable=True)
append_only("audit_pending", own_ids=False, deletable=True)
register(
    Function(
        "audit_event",
        "audit_append",
        "a_uid uuid, a_tenant text, a_at timestamptz, a_action text, a_outcome text, a_reason text, a_actor_kind text, "
        "a_actor_id text, an_object_type text, an_object_id text, a_request_id text, a_door text, a_body bytea, "
        "a_mac bytea, a_key_id text, some_people text[], a_salt bytea, an_ip text, an_agent text",
        """
DECLARE
    e bigint;
BEGIN
    INSERT INTO audit_event (uid, tenant, occurred_at, action, outcome, reason, actor_kind, actor_id,
        object_type, object_id, request_id, door, body, mac, key_id)
    VALUES (a_uid, a_tenant, a_at, a_action, a_outcome, a_reason, a_actor_kind, a_actor_id,
        an_object_type, an_object_id, a_request_id, a_door, a_body, a_mac, a_key_id)
    RETURNING id INTO e;
    INSERT INTO audit_pending (event_id) VALUES (e);
    IF some_people IS NOT NULL THEN
        INSERT INTO audit_eventperson (event_id, person) SELECT e, unnest(some_people);
    END IF;
    IF a_salt IS NOT NULL THEN
        INSERT INTO audit_eventorigin (event_id, salt, ip, agent) VALUES (e, a_salt, an_ip, an_agent);
    END IF;
END
""",
    )
)
