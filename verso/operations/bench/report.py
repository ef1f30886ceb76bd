"""Take every measure and print the report. Runs in the environment `__main__` prepared."""

import os
import sys
from collections.abc import Iterator

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from governance import tenancy
from scheduling.models import Bookable
from verso.operations.bench import bare_sql, ground, inside, outside, stand
from verso.operations.bench.figures import Figure, at_least, at_most


def figures() -> Iterator[Figure]:
    """Every figure, in the order of the contract."""
    env = dict(os.environ)
    provider = _lay()
    yield from _over_http(env, provider)
    yield from inside.openings_queries()
    yield inside.a_month_of_fifty()
    yield from inside.audited_write()
    yield inside.audited_booking()
    yield from _long_history(int(os.environ["BENCH_APPOINTMENTS"]))


def _lay() -> str:
    """Fifty providers in a second tenant, and somebody who signs in; the id of one provider of the first."""
    with tenancy.within(ground.tenant(1)):
        ground.practice(50)
    with tenancy.within(ground.tenant(0)):
        ground.member(outside.MEMBER, outside.PASSWORD)
        return str(Bookable.objects.order_by("slug")[0].pk)


def _over_http(env: dict[str, str], provider: str) -> Iterator[Figure]:
    floor = stand.serving("verso.operations.bench.floor:application", env)
    with stand.serving("verso.wsgi:application", env) as port:
        with floor as floor_port:
            yield from outside.openings(port, floor_port, provider)
        yield from _booking(port)
        yield outside.race(port, outside.starts(port, 60, after=300)[-1], provider)
        yield outside.sign_in(port, inside.hashing())


def _booking(port: int) -> Iterator[Figure]:
    url = os.environ["DATABASE_URL"]
    tables = connection.introspection.table_names()
    load = outside.bookings(port)
    before = bare_sql.standing(url, tables)
    last = outside.starts(port, 60, after=300)[0]
    outside.client.burst(port, iter([outside.booking(last, 800_000)]).__next__, connections=1, seconds=0.01)
    rows = bare_sql.rows_since(url, before)
    bare = bare_sql.rate(url, rows, connections=stand.WORKERS, seconds=5)
    met = "" if set(load.statuses) == {303} else f" {dict(load.statuses)}"
    yield at_least(
        "booking: by POST / the same rows by bare SQL", load.rate / bare, 0.25, f"  ({load.rate:.0f}/s{met})"
    )


def _long_history(count: int) -> Iterator[Figure]:
    short = inside.history_is_free()
    call_command("seed_bench", appointments=count, providers=10, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    long = inside.history_is_free()
    yield at_most(f"openings: p95 with {count:,} appointments / with 1,000", long / short, 1.2)


if __name__ == "__main__":
    missed = False
    for figure in figures():
        print(figure, flush=True)
        missed = missed or figure.reached is False
    print(f"\n{settings.SETTINGS_MODULE}, {connection.vendor}, {stand.WORKERS} workers x {stand.THREADS} threads")
    sys.exit(int(missed))
