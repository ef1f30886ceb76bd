"""The test runner lifts the database guards while it empties tables between tests; nothing in the product can."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db import connections

from audit import guards


@contextmanager
def lifted(using: str) -> Iterator[None]:
    """Guards off inside, all back afterwards."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for guard in guards.registered():
            if guard.table not in tables:
                continue
            if connection.vendor == "postgresql" and guard.postgresql:
                cursor.execute(f"DROP TRIGGER IF EXISTS {guard.name} ON {guard.table}")
            if connection.vendor == "sqlite" and guard.sqlite:
                for name in guard.sqlite_triggers():
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
    try:
        yield
    finally:
        guards.install(using)


@pytest.fixture(scope="session", autouse=True)
def flush_lifts_guards() -> Iterator[None]:
    """`flush`, by which TransactionTestCase empties the tables, works in spite of the guards."""
    empty = flush.Command.handle

    def handle(self: Any, **options: Any) -> None:
        with lifted(options["database"]):
            empty(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", handle)
        yield
