"""What is measured inside one process, without a web server: openings, audited writes, hashing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import ledger
from governance import tenancy
from scheduling import bookings, openings
from scheduling.models import Service
from verso.operations.bench import ground
from verso.operations.bench.figures import Figure, at_most, median_seconds

ZONE = ZoneInfo("UTC")


def seeded(number: int) -> tuple[Any, Service]:
    """The bench tenant and its first service."""
    tenant = ground.tenant(number)
    with tenancy.within(tenant):
        return tenant, Service.objects.get(slug="service-0")


def openings_queries() -> list[Figure]:
    """How many queries a week of openings takes, for 1 and for 50 providers."""
    return [_queries(number) for number in (0, 1)]


def _queries(number: int) -> Figure:
    tenant, service = seeded(number)
    now = timezone.now()
    with tenancy.within(tenant), CaptureQueriesContext(connection) as asked:
        openings.between(service, lo=now, hi=now + timedelta(days=7), zone=ZONE.key, at=now)
    with tenancy.within(tenant):
        providers = service.bookables.count()
    return at_most(f"openings: queries for a week, {providers} providers", len(asked), 5)


def a_month_of_fifty() -> Figure:
    """Application time of 31 days × 50 providers: the whole time less the time inside the database, in ms."""
    tenant, service = seeded(1)
    now = timezone.now()
    inside = [0.0]

    def timed(execute: Callable[..., Any], *args: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*args)
        finally:
            inside[0] += time.perf_counter() - started

    def ask() -> None:
        openings.between(service, lo=now, hi=now + timedelta(days=31), zone=ZONE.key, at=now)

    with tenancy.within(tenant), connection.execute_wrapper(timed):
        ask()
        inside[0] = 0.0
        started = time.perf_counter()
        for _turn in range(10):
            ask()
        spent = time.perf_counter() - started - inside[0]
    return at_most("openings: application time, 31 days x 50 providers", spent * 100, 60, " ms")


def history_is_free() -> float:
    """p95 of a week's openings in the current history, in seconds."""
    tenant, service = seeded(0)
    now = timezone.now()
    with tenancy.within(tenant):
        times = sorted(
            median_seconds(
                lambda: openings.between(service, lo=now, hi=now + timedelta(days=7), zone=ZONE.key, at=now), 3
            )
            for _turn in range(60)
        )
    return times[int(len(times) * 0.95)]


@contextmanager
def _silent() -> Iterator[None]:
    with mock.patch.object(ledger, "record", lambda *_args, **_named: None):
        yield


def audited_write() -> list[Figure]:
    """A one-row save with its ledger entry, over the bare save; alone and with eight writers at once."""
    tenant, service = seeded(0)
    with tenancy.within(tenant):
        bare, audited = _interleaved(lambda: _save(service), lambda: _save(service, noted=True), 600)
        eight_bare, eight = _rate(service, noted=False), _rate(service, noted=True)
    return [
        at_most("audited write: one-row save with its entry / bare save", audited / bare, 1.4),
        Figure(
            "audited write: eight writers keep of the unaudited rate",
            f"{eight / eight_bare:.2f}",
            ">= 0.7",
            eight / eight_bare >= 0.7,
        ),
    ]


def _save(service: Service, *, noted: bool = False) -> None:
    with transaction.atomic():
        service.save(update_fields=["summary"])
        if noted:
            ledger.record("operations.bench.saved", service, changes={"summary": ["", service.summary]})


def _interleaved(one: Callable[[], object], other: Callable[[], object], times: int) -> tuple[float, float]:
    """The median seconds of two acts, taken turn by turn so that the machine's moods hit both alike."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(times + 20):
        for place, act in enumerate((one, other)):
            started = time.perf_counter()
            act()
            if turn >= 20:
                spent[place].append(time.perf_counter() - started)
    middle = times // 2
    return sorted(spent[0])[middle], sorted(spent[1])[middle]


def _rate(service: Service, *, noted: bool, seconds: float = 4.0) -> float:
    """Saves per second of eight threads, each with a row and a connection of its own."""
    tenant_id, done = tenancy.current_id(), [0] * 8
    until = time.perf_counter() + seconds

    def write(number: int) -> None:
        with tenancy.within(tenant_id):
            mine, _new = Service.objects.get_or_create(
                slug=f"writer-{number}", defaults={"name": "Writer", "duration_minutes": 30, "step_minutes": 30}
            )
            while time.perf_counter() < until:
                _save(mine, noted=noted)
                done[number] += 1
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def audited_booking() -> Figure:
    """A booking with its ledger entries, over the same booking without them."""
    tenant, service = seeded(0)
    with tenancy.within(tenant):
        starts = iter(_free_starts(service, 800))

        def silently() -> None:
            with _silent():
                _book(service, next(starts))

        bare, audited = _interleaved(silently, lambda: _book(service, next(starts)), 200)
    return at_most("audited write: a booking with its entries / without", audited / bare, 1.15)


def _free_starts(service: Service, count: int) -> list[datetime]:
    now = timezone.now()
    free = openings.between(service, lo=now + timedelta(days=100), hi=now + timedelta(days=160), zone=ZONE.key, at=now)
    return [opening.start for opening in free][:count]


def _book(service: Service, start: datetime) -> None:
    bookings.book(
        service,
        start=start,
        with_id=None,
        customer=bookings.Customer("Bench Person", "bench@bench.example", "", "en"),
        note="",
        zone="UTC",
        request_id="",
        body_hash="",
        by=None,
        at=timezone.now(),
    )


def hashing() -> Callable[[], object]:
    """One password check."""
    encoded = make_password("four unrelated quiet words")
    return lambda: check_password("four unrelated quiet words", encoded)
