"""What is kept in the process about services, people and hours is never older than what the tables say."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from governance import tenancy
from scheduling import editions, openings, timetable
from scheduling.models import Bookable, DateOverride, Edition, Holiday, Service, ServiceBookable, WeeklyRule
from tests.factories.scheduling import NOW, make_bookable, make_booking, make_service, morning, on, serve
from tests.racing import race

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db(transaction=True)]
TOMORROW = morning().date()


@pytest.fixture
def service(tenant: Tenant) -> Service:
    return make_service(tenant, providers=2, opens="09:00", closes="12:00")


def offered(service: Service) -> list[tuple[str, int]]:
    """Tomorrow's openings in Madrid, and how many are free for each."""
    lo, hi = on(TOMORROW, "00:00"), on(TOMORROW, "00:00") + timedelta(days=1)
    found = openings.between(service, lo=lo, hi=hi, zone="Europe/Madrid", at=NOW)
    return [(f"{row.start:%H:%M}", len(row.bookable_ids)) for row in found]


def asked_afresh(service: Service) -> list[tuple[str, int]]:
    """The same by a process that knows nothing yet."""
    editions.forget()
    return offered(service)


def raw(statement: str) -> Callable[[], None]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def first_link(service: Service) -> ServiceBookable:
    return service.links.order_by("order")[0]


CHANGES: dict[str, Callable[[Service], Any]] = {
    "a rule is moved": lambda service: WeeklyRule.objects.update(start_minute=600),
    "a rule is added": lambda service: WeeklyRule.objects.bulk_create(
        [WeeklyRule(bookable=first_link(service).bookable, weekday=1, start_minute=900, end_minute=960)]
    ),
    "rules are removed": lambda service: first_link(service).bookable.rules.all().delete(),
    "rules are removed by hand": lambda service: raw("DELETE FROM scheduling_weeklyrule")(),
    "rules are moved by hand": lambda service: raw("UPDATE scheduling_weeklyrule SET end_minute = 660")(),
    "a day is closed": lambda service: timetable.close(None, first=TOMORROW, by=None, at=NOW),
    "a day is opened again": lambda service: DateOverride.objects.all().delete(),
    "a holiday comes": lambda service: Holiday.objects.create(on=TOMORROW, name="Day of rest"),
    "somebody works on holidays": lambda service: Bookable.objects.filter(pk=first_link(service).bookable_id).update(
        observes_holidays=False
    ),
    "somebody moves away": lambda service: Bookable.objects.update(time_zone="America/New_York"),
    "somebody pauses": lambda service: Bookable.objects.filter(pk=first_link(service).bookable_id).update(
        is_active=False
    ),
    "somebody joins": lambda service: serve(service, make_bookable()),
    "somebody leaves": lambda service: first_link(service).delete(),
}


def test_every_change_is_seen_at_once_by_whatever_means(service: Service) -> None:
    for what, change in CHANGES.items():
        offered(service)
        change(service)
        assert offered(service) == asked_afresh(service), what


def stamp() -> Any:
    return Edition.objects.values_list("stamp", flat=True).first()


@pytest.mark.parametrize("what", list(CHANGES))
def test_every_change_puts_a_new_edition_in_force(service: Service, what: str) -> None:
    timetable.close(None, first=TOMORROW + timedelta(days=30), by=None, at=NOW)
    before = stamp()
    CHANGES[what](service)
    assert stamp() not in (before, None)


def test_a_service_that_is_edited_is_shown_so(service: Service) -> None:
    from scheduling.views import weekly

    assert weekly.offered(service.slug)[0].name == service.name
    Service.objects.filter(pk=service.pk).update(name="Renamed")
    assert weekly.offered(service.slug)[0].name == "Renamed"
    weekly.offered(service.slug)[0].name = "Scribbled on"
    assert weekly.offered(service.slug)[0].name == "Renamed"


def test_what_was_rolled_back_vouches_for_nothing(service: Service) -> None:
    def close_and_look() -> list[tuple[str, int]]:
        timetable.close(None, first=TOMORROW, by=None, at=NOW)
        return offered(service)

    before, seen_inside = offered(service), []
    for _turn in range(2):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            seen_inside.append(close_and_look())
            raise ZeroDivisionError
        assert offered(service) == before
    WeeklyRule.objects.update(start_minute=600)
    assert offered(service) == asked_afresh(service) != before
    assert seen_inside == [[], []]


def test_another_connections_change_is_seen_at_the_next_look(service: Service) -> None:
    before = offered(service)
    tenant_id = tenancy.current_id()

    def close() -> None:
        with tenancy.within(tenant_id):
            timetable.close(None, first=TOMORROW, by=None, at=NOW)

    assert race([close]).results == [None]
    assert before
    assert offered(service) == []


def test_tenants_have_editions_of_their_own(service: Service, second_tenant: Tenant) -> None:
    before = stamp()
    with tenancy.within(second_tenant):
        theirs = make_service(second_tenant, opens="09:00", closes="10:00")
        assert stamp() != before
        assert offered(theirs) == [("09:00", 1)]
    assert stamp() == before
    assert offered(service) == [("08:00", 2), ("09:00", 2), ("10:00", 2)]


def test_bookings_are_read_and_change_no_edition(service: Service) -> None:
    offered(service)
    before = stamp()
    make_booking(service, start=morning())
    assert stamp() == before
    with CaptureQueriesContext(connection) as queries:
        assert offered(service) == [("08:00", 2), ("09:00", 1), ("10:00", 2)]
    assert len(queries) == 2


def test_whose_turn_it_is_changes_no_edition(tenant: Tenant) -> None:
    service = make_service(tenant, providers=3, assignment=Service.Assignment.ROUND_ROBIN)
    before = stamp()
    takers = [make_booking(service, start=morning(day)).appointment.allocations.get().bookable_id for day in (1, 2, 3)]
    assert len(set(takers)) == 3
    assert connection.vendor == "sqlite" or stamp() == before


def test_without_an_edition_nothing_is_kept(service: Service) -> None:
    offered(service)
    Edition.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        offered(service)
        offered(service)
    assert len(queries) == 8
    editions.renew_all("default")
    assert stamp() is not None


def test_little_is_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.conf.EDITIONS_MOST", 3)
    for day in range(10):
        openings.between(service, lo=NOW + timedelta(days=day), hi=NOW + timedelta(days=day + 1), zone="UTC", at=NOW)
    assert len(editions._kept._kept) == 3
