"""However long the history, looking for openings reads the rows of the window and no more."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from scheduling import openings
from scheduling.models import Allocation, Appointment, Service
from tests.factories.scheduling import NOW, make_booking, make_service, morning

pytestmark = pytest.mark.django_db

ROWS = 1_000_000
"""On PostgreSQL; SQLite is asked with a tenth."""


PG = """
INSERT INTO scheduling_appointment (id, tenant_id, service_id, customer_id, starts_at, ends_at, display_zone, status,
    ical_uid, sequence, version, manage_hash, manage_generation, created_at)
SELECT ('a' || lpad(to_hex(n), 31, '0'))::uuid, %(tenant)s, %(service)s, %(customer)s, %(now)s - n * interval '1 hour',
    %(now)s - n * interval '1 hour' + interval '50 minutes', 'UTC', 'confirmed', n::text, 0, 1, n::text, 1, %(now)s
FROM generate_series(%(first)s, %(last)s) AS n;
INSERT INTO scheduling_allocation (id, tenant_id, appointment_id, bookable_id, blocked_start, blocked_end, state)
SELECT ('b' || lpad(to_hex(n), 31, '0'))::uuid, %(tenant)s, ('a' || lpad(to_hex(n), 31, '0'))::uuid,
    (%(people)s::uuid[])[1 + n %% %(count)s],
    %(now)s - n * interval '1 hour', %(now)s - n * interval '1 hour' + interval '50 minutes', 'confirmed'
FROM generate_series(%(first)s, %(last)s) AS n
"""
LITE = """
WITH RECURSIVE s(n) AS (SELECT %(first)s UNION ALL SELECT n + 1 FROM s WHERE n < %(last)s)
INSERT INTO scheduling_appointment (id, tenant_id, service_id, customer_id, starts_at, ends_at, display_zone, status,
    ical_uid, sequence, version, manage_hash, manage_generation, created_at)
SELECT printf('a%%031d', n), %(tenant)s, %(service)s, %(customer)s, datetime(%(now)s, '-' || n || ' hours'),
    datetime(%(now)s, '-' || n || ' hours', '+50 minutes'), 'UTC', 'confirmed', n, 0, 1, n, 1, %(now)s FROM s;
WITH RECURSIVE s(n) AS (SELECT %(first)s UNION ALL SELECT n + 1 FROM s WHERE n < %(last)s)
INSERT INTO scheduling_allocation (id, tenant_id, appointment_id, bookable_id, blocked_start, blocked_end, state)
SELECT printf('b%%031d', n), %(tenant)s, printf('a%%031d', n),
    json_extract(%(people)s, '$[' || (n %% %(count)s) || ']'),
    datetime(%(now)s, '-' || n || ' hours'), datetime(%(now)s, '-' || n || ' hours', '+50 minutes'), 'confirmed' FROM s
"""
INDEXES = ["appointment_by_start", "appointment_by_customer", "allocation_live"]


def bury(service: Service, *, first: int, last: int) -> None:
    """Confirmed hours `first` to `last` hours ago, one after the other, spread over the service's people.

    The dear indexes and the guarantee are set aside while the rows arrive; the indexes are made again afterwards. All
    of it is undone with the test's transaction.
    """
    is_pg = connection.vendor == "postgresql"
    people = list(service.links.order_by("bookable").values_list("bookable_id", flat=True))
    customer = Appointment.objects.exclude(customer=None)[0].customer_id
    ids = {"tenant": service.tenant_id, "service": service.pk, "customer": customer}
    values = {**ids, "people": people, "now": NOW}
    if not is_pg:
        values = {name: one.hex for name, one in ids.items()}
        values |= {"people": json.dumps([one.hex for one in people]), "now": f"{NOW:%Y-%m-%d %H:%M:%S}"}
    with connection.cursor() as cursor:
        again = _set_aside(cursor, is_pg)
        for statement in (PG if is_pg else LITE).split(";"):
            cursor.execute(statement, {**values, "first": first, "last": last, "count": len(people)})
        for definition in again:
            cursor.execute(definition)
        for table in ("scheduling_appointment", "scheduling_allocation"):
            cursor.execute(f"ANALYZE {table}")


def _set_aside(cursor: Any, is_pg: bool) -> list[str]:
    """Drop what makes inserting slow; answers the definitions of the indexes."""
    if is_pg:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("ALTER TABLE scheduling_allocation DROP CONSTRAINT IF EXISTS allocation_never_twice")
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [INDEXES])
    else:
        cursor.execute("DROP TRIGGER IF EXISTS allocation_never_twice_insert")
        cursor.execute(f"SELECT sql FROM sqlite_master WHERE name IN ('{INDEXES[0]}', '{INDEXES[1]}', '{INDEXES[2]}')")
    definitions = [definition for (definition,) in cursor.fetchall()]
    assert len(definitions) == 3
    for name in INDEXES:
        cursor.execute(f"DROP INDEX {name}")
    return definitions


def statements(work: Callable[[], Any]) -> list[str]:
    """The SQL a piece of work sends about allocations."""
    with CaptureQueriesContext(connection) as queries:
        work()
    return [query["sql"] for query in queries if "scheduling_allocation" in query["sql"]]


def rows_read(sql: str) -> int:
    """PostgreSQL: the rows the plan's scans of allocations touched, those thrown away by a filter included."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        answer = cursor.fetchone()[0]
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return sum(_touched(node) for node in _nodes(plan) if node.get("Relation Name") == "scheduling_allocation")


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]


def _touched(node: dict[str, Any]) -> int:
    kept = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(kept * node["Actual Loops"])


def test_a_million_old_appointments_are_not_read(tenant: Tenant) -> None:
    service = make_service(tenant, providers=10)
    for day in range(1, 6):
        make_booking(service, start=morning(day))
    rows = ROWS if connection.vendor == "postgresql" else ROWS // 10

    def look() -> Any:
        return openings.between(service, lo=NOW, hi=NOW + timedelta(days=7), zone="UTC", at=NOW)

    bury(service, first=48, last=147)
    before = look()
    (statement,) = statements(look)
    few = rows_read(statement) if connection.vendor == "postgresql" else 0

    bury(service, first=200, last=rows + 99)

    assert look() == before
    (statement,) = statements(look)
    if connection.vendor == "postgresql":
        assert 5 <= rows_read(statement) == few
    assert Allocation.objects.count() == rows + 5
    with connection.cursor() as cursor:
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} {statement}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "allocation_live" in plan
    assert not re.search(r"(Seq Scan on|SCAN) scheduling_allocation", plan)
