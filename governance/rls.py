"""The second wall: row-level security on PostgreSQL.

Every tenant-owned table has a FORCEd policy on the session settings `verso.tenant` and `verso.across`, which
`governance.postgresql` sends. It holds for roles that cannot pass policies by (`governance.grants`). Put back after
every migration, looked for by a system check and by `manage.py doctor`. SQLite has the first wall only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from governance.models import TenantOwned

POLICY = "tenant_fence"
_TENANT = "current_setting('verso.tenant', true)"
_ACROSS = "(SELECT current_setting('verso.across', true) = 'on')"
_registered: dict[str, "Fence"] = {}


@dataclass(frozen=True, slots=True)
class Fence:
    """The policy of one table: which rows may be seen and written; `check` where writing is judged otherwise."""

    table: str
    using: str
    check: str = ""


def by_tenant(table: str) -> Fence:
    """Rows that carry their tenant as a foreign key."""
    return Fence(table, f"tenant_id = (SELECT NULLIF({_TENANT}, '')::uuid) OR {_ACROSS}")


def by_text(table: str, column: str = "tenant") -> Fence:
    """Rows that carry their tenant as text; "" is the platform's own."""
    return Fence(table, f"{column} = (SELECT COALESCE({_TENANT}, '')) OR {_ACROSS}")


def by_parents(table: str, parents: Iterable[tuple[str, str]], *, checked: bool = True) -> Fence:
    """Rows without a tenant that point at fenced rows by (column, table): seen where all of those are seen.

    Across tenants nobody looks at the parents: that question stands first, or the sealer would read the whole ledger.
    """
    one = "EXISTS (SELECT 1 FROM {} fenced WHERE fenced.id = {}.{})"
    seen = [one.format(parent, table, column) for column, parent in parents]
    return Fence(table, f"{_ACROSS} OR ({' AND '.join(seen)})", "" if checked else "true")


def register(*fences: Fence) -> None:
    """Add fences of tables that are not `TenantOwned`."""
    _registered.update({fence.table: fence for fence in fences})


def _of_model(model: type[models.Model]) -> Fence | None:
    if model._meta.proxy or not model._meta.managed:
        return None
    if issubclass(model, TenantOwned):
        return by_tenant(model._meta.db_table)
    if model._meta.auto_created:
        fields: list[Any] = list(model._meta.concrete_fields)
        parents = [
            (field.column, field.related_model._meta.db_table)
            for field in fields
            if field.is_relation and issubclass(field.related_model, TenantOwned)
        ]
        return by_parents(model._meta.db_table, parents) if parents else None
    return None


def fences() -> list[Fence]:
    """Every fence the house has: tenant models, the tables between them, and those registered."""
    found = [_of_model(model) for model in apps.get_models(include_auto_created=True)]
    return [fence for fence in found if fence is not None] + list(_registered.values())


# --- policies --------------------------------------------------------------------------------------------------------
def missing(using: str = "default") -> list[str]:
    """Tables whose fence is absent, not forced or altered, in words; empty when every table that exists is fenced."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    tables, found = set(connection.introspection.table_names()), _found(connection)
    return [
        f"{fence.table} is not fenced by tenant"
        for fence in fences()
        if fence.table in tables and found.get(fence.table) != _wanted(fence)
    ]


def _plain(expression: str) -> str:
    """An expression without what PostgreSQL adds when it prints one: casts, names, parentheses, spaces."""
    expression = re.sub(r"\bAS \"?\w+\"?|::\w+", "", expression or "")
    return re.sub(r"[\s()\"]+|public\.", "", expression).lower()


_Found = tuple[bool, bool, str, str]


def _wanted(fence: Fence) -> list[_Found]:
    """The one policy a table should have: forced, for everybody and everything."""
    return [(True, True, _plain(fence.using), _plain(fence.check or fence.using))]


def _found(connection: BaseDatabaseWrapper) -> dict[str, list[_Found]]:
    """Table → its policies: on and forced, permissive for everybody and everything, what is seen, what is written."""
    found: dict[str, list[_Found]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, "
            "p.polcmd = '*' AND p.polpermissive AND p.polroles = '{0}', "
            "pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid) "
            "FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE pg_table_is_visible(c.oid)"
        )
        for table, forced, general, seen, written in cursor.fetchall():
            found.setdefault(table, []).append((forced, general, _plain(seen), _plain(written)))
    return found


def install(using: str = "default") -> list[str]:
    """Put back the fences that are missing; answers what was missing. Needs the rights of the tables' owner."""
    absent = missing(using)
    if not absent:
        return []
    tables = set(connections[using].introspection.table_names())
    found = _found(connections[using])
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for fence in fences():
            if fence.table in tables and found.get(fence.table) != _wanted(fence):
                _put_up(cursor, fence)
    return absent


def _put_up(cursor: Any, fence: Fence) -> None:
    """The table's only policy; whatever others somebody added are taken down, for they could open it."""
    cursor.execute("SELECT polname FROM pg_policy WHERE polrelid = %s::regclass", [fence.table])
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(name), sql.Identifier(fence.table)))
    check = fence.check or fence.using
    cursor.execute(f"ALTER TABLE {fence.table} ENABLE ROW LEVEL SECURITY")
    cursor.execute(f"ALTER TABLE {fence.table} FORCE ROW LEVEL SECURITY")
    cursor.execute(f"CREATE POLICY {POLICY} ON {fence.table} USING ({fence.using}) WITH CHECK ({check})")


# Audit stands below and knows the tenant as text.
register(
    by_text("audit_event"),
    by_text("audit_outboxmessage"),
    by_text("audit_logentry"),
    by_parents("audit_eventperson", [("event_id", "audit_event")], checked=False),
    by_parents("audit_eventorigin", [("event_id", "audit_event")], checked=False),
    by_parents("audit_pending", [("event_id", "audit_event")], checked=False),
)
