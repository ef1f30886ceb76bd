"""PostgreSQL: of one entry, and at one address, at most one publication is live at any moment.

SQLite gets its triggers in post_migrate, because it loses them whenever Django rebuilds the table; see cms/guards.py.
"""

from django.db import migrations

FORWARD = [
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    "ALTER TABLE cms_publication ADD CONSTRAINT publication_one_per_entry EXCLUDE USING gist "
    "(entry_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&) WHERE (cancelled_at IS NULL)",
    "ALTER TABLE cms_publication ADD CONSTRAINT publication_one_per_path EXCLUDE USING gist "
    "(tenant_id WITH =, locale WITH =, path WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&) "
    "WHERE (cancelled_at IS NULL)",
]
BACK = [
    "ALTER TABLE cms_publication DROP CONSTRAINT IF EXISTS publication_one_per_path",
    "ALTER TABLE cms_publication DROP CONSTRAINT IF EXISTS publication_one_per_entry",
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
    dependencies = [("cms", "0002_the_timeline")]

    operations = [migrations.RunPython(add, drop)]
