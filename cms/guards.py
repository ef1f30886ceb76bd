"""The guarantees of the timeline, kept by the database itself.

Of one entry at most one publication is live at any moment, and at one address of one language at most one entry, now
and for all time planned. PostgreSQL has exclusion constraints; SQLite has triggers, which Django silently drops as it
rebuilds a table. Revisions are never changed or removed, a publication only where the timeline is about that. All are
put back after every migration.
"""

from django.db import DatabaseError, connections

from audit import guards

TABLE, REVISION = "cms_publication", "cms_revision"
ONE_PER_ENTRY = "publication_one_per_entry"
ONE_PER_PATH = "publication_one_per_path"

_SPAN = "tstzrange(starts_at, ends_at, '[)') WITH &&"
POSTGRESQL = {
    ONE_PER_ENTRY: (
        f"ALTER TABLE {TABLE} ADD CONSTRAINT {ONE_PER_ENTRY} EXCLUDE USING gist "
        f"(entry_id WITH =, {_SPAN}) WHERE (cancelled_at IS NULL)"
    ),
    ONE_PER_PATH: (
        f"ALTER TABLE {TABLE} ADD CONSTRAINT {ONE_PER_PATH} EXCLUDE USING gist "
        f"(tenant_id WITH =, locale WITH =, path WITH =, {_SPAN}) WHERE (cancelled_at IS NULL)"
    ),
}

_FOREVER = "'9999-12-31 23:59:59'"
_MEETS = f"""other.id <> NEW.id AND other.cancelled_at IS NULL
    AND other.starts_at < COALESCE(NEW.ends_at, {_FOREVER}) AND COALESCE(other.ends_at, {_FOREVER}) > NEW.starts_at"""
_SQLITE = f"""
SELECT RAISE(ABORT, '{ONE_PER_ENTRY}') WHERE EXISTS (
  SELECT 1 FROM {TABLE} AS other WHERE other.entry_id = NEW.entry_id AND {_MEETS});
SELECT RAISE(ABORT, '{ONE_PER_PATH}') WHERE EXISTS (
  SELECT 1 FROM {TABLE} AS other
  WHERE other.tenant_id = NEW.tenant_id AND other.path = NEW.path AND other.locale = NEW.locale AND {_MEETS});
"""  # nosec B608 - our own names

# What may change of a row that is kept: the timeline's own moments, the text rendered anew, a person who is forgotten.
_OF_REVISIONS = ("author_id", "author_label")
_OF_PUBLICATIONS = ("ends_at", "expires_at", "cancelled_at", "html", "published_by_id")


def register() -> None:
    """Tell audit's registry about the triggers."""
    guards.register(
        guards.Guard(TABLE, f"{TABLE}_once", ("INSERT", "UPDATE"), when="NEW.cancelled_at IS NULL", sqlite=_SQLITE),
        *_kept(REVISION, _OF_REVISIONS, "NEW.author_id IS NOT NULL AND NEW.author_id IS NOT OLD.author_id"),
        *_kept(TABLE, _OF_PUBLICATIONS, "OLD.cancelled_at IS NOT NULL AND NEW.cancelled_at IS NOT OLD.cancelled_at"),
    )


def _kept(table: str, free: tuple[str, ...], wrong: str) -> list[guards.Guard]:
    """Refuse any change but of `free`, and what is `wrong` in those; any removal; and emptying."""
    raised = f"RAISE EXCEPTION '{table} is kept as it is' USING ERRCODE = 'restrict_violation';"
    columns = " - ".join(f"'{name}'" for name in free)
    besides = f"to_jsonb(NEW) - {columns} IS DISTINCT FROM to_jsonb(OLD) - {columns}"
    pg_wrong = wrong.replace("IS NOT OLD", "IS DISTINCT FROM OLD")
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in COLUMNS[table])
    abort = f"SELECT RAISE(ABORT, '{table} is kept as it is');"
    return [
        guards.Guard(
            table,
            f"{table}_unchanged",
            ("UPDATE",),
            postgresql=f"IF {besides} OR ({pg_wrong}) THEN {raised} END IF; RETURN NEW;",
            when=f"{changed} OR ({wrong})",
            sqlite=abort,
        ),
        guards.Guard(table, f"{table}_kept", ("DELETE",), postgresql=raised, sqlite=abort),
        guards.Guard(table, f"{table}_not_emptied", ("TRUNCATE",), postgresql=raised),
    ]


# SQLite's triggers have no row as JSON: what must not change, by name.
COLUMNS = {
    REVISION: ("id", "tenant_id", "entry_id", "number", "base_id", "content", "sha256", "origin", "created_at"),
    TABLE: (
        "id", "tenant_id", "entry_id", "revision_id", "release_id", "kind", "locale", "path", "title", "summary",
        "first_at", "starts_at", "made_at",
    ),
}  # fmt: skip


def refused(error: DatabaseError) -> str:
    """Which guarantee the database says would be broken; "" when it is about something else."""
    told = str(error)
    return next((name for name in (ONE_PER_ENTRY, ONE_PER_PATH) if name in told), "")


def missing(using: str = "default") -> list[str]:
    """Which PostgreSQL constraints are absent. SQLite's triggers are in `audit.guards.missing`."""
    connection = connections[using]
    if connection.vendor != "postgresql" or TABLE not in connection.introspection.table_names():
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'x'", [TABLE])
        found = {name for (name,) in cursor.fetchall()}
    return [name for name in POSTGRESQL if name not in found]


def install(using: str = "default") -> list[str]:
    """Put back the PostgreSQL constraints that are missing; answers their names."""
    absent = missing(using)
    with connections[using].cursor() as cursor:
        for name in absent:
            cursor.execute(POSTGRESQL[name])
    return absent
