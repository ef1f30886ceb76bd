"""The two roles of a PostgreSQL installation: one migrates and owns the tables, the other serves the web and owns none.

Only with the second does row-level security hold: an owner could lift it, a superuser passes it by.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from django.db import connections
from psycopg import sql

from audit import guards

EVERYTHING = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
APPENDING = frozenset({"SELECT", "INSERT"})
_PLAIN_ROLE = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


class Role(NamedTuple):
    """A login of the database server; without a password the server must know it another way."""

    name: str
    password: str = ""


def web_role() -> str:
    """The role the web connects as, where migrations have a connection of their own; "" otherwise."""
    return str(connections["default"].settings_dict["USER"]) if "migration" in connections else ""


def rights(tables: list[str]) -> dict[str, frozenset[str]]:
    """Table → what the web's role may do there. Append-only tables take rows and give them, no more.

    Whoever removes rows there one day (the sealer its markers, retention the origins) does so as another role.
    """
    kept = {guard.table for guard in guards.registered() if guard.name == f"{guard.table}_kept"}
    may = {table: APPENDING if table in kept else EVERYTHING for table in tables}
    return {table: frozenset({"SELECT"}) if table == "django_migrations" else rest for table, rest in may.items()}


def faults(using: str = "default") -> list[str]:
    """Why the role of this connection could pass the second wall by, or cannot work; empty when it is right."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        return [*_of_role(cursor), *_of_tables(cursor)]


def _of_role(cursor: Any) -> Iterator[str]:
    cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    name, is_super, bypasses = cursor.fetchone()
    if is_super:
        yield f"{name} is a superuser and passes row-level security by"
    elif bypasses:
        yield f"{name} has BYPASSRLS"
    cursor.execute(
        "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid) "
        "AND relnamespace = 'public'::regnamespace AND pg_has_role(current_user, relowner, 'MEMBER')"
    )
    (owned,) = cursor.fetchone()
    if owned and not is_super:
        yield f"{name} owns {owned} tables, and an owner can lift the policies"


def _of_tables(cursor: Any) -> Iterator[str]:
    cursor.execute(
        "SELECT c.relname, array(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p "
        "WHERE has_table_privilege(c.oid, p)) FROM pg_class c "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    held = {table: frozenset(may) for table, may in cursor.fetchall()}
    for table, wanted in rights(list(held)).items():
        if lacking := wanted - held[table]:
            yield f"{table}: {', '.join(sorted(lacking))} is not granted"
        if excess := held[table] - wanted:
            yield f"{table}: {', '.join(sorted(excess))} must not be granted"


# --- making it so ----------------------------------------------------------------------------------------------------
def create(url: str, *, migrator: Role, web: Role) -> None:
    """Make both roles, hand the tables to the one and rights to the other. `url` signs in as somebody who may.

    Run twice it changes nothing; rights are set again after every migration by `grant`.
    """
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for role in (migrator, web):
            _make(cursor, role)
        _hand_over(cursor, migrator.name, web.name)
        _grant(cursor, web.name)


def _run(cursor: Any, statement: str, *names: str) -> None:
    cursor.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def _make(cursor: Any, role: Role) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role.name])
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    _run(cursor, f"{verb} ROLE {{}} {_PLAIN_ROLE}", role.name)
    if role.password:
        cursor.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role.name), sql.Literal(role.password))
        )


def _hand_over(cursor: Any, migrator: str, web: str) -> None:
    """The database's schema, tables, sequences and functions belong to whoever migrates."""
    cursor.execute("SELECT current_database()")
    (database,) = cursor.fetchone()
    _run(cursor, "GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}, {}", database, migrator, web)
    _run(cursor, "GRANT CREATE ON DATABASE {} TO {}", database, migrator)
    _run(cursor, "ALTER SCHEMA public OWNER TO {}", migrator)
    cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    _run(cursor, "REVOKE CREATE ON SCHEMA public FROM {}", web)
    _run(cursor, "GRANT USAGE ON SCHEMA public TO {}", web)
    cursor.execute(
        "SELECT 'TABLE', oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p', 'v', 'm') UNION ALL "
        "SELECT 'ROUTINE', p.oid::regprocedure::text FROM pg_proc p WHERE pronamespace = 'public'::regnamespace "
        "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
    )
    for kind, name in cursor.fetchall():  # printed by the server, quoted where needed
        cursor.execute(sql.SQL(f"ALTER {kind} {name} OWNER TO {{}}").format(sql.Identifier(migrator)))


def grant(using: str) -> None:
    """Set the web role's rights to exactly what they should be; called after every migration."""
    connection, web = connections[using], web_role()
    if connection.vendor != "postgresql" or not web:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", [web])
        if cursor.fetchone():
            _grant(cursor.cursor, web)


def _grant(cursor: Any, web: str) -> None:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    tables = [table for (table,) in cursor.fetchall()]
    _run(cursor, "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}", web)
    for table, may in rights(tables).items():
        _run(cursor, "REVOKE ALL ON TABLE {} FROM {}", table, web)
        _run(cursor, f"GRANT {', '.join(sorted(may))} ON TABLE {{}} TO {{}}", table, web)
