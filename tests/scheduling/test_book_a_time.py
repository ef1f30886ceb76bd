"""A visitor books a time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant, User
from audit.models import Event, OutboxMessage
from governance import tenancy
from governance.models import Person
from scheduling import bookings
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import VERA, make_booking, make_hold, make_service, morning, providers_of

pytestmark = pytest.mark.django_db


def test_it_stands_with_its_time_its_link_its_entry_and_its_message(tenant: Tenant) -> None:
    service = make_service(tenant, buffer_before_minutes=15, buffer_after_minutes=10)
    ana = providers_of(service)[0]

    booked = make_booking(service, start=morning(), note="A window seat, please.")

    appointment = Appointment.objects.by_token(booked.token).get()
    assert (appointment.status, appointment.starts_at, appointment.ends_at) == (
        "confirmed",
        morning(),
        morning() + timedelta(hours=1),
    )
    assert (appointment.customer.name, appointment.customer.email) == (VERA.name, VERA.email)
    assert (appointment.note, appointment.display_zone, appointment.sequence) == (
        "A window seat, please.",
        "Europe/Madrid",
        0,
    )
    taken = Allocation.objects.get(appointment=appointment)
    assert (taken.bookable, taken.state) == (ana, "confirmed")
    assert (taken.blocked_start, taken.blocked_end) == (
        morning() - timedelta(minutes=15),
        morning() + timedelta(hours=1, minutes=10),
    )
    entry = Event.objects.get(action="scheduling.appointment.booked")
    assert entry.object_id == str(appointment.pk)
    message = OutboxMessage.objects.get()
    assert (message.kind, message.about_id, message.payload) == (
        "scheduling.confirmation",
        str(appointment.pk),
        {"version": 1, "sequence": 0},
    )


def test_a_taken_time_is_refused_with_the_five_nearest(tenant: Tenant) -> None:
    service = make_service(tenant)
    make_booking(service, start=morning())

    with pytest.raises(bookings.SlotTaken) as refusal:
        make_booking(service, start=morning())

    assert [opening.start for opening in refusal.value.nearest] == [
        morning(1, clock) for clock in ("09:00", "11:00", "12:00", "13:00", "14:00")
    ]
    assert Person.objects.count() == Appointment.objects.count() == 1


def test_the_nearest_are_with_the_one_who_was_asked_for(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2)
    ana, _ben = providers_of(service)
    make_booking(service, start=morning(), with_id=ana.pk)

    with pytest.raises(bookings.SlotTaken) as refusal:
        make_booking(service, start=morning(), with_id=ana.pk)

    assert {opening.bookable_ids for opening in refusal.value.nearest} == {(ana.pk,)}


@pytest.mark.parametrize(
    ("start", "refusal"),
    [
        (morning(0, "09:30"), bookings.TooSoon),
        (morning(-3), bookings.TooSoon),
        (morning(31), bookings.OutsideWindow),
        (datetime.max.replace(tzinfo=UTC), bookings.OutsideWindow),
        (datetime.min.replace(tzinfo=UTC), bookings.TooSoon),
        (morning(1, "08:00"), bookings.NotAnOpening),
        (morning(1, "17:00"), bookings.NotAnOpening),
        (morning(1, "10:07"), bookings.NotAnOpening),
        (morning(1, "10:00:30"), bookings.NotAnOpening),
    ],
)
def test_what_is_no_opening_is_refused(tenant: Tenant, start: datetime, refusal: type[bookings.Refused]) -> None:
    service = make_service(tenant, minimum_notice_minutes=60, window_days=30)

    with pytest.raises(refusal):
        make_booking(service, start=start)
    with pytest.raises(refusal):
        make_hold(service, start=start)

    assert Appointment.objects.count() == 0


def test_a_zone_that_does_not_exist_is_refused(tenant: Tenant) -> None:
    with pytest.raises(ValidationError):
        make_booking(make_service(tenant), start=morning(), zone="Mars/Olympus")


def test_a_service_that_is_not_offered_is_for_staff_only(tenant: Tenant, receptionist: User) -> None:
    service = make_service(tenant, is_active=False)

    with pytest.raises(bookings.NotAnOpening):
        make_booking(service, start=morning())

    assert make_booking(service, start=morning(), by=receptionist).is_new


def test_staff_may_set_rules_aside_with_a_reason_and_the_right_to(
    tenant: Tenant, manager: User, receptionist: User
) -> None:
    service = make_service(tenant, minimum_notice_minutes=1440)
    at_night = morning(0, "23:07")

    with pytest.raises(bookings.NotAllowed):
        make_booking(service, start=at_night, by=receptionist, override="She insists.")
    with pytest.raises(bookings.NotAllowed):
        make_booking(service, start=at_night, override="I insist.")
    with pytest.raises(bookings.TooSoon):
        make_booking(service, start=at_night, by=manager)

    booked = make_booking(service, start=at_night, by=manager, override="An emergency.")

    assert booked.appointment.starts_at == at_night
    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=at_night + timedelta(minutes=59), by=manager, override="Another one.")
    with pytest.raises(bookings.TooSoon):
        make_booking(service, start=morning(-1), by=manager, override="Yesterday.")
    entry = Event.objects.get(action="scheduling.appointment.booked")
    assert b"An emergency." not in bytes(entry.body)


def test_somebody_known_is_booked_as_themselves(tenant: Tenant, receptionist: User) -> None:
    service = make_service(tenant)
    person = make_booking(service, start=morning()).appointment.customer

    again = make_booking(service, start=morning(2), customer=person, by=receptionist)

    assert again.appointment.customer == person
    assert Person.objects.count() == 1


def test_a_booking_costs_the_same_queries_with_one_provider_and_with_fifty(tenant: Tenant) -> None:
    counted = {}
    make_booking(make_service(tenant), start=morning())  # Vera and the keys are known from here on
    for providers in (1, 50):
        service = make_service(tenant, providers=providers)
        with CaptureQueriesContext(connection) as queries:
            make_booking(service, start=morning(), request_id=f"request {providers}")
        counted[providers] = len(queries)
    assert counted[1] == counted[50]


def test_another_tenants_bookings_are_out_of_sight(tenant: Tenant, second_tenant: Tenant) -> None:
    booked = make_booking(make_service(tenant), start=morning())

    with tenancy.within(second_tenant):
        assert list(Appointment.objects.by_token(booked.token)) == []
        assert Allocation.objects.count() == 0
