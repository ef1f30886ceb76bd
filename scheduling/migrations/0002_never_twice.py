"""PostgreSQL: no two live allocations of a bookable overlap, none is longer than a week.

btree_gist is a trusted extension: whoever owns the database may create it. SQLite gets its triggers in post_migrate,
because it loses them whenever Django rebuilds the table; see scheduling/guards.py.
"""

from django.db import migrations

FORWARD = [
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    "ALTER TABLE scheduling_allocation ADD CONSTRAINT allocation_never_twice EXCLUDE USING gist "
    "(tstzrange(blocked_start, blocked_end, '[)') WITH &&, bookable_id WITH =) WHERE (state IN ('held', 'confirmed'))",
    "ALTER TABLE scheduling_allocation ADD CONSTRAINT allocation_lasts_at_most_a_week "
    "CHECK (blocked_end <= blocked_start + interval '7 days')",
]
BACK = [
    "ALTER TABLE scheduling_allocation DROP CONSTRAINT IF EXISTS allocation_lasts_at_most_a_week",
    "ALTER TABLE scheduling_allocation DROP CONSTRAINT IF EXISTS allocation_never_twice",
]


def add(apps, schema_editor):
    _run(schema_editor, FORWARD)


def drop(apps, schema_editor):
    _run(schema_editor, BACK)


def _run(schema_editor, statements):
    if schema_editor.connection.vendor == "postgresql":
        for statement in statements:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_services_and_bookings")]

    operations = [migrations.RunPython(add, drop)]
