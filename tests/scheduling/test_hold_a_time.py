"""A time is kept for a visitor while they fill in the form."""

from datetime import timedelta

import pytest

from accounts.models import Tenant
from audit.models import Event, OutboxMessage
from scheduling import bookings, conf
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import NOW, VERA, make_booking, make_hold, make_service, morning, providers_of

pytestmark = pytest.mark.django_db


def test_it_is_kept_for_a_few_minutes_without_a_name_a_link_or_a_message(tenant: Tenant) -> None:
    held = make_hold(make_service(tenant), start=morning())

    held.refresh_from_db()
    assert (held.status, held.customer, held.manage_hash) == ("held", None, None)
    assert held.hold_expires_at == NOW + conf.HOLD_FOR
    allocation = held.allocations.get()
    assert (allocation.state, allocation.expires_at) == ("held", held.hold_expires_at)
    assert list(Event.objects.filter(action__startswith="scheduling.app").values_list("action", flat=True)) == [
        "scheduling.appointment.held"
    ]
    assert not OutboxMessage.objects.exists()
    assert not Appointment.objects.by_token(held.manage_token() or "nothing").exists()


def test_nobody_else_can_have_it_meanwhile(tenant: Tenant) -> None:
    service = make_service(tenant)
    make_hold(service, start=morning())

    with pytest.raises(bookings.SlotTaken):
        make_hold(service, start=morning())
    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=morning())
    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=morning(), hold="a guess")


def test_its_token_books_it(tenant: Tenant) -> None:
    service = make_service(tenant, minimum_notice_minutes=0)
    held = make_hold(service, start=morning())

    booked = make_booking(service, start=morning(), hold=held.hold_token)

    assert (booked.appointment.pk, booked.is_new) == (held.pk, True)
    booked.appointment.refresh_from_db()
    assert (booked.appointment.status, booked.appointment.hold_hash, booked.appointment.hold_expires_at) == (
        "confirmed",
        None,
        None,
    )
    assert booked.appointment.allocations.get().state == "confirmed"
    assert Appointment.objects.by_token(booked.token).get() == booked.appointment
    assert OutboxMessage.objects.get().kind == "scheduling.confirmation"


def test_looking_again_does_not_make_it_last_longer(tenant: Tenant) -> None:
    service = make_service(tenant)
    held = make_hold(service, start=morning())

    again = make_hold(service, start=morning(), token=held.hold_token, at=NOW + timedelta(minutes=5))

    assert (again.pk, again.hold_token, again.hold_expires_at) == (held.pk, held.hold_token, NOW + conf.HOLD_FOR)


def test_a_visitor_has_one_hold_and_moves_it(tenant: Tenant) -> None:
    service, other = make_service(tenant), make_service(tenant)
    held = make_hold(service, start=morning())

    moved = make_hold(service, start=morning(2), token=held.hold_token)
    elsewhere = make_hold(other, start=morning(), token=moved.hold_token)

    assert (moved.pk, moved.hold_token) == (held.pk, held.hold_token)
    assert elsewhere.pk != held.pk
    assert Allocation.objects.live().get().appointment == elsewhere
    assert make_booking(service, start=morning()).is_new


def test_the_old_time_stays_if_the_new_one_is_taken(tenant: Tenant) -> None:
    service, other = make_service(tenant), make_service(tenant)
    make_booking(service, start=morning(2))
    make_booking(other, start=morning(2))
    held = make_hold(service, start=morning())

    for wanted in (service, other):
        with pytest.raises(bookings.SlotTaken):
            make_hold(wanted, start=morning(2), token=held.hold_token)

    held.refresh_from_db()
    assert (held.status, held.starts_at) == ("held", morning())


def test_booking_another_time_than_the_one_held_lets_it_go(tenant: Tenant) -> None:
    service = make_service(tenant, step_minutes=30)
    held = make_hold(service, start=morning())

    booked = make_booking(service, start=morning(1, "10:30"), hold=held.hold_token)

    assert booked.appointment.starts_at == morning(1, "10:30")
    held.refresh_from_db()
    assert (held.status, Allocation.objects.live().count()) == ("expired", 1)


def test_when_it_has_run_out_the_form_still_books_if_the_time_is_free(tenant: Tenant) -> None:
    service = make_service(tenant)
    held = make_hold(service, start=morning())
    later = NOW + conf.HOLD_FOR

    booked = make_booking(service, start=morning(), hold=held.hold_token, at=later)

    assert booked.appointment.pk != held.pk
    held.refresh_from_db()
    assert held.status == "expired"


def test_when_it_has_run_out_and_somebody_was_quicker_the_form_is_refused(tenant: Tenant) -> None:
    service = make_service(tenant)
    held = make_hold(service, start=morning())
    later = NOW + conf.HOLD_FOR
    make_booking(service, start=morning(), at=later)

    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=morning(), hold=held.hold_token, at=later)


def test_confirming_a_hold(tenant: Tenant) -> None:
    held = make_hold(make_service(tenant), start=morning())

    confirmed = bookings.confirm(held, customer=VERA, zone="Europe/Madrid", by=None, at=NOW)

    assert (confirmed.status, confirmed.customer.name) == ("confirmed", VERA.name)
    assert OutboxMessage.objects.get().kind == "scheduling.confirmation"
    with pytest.raises(bookings.AlreadyOver):
        bookings.confirm(held, customer=VERA, by=None, at=NOW)


def test_a_run_out_hold_can_not_be_confirmed(tenant: Tenant) -> None:
    held = make_hold(make_service(tenant), start=morning())

    with pytest.raises(bookings.HoldExpired):
        bookings.confirm(held, customer=VERA, by=None, at=NOW + conf.HOLD_FOR)
    bookings.release_expired(at=NOW + conf.HOLD_FOR)
    with pytest.raises(bookings.HoldExpired):
        bookings.confirm(held, customer=VERA, by=None, at=NOW)


def test_a_hold_for_somebody_is_booked_with_them(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2)
    _ana, ben = providers_of(service)
    held = make_hold(service, start=morning(), with_id=ben.pk)

    booked = make_booking(service, start=morning(), with_id=ben.pk, hold=held.hold_token)

    assert (booked.appointment.pk, booked.appointment.allocations.get().bookable) == (held.pk, ben)


def test_the_token_is_not_in_the_database(tenant: Tenant) -> None:
    held = make_hold(make_service(tenant), start=morning())
    row = Appointment.objects.filter(pk=held.pk).values().get()
    assert held.hold_token and held.hold_token not in repr(row)
