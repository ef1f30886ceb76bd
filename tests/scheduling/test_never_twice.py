"""Nothing is booked twice, however many try at once; the database itself sees to it."""

import sys
from datetime import datetime, timedelta
from functools import partial
from itertools import combinations
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Tenant
from audit import guards as audit_guards
from audit.models import Event, OutboxMessage
from governance.models import Person
from scheduling import bookings, guards
from scheduling.bookings import SlotTaken
from scheduling.models import Allocation, Appointment, Service
from tests.factories.scheduling import NOW, make_booking, make_hold, make_service, morning, providers_of
from tests.racing import race

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db(transaction=True)]


def live_overlaps() -> list[tuple[Allocation, Allocation]]:
    """Pairs of live allocations of one bookable that overlap; there must never be one."""
    rows = list(Allocation.objects.live())
    return [
        (one, other)
        for one, other in combinations(rows, 2)
        if one.bookable_id == other.bookable_id
        and one.blocked_start < other.blocked_end
        and other.blocked_start < one.blocked_end
    ]


def test_of_fifty_who_want_one_opening_one_gets_it(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    service = make_service(tenant)

    run = race([partial(make_booking, service, start=morning(), request_id=f"request-{n}") for n in range(50)])

    with capsys.disabled():
        sys.stdout.write(f"\n50 at once on {connection.vendor}: {run.seconds:.2f} s\n")
    assert run.connections == 50
    assert run.kinds() == {"Booked": 1, "SlotTaken": 49}
    assert Appointment.objects.count() == Allocation.objects.count() == Person.objects.count() == 1
    assert Event.objects.filter(action="scheduling.appointment.booked").count() == 1
    assert list(OutboxMessage.objects.values_list("kind", flat=True)) == ["scheduling.confirmation"]
    lost = next(result for result in run.results if isinstance(result, SlotTaken))
    assert [opening.start for opening in lost.nearest] == [
        morning(1, clock) for clock in ("09:00", "11:00", "12:00", "13:00", "14:00")
    ]


def test_of_fifty_who_want_one_of_three_three_get_one_each(tenant: Tenant) -> None:
    service = make_service(tenant, providers=3)

    run = race([partial(make_booking, service, start=morning()) for _n in range(50)])

    assert run.kinds() == {"Booked": 3, "SlotTaken": 47}
    assert Allocation.objects.values("bookable").distinct().count() == 3


def test_people_and_rooms_run_out_together_without_a_deadlock(tenant: Tenant) -> None:
    service = make_service(tenant, providers=3, rooms=2)
    other = make_service(tenant)
    for link in service.links.order_by("-order"):
        other.links.create(bookable=link.bookable, order=9 - link.order)
    Service.objects.filter(pk=other.pk).update(rooms_needed=1)
    other.refresh_from_db()

    run = race([partial(make_booking, one, start=morning()) for one in [service, other] * 15])

    assert run.kinds() == {"Booked": 2, "SlotTaken": 28}
    assert live_overlaps() == []


def test_staggered_times_that_overlap_never_both_live(tenant: Tenant) -> None:
    service = make_service(tenant, step_minutes=5, buffer_after_minutes=5)

    run = race([partial(make_booking, service, start=morning() + timedelta(minutes=5 * n)) for n in range(40)])

    assert set(run.kinds()) == {"Booked", "SlotTaken"}
    assert run.kinds()["Booked"] >= 1
    assert live_overlaps() == []


def test_two_who_move_to_one_time_do_not_both_get_it(tenant: Tenant) -> None:
    service = make_service(tenant)
    mine = [make_booking(service, start=morning(3, f"{hour}:00")).appointment for hour in range(10, 16)]

    run = race([partial(bookings.reschedule, one, start=morning(2), by=None, at=NOW) for one in mine])

    assert run.kinds() == {"Appointment": 1, "SlotTaken": 5}
    assert live_overlaps() == []
    assert sorted(Appointment.objects.values_list("starts_at", flat=True)) == sorted(
        [morning(2), *(one.starts_at for one in mine if one.pk != _winner(run.results).pk)]
    )
    assert OutboxMessage.objects.filter(kind="scheduling.change").count() == 1


def test_two_who_swap_times_both_stay_where_they_are(tenant: Tenant) -> None:
    service = make_service(tenant)
    one = make_booking(service, start=morning(2)).appointment
    other = make_booking(service, start=morning(3)).appointment

    run = race(
        [
            partial(bookings.reschedule, one, start=morning(3), by=None, at=NOW),
            partial(bookings.reschedule, other, start=morning(2), by=None, at=NOW),
        ]
    )

    assert run.kinds() == {"SlotTaken": 2}
    assert list(Appointment.objects.values_list("starts_at", flat=True)) == [morning(2), morning(3)]


def test_one_appointment_moved_by_many_ends_at_one_of_their_times(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2)
    one = make_booking(service, start=morning(2)).appointment

    run = race([partial(bookings.reschedule, one, start=morning(3 + n), by=None, at=NOW) for n in range(10)])

    one.refresh_from_db()
    assert run.kinds() == {"Appointment": 10}
    assert one.sequence == 10
    assert one.version == 11
    assert one.allocations.live().get().blocked_start == one.starts_at


def test_cancelling_and_moving_at_once_leaves_one_truth(tenant: Tenant) -> None:
    service = make_service(tenant)
    one = make_booking(service, start=morning(3)).appointment

    race(
        [
            partial(bookings.cancel, one, reason="", by=None, at=NOW),
            partial(bookings.reschedule, one, start=morning(4), by=None, at=NOW),
        ]
    )

    one.refresh_from_db()
    assert one.status == "cancelled"
    assert not one.allocations.live().exists()


def test_confirming_and_expiring_at_once_leaves_one_truth(tenant: Tenant) -> None:
    service = make_service(tenant)
    for day in range(1, 9):
        held = make_hold(service, start=morning(day))
        until = held.hold_expires_at
        assert until is not None

        run = race(
            [
                partial(
                    make_booking, service, start=morning(day), hold=held.hold_token, at=until - timedelta(seconds=1)
                ),
                partial(bookings.release_expired, at=until),
                partial(make_booking, service, start=morning(day), at=until),
            ]
        )

        booked = [result.appointment for result in run.results if isinstance(result, bookings.Booked)]
        assert len(booked) == 1, run.results
        assert Allocation.objects.live().filter(blocked_start=morning(day)).get().appointment == booked[0]
    assert live_overlaps() == []


def test_a_row_written_past_the_verbs_is_refused_by_the_database(tenant: Tenant) -> None:
    service = make_service(tenant)
    make_booking(service, start=morning())
    second = make_booking(service, start=morning(2)).appointment
    cancelled = make_booking(service, start=morning(3)).appointment
    bookings.cancel(cancelled, reason="", by=None, at=NOW)

    def write(first: datetime, last: datetime) -> None:
        with transaction.atomic():
            Allocation.objects.create(
                appointment=cancelled,
                bookable=providers_of(service)[0],
                blocked_start=first,
                blocked_end=last,
                state="confirmed",
            )

    with pytest.raises(IntegrityError) as overlap:
        write(morning() + timedelta(minutes=59), morning() + timedelta(minutes=90))
    assert guards.is_overlap(overlap.value)
    with pytest.raises(IntegrityError):
        write(morning(4), morning(4))
    with pytest.raises(IntegrityError):
        write(morning(4), morning(11) + timedelta(minutes=1))
    with pytest.raises(IntegrityError), transaction.atomic():
        Allocation.objects.filter(appointment=second).update(blocked_start=morning(), blocked_end=morning(1, "11:00"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Allocation.objects.filter(appointment=second).update(state="released")  # without saying when
    write(morning(4), morning(11))


def test_a_released_row_can_not_come_back_over_another(tenant: Tenant) -> None:
    service = make_service(tenant)
    first = make_booking(service, start=morning(2)).appointment
    bookings.cancel(first, reason="", by=None, at=NOW)
    make_booking(service, start=morning(2))

    with pytest.raises(IntegrityError), transaction.atomic():
        Allocation.objects.filter(appointment=first).update(state="confirmed", released_at=None)


def test_times_that_only_touch_are_no_overlap(tenant: Tenant) -> None:
    service = make_service(tenant)

    make_booking(service, start=morning(1, "10:00"))
    make_booking(service, start=morning(1, "11:00"))

    assert Allocation.objects.live().count() == 2


def test_the_constraint_alone_turns_a_race_into_a_refusal(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes between our look and our insert without taking the lock: the constraint speaks, as SlotTaken."""
    service = make_service(tenant, providers=1)
    make_booking(service, start=morning())
    monkeypatch.setattr("scheduling.openings.busy", lambda *args, **kwargs: {})

    with pytest.raises(SlotTaken):
        make_booking(service, start=morning())

    assert Appointment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_guard_that_was_removed_is_noticed_and_put_back(tenant: Tenant) -> None:
    assert guards.missing() == [] and audit_guards.missing() == []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {guards.TABLE} DROP CONSTRAINT {guards.OVERLAP}")
        else:
            cursor.execute(f"DROP TRIGGER {guards.OVERLAP}_insert")

    assert guards.missing() + audit_guards.missing() == [
        guards.OVERLAP if connection.vendor == "postgresql" else f"{guards.OVERLAP}_insert"
    ]

    guards.install()
    audit_guards.install()
    assert guards.missing() == [] and audit_guards.missing() == []


def _winner(results: list[Any]) -> Appointment:
    return next(result for result in results if isinstance(result, Appointment))
