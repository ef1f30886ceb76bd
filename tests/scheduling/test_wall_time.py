"""Opening hours are wall-clock hours: right on the days the clocks change, wherever the server stands."""

import itertools
import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Tenant
from scheduling import openings, timetable, walltime
from scheduling.models import Service
from tests.factories.scheduling import make_booking, make_service, on, providers_of

pytestmark = pytest.mark.django_db

SERVERS = ("UTC", "Pacific/Auckland", "America/Los_Angeles")
MADRID, NEW_YORK, LORD_HOWE = "Europe/Madrid", "America/New_York", "Australia/Lord_Howe"


@pytest.fixture(params=SERVERS, autouse=True)
def server_zone(request: pytest.FixtureRequest, settings: pytest.FixtureRequest) -> Iterator[str]:
    """The machine and Django both stand in this zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = settings.TIME_ZONE = request.param
    time.tzset()
    with timezone.override(ZoneInfo(request.param)):
        yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def night_service(tenant: Tenant, zone: str, opens: str = "00:00", closes: str = "04:00", step: int = 30) -> Service:
    """Open in the small hours, where clocks change."""
    return make_service(
        tenant,
        zone=zone,
        opens=opens,
        closes=closes,
        duration_minutes=step,
        step_minutes=step,
        window_days=730,
    )


def clocks(service: Service, day: date, zone: str) -> list[str]:
    """The local times offered on a day, each with its offset."""
    at = on(day - timedelta(days=20), "12:00", zone)
    found = openings.between(service, lo=day, hi=day + timedelta(days=1), zone=zone, at=at)
    return [f"{opening.start.astimezone(ZoneInfo(zone)):%H:%M%z}" for opening in found]


def test_the_hour_that_does_not_exist_is_not_offered(tenant: Tenant) -> None:
    madrid = night_service(tenant, MADRID)
    assert clocks(madrid, date(2027, 3, 28), MADRID) == [
        "00:00+0100", "00:30+0100", "01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200",
    ]  # fmt: skip
    new_york = night_service(tenant, NEW_YORK)
    assert clocks(new_york, date(2027, 3, 14), NEW_YORK) == [
        "00:00-0500", "00:30-0500", "01:00-0500", "01:30-0500", "03:00-0400", "03:30-0400",
    ]  # fmt: skip
    lord_howe = night_service(tenant, LORD_HOWE)
    assert clocks(lord_howe, date(2027, 10, 3), LORD_HOWE) == [
        "00:00+1030", "00:30+1030", "01:00+1030", "01:30+1030", "02:30+1100", "03:00+1100", "03:30+1100",
    ]  # fmt: skip


def test_the_hour_that_comes_twice_is_offered_twice(tenant: Tenant) -> None:
    madrid = night_service(tenant, MADRID)
    assert clocks(madrid, date(2027, 10, 31), MADRID) == [
        "00:00+0200", "00:30+0200", "01:00+0200", "01:30+0200", "02:00+0200", "02:30+0200",
        "02:00+0100", "02:30+0100", "03:00+0100", "03:30+0100",
    ]  # fmt: skip
    new_york = night_service(tenant, NEW_YORK)
    assert clocks(new_york, date(2027, 11, 7), NEW_YORK) == [
        "00:00-0400", "00:30-0400", "01:00-0400", "01:30-0400", "01:00-0500", "01:30-0500",
        "02:00-0500", "02:30-0500", "03:00-0500", "03:30-0500",
    ]  # fmt: skip
    lord_howe = night_service(tenant, LORD_HOWE)
    assert clocks(lord_howe, date(2027, 4, 4), LORD_HOWE) == [
        "00:00+1100", "00:30+1100", "01:00+1100", "01:30+1100", "01:30+1030", "02:00+1030",
        "02:30+1030", "03:00+1030", "03:30+1030",
    ]  # fmt: skip


def test_both_of_a_doubled_time_can_be_booked(tenant: Tenant) -> None:
    service = night_service(tenant, MADRID)
    at = datetime(2027, 10, 20, tzinfo=UTC)
    first, second = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)

    one, other = make_booking(service, start=first, at=at), make_booking(service, start=second, at=at)

    assert [row.appointment.starts_at for row in (one, other)] == [first, second]
    assert clocks(service, date(2027, 10, 31), MADRID).count("02:30+0200") == 0
    assert clocks(service, date(2027, 10, 31), MADRID).count("02:30+0100") == 0


def test_an_edge_inside_the_gap_clamps_to_the_moment_the_clocks_jump(tenant: Tenant) -> None:
    opens_in_it = night_service(tenant, MADRID, opens="02:30", closes="05:00", step=60)
    closes_in_it = night_service(tenant, MADRID, opens="00:00", closes="02:30", step=60)

    assert clocks(opens_in_it, date(2027, 3, 28), MADRID) == ["03:00+0200", "04:00+0200"]
    assert clocks(closes_in_it, date(2027, 3, 28), MADRID) == ["00:00+0100", "01:00+0100"]
    inside = night_service(tenant, MADRID, opens="02:10", closes="02:50", step=10)
    assert clocks(inside, date(2027, 3, 28), MADRID) == []


def test_an_edge_inside_the_doubled_hour_is_met_both_times(tenant: Tenant) -> None:
    service = night_service(tenant, MADRID, opens="01:00", closes="02:30")

    assert clocks(service, date(2027, 10, 31), MADRID) == [
        "01:00+0200", "01:30+0200", "02:00+0200", "02:00+0100",
    ]  # fmt: skip


def test_an_ordinary_day_beside_them_keeps_its_wall_clock(tenant: Tenant) -> None:
    for zone, days in {
        MADRID: [date(2027, 3, 27), date(2027, 3, 29), date(2027, 10, 30), date(2027, 11, 1)],
        NEW_YORK: [date(2027, 3, 13), date(2027, 3, 15), date(2027, 11, 6), date(2027, 11, 8)],
        LORD_HOWE: [date(2027, 4, 3), date(2027, 4, 5), date(2027, 10, 2), date(2027, 10, 4)],
    }.items():
        service = night_service(tenant, zone, opens="09:00", closes="11:00", step=60)
        for day in days:
            assert [clock[:5] for clock in clocks(service, day, zone)] == ["09:00", "10:00"]


def test_hours_past_midnight_cross_the_change_in_real_time(tenant: Tenant) -> None:
    service = make_service(
        tenant, zone=MADRID, opens="22:00", closes="04:00", duration_minutes=60, step_minutes=60, window_days=730
    )
    at = datetime(2027, 3, 1, tzinfo=UTC)
    night = openings.between(
        service, lo=on(date(2027, 3, 27), "21:00"), hi=on(date(2027, 3, 28), "12:00"), zone=MADRID, at=at
    )
    assert len(night) == 5  # six wall hours, one of which does not exist
    assert all(later.start - earlier.start == timedelta(hours=1) for earlier, later in itertools.pairwise(night))


def test_people_in_three_zones_serve_one_service_each_in_their_own_hours(tenant: Tenant) -> None:
    service = make_service(tenant, providers=0, duration_minutes=60, step_minutes=60, window_days=730)
    for zone in (MADRID, NEW_YORK, LORD_HOWE):
        helper = make_service(tenant, zone=zone, opens="09:00", closes="10:00")
        service.links.create(bookable=providers_of(helper)[0])

    found = openings.between(
        service, lo=date(2026, 12, 1), hi=date(2026, 12, 2), zone="UTC", at=datetime(2026, 11, 23, tzinfo=UTC)
    )

    assert [f"{opening.start:%H:%M}" for opening in found] == ["08:00", "14:00", "22:00"]


def test_a_day_begins_when_its_date_is_first_shown(tenant: Tenant) -> None:
    assert walltime.day_start(date(2027, 3, 28), MADRID) == datetime(2027, 3, 27, 23, tzinfo=UTC)
    assert walltime.day_start(date(2026, 9, 6), "America/Santiago") == datetime(
        2026, 9, 6, 4, tzinfo=UTC
    )  # no midnight
    assert walltime.day_start(date(2027, 1, 1), "UTC") == datetime(2027, 1, 1, tzinfo=UTC)


def test_an_override_speaks_local_time_too(tenant: Tenant) -> None:
    service = night_service(tenant, NEW_YORK, opens="09:00", closes="10:00", step=60)
    ana = providers_of(service)[0]
    timetable.open_specially(ana, first=date(2027, 3, 14), opens="01:00", closes="04:00", by=None, at=timezone.now())

    assert clocks(service, date(2027, 3, 14), NEW_YORK) == ["01:00-0500", "03:00-0400"]
