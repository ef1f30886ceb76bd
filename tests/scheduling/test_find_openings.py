"""When can a service start: rules, changed days, buffers, notice, who takes it; always within five queries."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from governance import tenancy
from scheduling import bookings, openings, timetable
from scheduling.models import Bookable, ExternalBusy, Service
from tests.factories.scheduling import (
    NOW,
    make_bookable,
    make_booking,
    make_hold,
    make_service,
    morning,
    on,
    open_hours,
    providers_of,
    serve,
)

pytestmark = pytest.mark.django_db

MADRID = "Europe/Madrid"
TUESDAY = date(2026, 11, 24)


def times(service: Service, day: date = TUESDAY, *, days: int = 1, at: datetime = NOW, **asked: Any) -> list[str]:
    """The wall clock of each opening."""
    found = openings.between(service, lo=day, hi=day + timedelta(days=days), zone=MADRID, at=at, **asked)
    return [f"{opening.start.astimezone(openings.walltime.ZoneInfo(MADRID)):%H:%M}" for opening in found]


def test_an_opening_says_when_and_with_whom(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, opens="09:00", closes="11:00", duration_minutes=60)
    ana, ben = providers_of(service)
    make_booking(service, start=on(TUESDAY, "09:00"), with_id=ana.pk)

    assert openings.between(service, lo=TUESDAY, hi=date(2026, 11, 25), zone=MADRID, at=NOW) == [
        openings.Opening(on(TUESDAY, "09:00"), on(TUESDAY, "10:00"), (ben.pk,)),
        openings.Opening(on(TUESDAY, "10:00"), on(TUESDAY, "11:00"), (ana.pk, ben.pk)),
    ]


def test_it_must_end_before_closing(tenant: Tenant) -> None:
    service = make_service(tenant, opens="09:00", closes="11:00", duration_minutes=45, step_minutes=30)
    assert times(service) == ["09:00", "09:30", "10:00"]


def test_the_grid_hangs_on_opening_time_and_never_on_a_bookings_end(tenant: Tenant) -> None:
    service = make_service(tenant, opens="09:10", closes="12:10", duration_minutes=20, step_minutes=30)
    long = make_service(tenant, providers=0, duration_minutes=35, step_minutes=5)
    serve(long, providers_of(service)[0])
    make_booking(long, start=on(TUESDAY, "09:10"))  # until 09:45

    assert times(service) == ["10:10", "10:40", "11:10", "11:40"]


def test_a_morning_and_an_afternoon_have_a_grid_each(tenant: Tenant) -> None:
    service = make_service(tenant, providers=0, duration_minutes=50, step_minutes=50)
    ana = make_bookable()
    open_hours(ana, "09:00", "11:00")
    open_hours(ana, "14:20", "16:20")
    serve(service, ana)
    assert times(service) == ["09:00", "09:50", "14:20", "15:10"]


def test_rules_that_overlap_or_touch_are_one_stretch(tenant: Tenant) -> None:
    service = make_service(tenant, providers=0, duration_minutes=60, step_minutes=40)
    ana = make_bookable()
    for opens, closes in (("09:00", "11:00"), ("10:30", "12:00"), ("12:00", "13:00")):
        open_hours(ana, opens, closes)
    serve(service, ana)
    assert times(service) == ["09:00", "09:40", "10:20", "11:00", "11:40"]


def test_hours_past_midnight_join_the_next_day_whose_grid_then_holds(tenant: Tenant) -> None:
    service = make_service(tenant, providers=0, duration_minutes=60, step_minutes=45)
    ana = make_bookable()
    open_hours(ana, "22:00", "02:00", weekdays=[0])
    open_hours(ana, "00:10", "02:00", weekdays=[1])
    serve(service, ana)
    assert times(service, date(2026, 11, 23), days=2) == ["22:00", "22:45", "23:30", "00:10", "00:55"]
    assert times(service, date(2026, 11, 24), days=1) == ["00:10", "00:55"]


def test_the_list_does_not_depend_on_where_one_begins_to_look(tenant: Tenant) -> None:
    service = make_service(tenant, opens="00:00", closes="24:00", duration_minutes=50, step_minutes=50)
    whole = openings.between(service, lo=NOW, hi=NOW + timedelta(days=5), zone="UTC", at=NOW)
    for hours in (7, 23, 49, 80):
        lo = NOW + timedelta(hours=hours)
        part = openings.between(service, lo=lo, hi=NOW + timedelta(days=5), zone="UTC", at=NOW)
        assert part == [opening for opening in whole if opening.start >= lo]


def test_open_day_and_night_a_long_service_runs_over_midnight(tenant: Tenant) -> None:
    service = make_service(tenant, opens="00:00", closes="24:00", duration_minutes=36 * 60, step_minutes=720)
    assert times(service) == ["00:00", "12:00"]


def test_buffers_add_up_and_need_no_opening_hours(tenant: Tenant) -> None:
    service = make_service(
        tenant, opens="09:00", closes="13:00", step_minutes=15, buffer_before_minutes=10, buffer_after_minutes=5
    )
    make_booking(service, start=on(TUESDAY, "10:15"))  # 10:05 to 11:20 with buffers
    assert times(service) == ["09:00", "11:30", "11:45", "12:00"]


def test_minimum_notice_and_window(tenant: Tenant) -> None:
    service = make_service(tenant, minimum_notice_minutes=150, window_days=1)
    assert times(service, NOW.astimezone(UTC).date(), days=3) == [
        "12:00", "13:00", "14:00", "15:00", "16:00",  # now is 09:00; from 11:30 on
    ]  # fmt: skip
    assert times(service, NOW.date(), days=3, at=NOW + timedelta(minutes=1)) == [
        "12:00", "13:00", "14:00", "15:00", "16:00", "09:00",
    ]  # fmt: skip


def test_every_second_week_from_a_day_until_a_day(tenant: Tenant) -> None:
    service = make_service(tenant, providers=0)
    ana = make_bookable()
    open_hours(
        ana, "09:00", "10:00", weekdays=[1], every_n_weeks=2, valid_from=date(2026, 11, 26), valid_to=date(2027, 1, 5)
    )
    serve(service, ana)
    found = openings.between(service, lo=NOW, hi=NOW + timedelta(days=59), zone=MADRID, at=NOW)
    assert [opening.start.date() for opening in found] == [date(2026, 12, 8), date(2026, 12, 22), date(2027, 1, 5)]


def test_changed_days_own_then_everybodys_then_holidays_then_rules(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, opens="09:00", closes="10:00")
    ana, ben = providers_of(service)
    days = [TUESDAY + timedelta(days=n) for n in range(5)]
    note = {"by": None, "at": NOW}
    timetable.close(ana, first=days[0], **note)
    timetable.close(None, first=days[1], last=days[2], **note)
    timetable.open_specially(ben, first=days[2], opens="20:00", closes="21:00", **note)
    timetable.open_specially(ben, first=days[2], opens="22:00", closes="23:00", **note)
    timetable.open_specially(ana, first=days[3], opens="07:00", closes="08:00", **note)
    timetable.close(ana, first=days[3], **note)

    def who(day: date) -> list[tuple[str, int]]:
        found = openings.between(service, lo=day, hi=day + timedelta(days=1), zone=MADRID, at=NOW)
        return [(f"{o.start:%H:%M}", len(o.bookable_ids)) for o in found]

    assert [who(day) for day in days] == [
        [("08:00", 1)],
        [],
        [("19:00", 1), ("21:00", 1)],
        [("08:00", 1)],
        [("08:00", 2)],
    ]


def test_public_holidays_close_those_who_observe_them(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, opens="09:00", closes="10:00", window_days=90)
    _ana, ben = providers_of(service)
    Bookable.objects.filter(pk=ben.pk).update(observes_holidays=False)
    new = timetable.keep_holidays(country="ES", years=[2026], by=None, at=NOW)
    again = timetable.keep_holidays(country="ES", years=[2026], by=None, at=NOW)

    christmas = openings.between(service, lo=date(2026, 12, 25), hi=date(2026, 12, 26), zone=MADRID, at=NOW)

    assert (new > 5, again) == (True, 0)
    assert [opening.bookable_ids for opening in christmas] == [(ben.pk,)]
    with pytest.raises(timetable.UnknownPlace):
        timetable.keep_holidays(country="XX", years=[2026], by=None, at=NOW)


def test_other_calendars_keep_people_busy(tenant: Tenant) -> None:
    service = make_service(tenant, opens="09:00", closes="12:00")
    ana = providers_of(service)[0]
    for start, end in (("09:30", "10:15"), ("09:50", "10:10")):
        ExternalBusy.objects.create(bookable=ana, starts_at=on(TUESDAY, start), ends_at=on(TUESDAY, end))
    assert times(service) == ["11:00"]
    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=on(TUESDAY, "10:00"))


def test_a_person_and_a_room_must_both_be_free(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, rooms=1, opens="09:00", closes="12:00")
    ana, ben = providers_of(service)
    booked = make_booking(service, start=on(TUESDAY, "10:00"))

    assert booked.appointment.allocations.count() == 2
    assert times(service) == ["09:00", "11:00"]
    found = openings.between(service, lo=TUESDAY, hi=date(2026, 11, 25), zone=MADRID, at=NOW)
    assert {opening.bookable_ids for opening in found} == {(ana.pk, ben.pk)}


def test_two_people_needed_means_two_people_free(tenant: Tenant) -> None:
    service = make_service(tenant, providers=3, people_needed=2, opens="09:00", closes="11:00")
    _ana, ben, carla = providers_of(service)
    make_booking(service, start=on(TUESDAY, "09:00"), with_id=carla.pk)

    assert times(service) == ["10:00"]
    assert times(service, with_id=ben.pk) == ["10:00"]


def test_asking_for_somebody_shows_only_their_times(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, opens="09:00", closes="11:00")
    ana, ben = providers_of(service)
    make_booking(service, start=on(TUESDAY, "09:00"), with_id=ana.pk)

    assert times(service, with_id=ana.pk) == ["10:00"]
    assert times(service, with_id=ben.pk) == ["09:00", "10:00"]
    assert times(service, with_id=uuid4()) == []
    Bookable.objects.filter(pk=ben.pk).update(is_active=False)
    assert times(service, with_id=ben.pk) == []


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [("any", "ABCABC"), ("fixed", "AAA"), ("round_robin", "ABCABC"), ("least_busy", "ABCABC")],
)
def test_who_takes_it(tenant: Tenant, assignment: str, expected: str) -> None:
    service = make_service(tenant, providers=3, assignment=assignment)
    names = {person.pk: letter for person, letter in zip(providers_of(service), "ABC", strict=True)}
    days = 1 if assignment in ("any", "least_busy") else 3
    given = ""
    for number in range(6):
        start = morning(1 + number // 3 if days == 1 else 1 + number)
        if assignment == "fixed" and number >= 3:
            break
        booked = make_booking(service, start=start, at=NOW + timedelta(seconds=number))
        given += names[booked.appointment.allocations.get().bookable_id]
    assert given == expected


def test_least_busy_counts_minutes_of_that_day(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, assignment="least_busy")
    ana, ben = providers_of(service)
    make_booking(service, start=morning(1, "09:00"), with_id=ana.pk)
    make_booking(service, start=morning(2, "09:00"), with_id=ben.pk)

    assert make_booking(service, start=morning(1)).appointment.allocations.get().bookable == ben
    assert make_booking(service, start=morning(2)).appointment.allocations.get().bookable == ana


def test_fixed_goes_to_nobody_else(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, assignment="fixed")
    make_booking(service, start=morning())
    assert "10:00" not in times(service)
    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=morning())


def test_a_run_out_hold_is_an_opening_again_and_a_live_one_is_not(tenant: Tenant) -> None:
    service = make_service(tenant, opens="10:00", closes="11:00")
    held = make_hold(service, start=morning())
    assert held.hold_expires_at is not None
    assert times(service) == []
    assert times(service, at=held.hold_expires_at) == ["10:00"]


def test_the_nearest_are_the_closest_in_order(tenant: Tenant) -> None:
    service = make_service(tenant, opens="09:00", closes="17:00")
    make_booking(service, start=morning(3, "12:00"))

    found = openings.nearest(service, start=morning(3, "12:00"), at=NOW)

    assert [opening.start for opening in found] == [
        morning(3, clock) for clock in ("09:00", "10:00", "11:00", "13:00", "14:00")
    ]


def test_nobody_to_serve_means_nothing_to_offer(tenant: Tenant) -> None:
    service = make_service(tenant, providers=0)
    assert times(service) == []
    assert openings.nearest(service, start=morning(), at=NOW) == []
    with pytest.raises(bookings.NotAnOpening):
        make_booking(service, start=morning())


def test_another_tenants_hours_and_bookings_are_never_seen(tenant: Tenant, second_tenant: Tenant) -> None:
    service = make_service(tenant, opens="09:00", closes="11:00")
    with tenancy.within(second_tenant):
        timetable.close(None, first=TUESDAY, by=None, at=NOW)
    assert times(service) == ["09:00", "10:00"]


@pytest.mark.parametrize("reach", [7, 31])
def test_fifty_people_cost_the_queries_of_one(tenant: Tenant, reach: int) -> None:
    counted = {}
    for providers in (1, 50):
        service = make_service(tenant, providers=providers, rooms=1)
        make_booking(service, start=morning())
        timetable.close(None, first=morning(4).date(), by=None, at=NOW)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = openings.between(service, lo=NOW, hi=NOW + timedelta(days=reach), zone=MADRID, at=NOW)
        assert len(found) > 10
        counted[providers] = len(queries)
    assert counted == {1: 4, 50: 4}


@pytest.mark.parametrize(
    "edge", [date.min, date.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_however_far_one_looks_it_is_only_empty(tenant: Tenant, edge: Any) -> None:
    service = make_service(tenant)
    is_early = edge in (date.min, datetime.min.replace(tzinfo=UTC))
    assert bool(openings.between(service, lo=NOW, hi=edge, zone="Pacific/Apia", at=NOW)) is not is_early
    assert bool(openings.between(service, lo=edge, hi=NOW + timedelta(days=1), zone="Pacific/Apia", at=NOW)) is is_early
    if isinstance(edge, datetime):
        assert len(openings.nearest(service, start=edge, at=NOW)) == 5
