"""The guarantee that nothing is booked twice, kept by the database itself.

PostgreSQL has an exclusion constraint and a CHECK; SQLite has triggers, which Django silently drops as it rebuilds the
table. All are put back after every migration: the constraints by `install`, the triggers by audit's registry.
"""

from django.db import DatabaseError, connections

from audit import guards

TABLE = "scheduling_allocation"
OVERLAP = "allocation_never_twice"
LENGTH = "allocation_lasts_at_most_a_week"

POSTGRESQL = {
    OVERLAP: (
        f"ALTER TABLE {TABLE} ADD CONSTRAINT {OVERLAP} EXCLUDE USING gist "
        "(tstzrange(blocked_start, blocked_end, '[)') WITH &&, bookable_id WITH =) "
        "WHERE (state IN ('held', 'confirmed'))"
    ),
    LENGTH: f"ALTER TABLE {TABLE} ADD CONSTRAINT {LENGTH} CHECK (blocked_end <= blocked_start + interval '7 days')",
}

_SQLITE = f"""
SELECT RAISE(ABORT, '{LENGTH}') WHERE julianday(NEW.blocked_end) - julianday(NEW.blocked_start) > 7.0000001;
SELECT RAISE(ABORT, '{OVERLAP}') WHERE EXISTS (
  SELECT 1 FROM {TABLE} AS other
  WHERE other.bookable_id = NEW.bookable_id AND other.released_at IS NULL AND other.id <> NEW.id
    AND other.blocked_start >= datetime(NEW.blocked_start, '-8 days')
    AND other.blocked_start < NEW.blocked_end AND other.blocked_end > NEW.blocked_start
);
"""  # nosec B608 - our own names


EDITION = "scheduling_edition"
WATCHED = {
    "scheduling_service": "",
    "scheduling_servicebookable": "last_assigned_at",  # whose turn it was is no change of who serves
    "scheduling_bookable": "",
    "scheduling_weeklyrule": "",
    "scheduling_dateoverride": "",
    "scheduling_holiday": "",
}
_RENEWED = f"""
IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - '{{besides}}' = to_jsonb(OLD) - '{{besides}}' THEN
    RETURN NULL;
END IF;
INSERT INTO {EDITION} (id, tenant_id, stamp)
    SELECT gen_random_uuid(), t, gen_random_uuid() FROM (SELECT NEW.tenant_id UNION SELECT OLD.tenant_id) AS whose (t)
    WHERE t IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET stamp = EXCLUDED.stamp;
RETURN NULL;
"""  # nosec B608 - our own names
_RENEWED_SQLITE = f"""
INSERT INTO {EDITION} (id, tenant_id, stamp)
  VALUES (lower(hex(randomblob(16))), {{row}}.tenant_id, lower(hex(randomblob(16))))
  ON CONFLICT (tenant_id) DO UPDATE SET stamp = excluded.stamp;
"""  # nosec B608 - our own names


def register() -> None:
    """Tell audit's registry about the triggers: SQLite's against overlaps, and those that renew the edition."""
    for table, besides in WATCHED.items():
        _renewing(table, besides)
    guards.register(
        guards.Guard(
            table=TABLE,
            name=OVERLAP,
            events=("INSERT", "UPDATE"),
            when="NEW.state IN ('held', 'confirmed')",
            sqlite=_SQLITE,
        )
    )


def _renewing(table: str, besides: str) -> None:
    """Every change of the table, by whatever means, puts a new edition in force in the same transaction."""
    pg = _RENEWED.format(besides=besides)
    written: tuple[guards.Event, ...] = ("INSERT", "UPDATE")
    removed: tuple[guards.Event, ...] = ("DELETE",)
    for name, events, row in (("renews", written, "NEW"), ("renews_gone", removed, "OLD")):
        guards.register(
            guards.Guard(
                table,
                f"{table}_{name}",
                events,
                postgresql=pg,
                sqlite=_RENEWED_SQLITE.format(row=row),
                timing="AFTER",
                needs=(EDITION,),
            )
        )


def is_overlap(error: DatabaseError) -> bool:
    """Is this the database saying that the time is taken?"""
    return getattr(error.__cause__, "sqlstate", "") == "23P01" or OVERLAP in str(error)


def missing(using: str = "default") -> list[str]:
    """Which PostgreSQL constraints are absent or not enforced. SQLite's triggers are in `audit.guards.missing`."""
    connection = connections[using]
    if connection.vendor != "postgresql" or TABLE not in connection.introspection.table_names():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND convalidated AND contype IN ('x', 'c')",
            [TABLE],
        )
        found = {name for (name,) in cursor.fetchall()}
    return [name for name in POSTGRESQL if name not in found]


def install(using: str = "default") -> list[str]:
    """Put back the PostgreSQL constraints that are missing; answers their names. Fails loudly if bookings overlap."""
    absent = missing(using)
    with connections[using].cursor() as cursor:
        for name in absent:
            cursor.execute(POSTGRESQL[name])
    return absent
