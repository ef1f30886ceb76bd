"""Moving, cancelling and closing a booking."""

from datetime import timedelta

import pytest

from accounts.models import Tenant, User
from audit.context import Actor
from audit.models import Event, OutboxMessage
from scheduling import bookings, policies
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import NOW, make_booking, make_service, morning, providers_of

pytestmark = pytest.mark.django_db

CUSTOMER = Actor("customer", "somebody")


def last_entry() -> Event:
    """What the ledger says happened last."""
    return Event.objects.order_by("-id")[0]


# --- reschedule -------------------------------------------------------------------------------------------------------
def test_moving_rewrites_the_same_rows(tenant: Tenant) -> None:
    service = make_service(tenant, buffer_before_minutes=10)
    booked = make_booking(service, start=morning(3)).appointment
    row = booked.allocations.get()

    moved = bookings.reschedule(booked, start=morning(4), by=CUSTOMER, at=NOW)

    assert (moved.pk, moved.starts_at, moved.ends_at) == (booked.pk, morning(4), morning(4, "11:00"))
    assert (moved.sequence, moved.version, moved.ical_uid) == (1, 2, booked.ical_uid)
    assert (Allocation.objects.get().pk, Allocation.objects.get().blocked_start) == (row.pk, morning(4, "09:50"))
    assert last_entry().action == "scheduling.appointment.rescheduled"
    message = OutboxMessage.objects.get(kind="scheduling.change")
    assert message.payload == {"version": 2, "sequence": 1, "previous_start": morning(3).isoformat()}
    assert make_booking(service, start=morning(3)).is_new


def test_moving_over_ones_own_old_time(tenant: Tenant) -> None:
    service = make_service(tenant, step_minutes=30)
    booked = make_booking(service, start=morning(3)).appointment

    assert bookings.reschedule(booked, start=morning(3, "10:30"), by=CUSTOMER, at=NOW).starts_at == morning(3, "10:30")


def test_moving_to_a_taken_time_changes_nothing(tenant: Tenant) -> None:
    service = make_service(tenant)
    booked = make_booking(service, start=morning(3)).appointment
    make_booking(service, start=morning(4))

    with pytest.raises(bookings.SlotTaken) as refusal:
        bookings.reschedule(booked, start=morning(4), by=CUSTOMER, at=NOW)

    booked.refresh_from_db()
    assert (booked.starts_at, booked.sequence, len(refusal.value.nearest)) == (morning(3), 0, 5)
    assert booked.allocations.get().blocked_start == morning(3)


def test_moving_to_the_same_time_is_nothing_new(tenant: Tenant) -> None:
    booked = make_booking(make_service(tenant), start=morning(3)).appointment
    assert bookings.reschedule(booked, start=morning(3), by=CUSTOMER, at=NOW).sequence == 0


def test_whoever_has_it_keeps_it_if_they_can(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2, rooms=2)
    ana, ben = providers_of(service)
    make_booking(service, start=morning(3))
    booked = make_booking(service, start=morning(3)).appointment  # with Ben
    room = booked.allocations.get(bookable__kind="room").bookable

    kept = bookings.reschedule(booked, start=morning(4), by=CUSTOMER, at=NOW)
    assert {row.bookable for row in kept.allocations.live()} == {ben, room}

    make_booking(service, start=morning(5), with_id=ben.pk)
    swapped = bookings.reschedule(booked, start=morning(5), by=CUSTOMER, at=NOW)
    assert ana in {row.bookable for row in swapped.allocations.live()}
    assert swapped.allocations.count() == 2


def test_somebody_who_was_asked_for_is_not_swapped_unless_asked(tenant: Tenant) -> None:
    service = make_service(tenant, providers=2)
    ana, ben = providers_of(service)
    booked = make_booking(service, start=morning(3), with_id=ana.pk).appointment
    make_booking(service, start=morning(4), with_id=ana.pk)

    with pytest.raises(bookings.SlotTaken):
        bookings.reschedule(booked, start=morning(4), by=CUSTOMER, at=NOW)

    moved = bookings.reschedule(booked, start=morning(4), with_id=ben.pk, by=CUSTOMER, at=NOW)
    assert (moved.asked_for, moved.allocations.live().get().bookable) == (ben, ben)


def test_moving_asks_what_booking_asks(tenant: Tenant) -> None:
    service = make_service(tenant, minimum_notice_minutes=60, window_days=30)
    booked = make_booking(service, start=morning(3)).appointment

    for start, refusal in (
        (morning(0, "09:30"), bookings.TooSoon),
        (morning(40), bookings.OutsideWindow),
        (morning(4, "03:00"), bookings.NotAnOpening),
    ):
        with pytest.raises(refusal):
            bookings.reschedule(booked, start=start, by=CUSTOMER, at=NOW)


def test_inside_the_notice_only_staff_move_it_and_say_why(tenant: Tenant, manager: User, receptionist: User) -> None:
    service = make_service(tenant, reschedule_notice_minutes=1440)
    booked = make_booking(service, start=morning(1)).appointment
    inside = morning(0, "10:01")

    for by in (CUSTOMER, receptionist):
        with pytest.raises(bookings.TooLate):
            bookings.reschedule(booked, start=morning(2), by=by, at=inside)
    with pytest.raises(bookings.ReasonMissing):
        bookings.reschedule(booked, start=morning(2), by=manager, at=inside)

    moved = bookings.reschedule(booked, start=morning(2), by=manager, at=inside, override="The train was late.")
    assert moved.starts_at == morning(2)
    assert not policies.may_reschedule(CUSTOMER, booked, at=inside)
    assert policies.may_reschedule(manager, booked, at=inside)


# --- cancel -----------------------------------------------------------------------------------------------------------
def test_cancelling_gives_the_time_back_and_tells_everybody(tenant: Tenant) -> None:
    service = make_service(tenant)
    booked = make_booking(service, start=morning(3)).appointment

    cancelled = bookings.cancel(booked, reason="I have a cold.", by=CUSTOMER, at=NOW)

    cancelled.refresh_from_db()
    assert (cancelled.status, cancelled.sequence, cancelled.close_reason) == ("cancelled", 1, "I have a cold.")
    assert cancelled.allocations.get().state == "released"
    assert last_entry().action == "scheduling.appointment.cancelled"
    assert b"cold" not in bytes(last_entry().body)
    assert OutboxMessage.objects.get(kind="scheduling.cancellation").about_id == str(booked.pk)
    assert make_booking(service, start=morning(3)).is_new


def test_cancelling_twice_or_when_it_is_over_is_refused(tenant: Tenant) -> None:
    booked = make_booking(make_service(tenant), start=morning(3)).appointment
    other = make_booking(make_service(tenant), start=morning(3)).appointment
    bookings.cancel(booked, reason="", by=CUSTOMER, at=NOW)

    with pytest.raises(bookings.AlreadyOver):
        bookings.cancel(booked, reason="", by=CUSTOMER, at=NOW)
    with pytest.raises(bookings.AlreadyOver):
        bookings.reschedule(booked, start=morning(4), by=CUSTOMER, at=NOW)
    with pytest.raises(bookings.AlreadyOver):
        bookings.cancel(other, reason="", by=CUSTOMER, at=morning(3, "11:00"))
    assert OutboxMessage.objects.filter(kind="scheduling.cancellation").count() == 1


def test_inside_the_notice_only_staff_cancel_it_and_say_why(tenant: Tenant, manager: User, receptionist: User) -> None:
    booked = make_booking(make_service(tenant, cancel_notice_minutes=60), start=morning(1)).appointment
    inside = morning(1, "09:01")

    for by in (CUSTOMER, receptionist):
        with pytest.raises(bookings.TooLate):
            bookings.cancel(booked, reason="Please.", by=by, at=inside)
    with pytest.raises(bookings.ReasonMissing):
        bookings.cancel(booked, reason=" ", by=manager, at=inside)
    assert not policies.may_cancel(CUSTOMER, booked, at=inside)

    assert bookings.cancel(booked, reason="Burst pipe.", by=manager, at=inside).status == "cancelled"


def test_the_last_moment_of_the_notice_is_still_in_time(tenant: Tenant) -> None:
    booked = make_booking(make_service(tenant, cancel_notice_minutes=60), start=morning(1)).appointment
    assert bookings.cancel(booked, reason="", by=CUSTOMER, at=morning(1, "09:00")).status == "cancelled"


# --- complete, no-show ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("verb", [bookings.complete, bookings.mark_no_show])
def test_how_it_ended_can_be_said_once_it_has_begun_and_once(tenant: Tenant, receptionist: User, verb) -> None:  # type: ignore[no-untyped-def]
    booked = make_booking(make_service(tenant), start=morning(1)).appointment

    with pytest.raises(bookings.NotYet):
        verb(booked, by=receptionist, at=morning(1) - timedelta(seconds=1))
    closed = verb(booked, by=receptionist, at=morning(1))

    assert closed.status == {bookings.complete: "completed", bookings.mark_no_show: "no_show"}[verb]
    assert last_entry().action == f"scheduling.appointment.{closed.status}"
    assert closed.allocations.get().state == "confirmed"  # the time was used
    with pytest.raises(bookings.AlreadyOver):
        verb(booked, by=receptionist, at=morning(1))
    assert policies.may_close(receptionist, Appointment(status="confirmed", starts_at=morning(1)), at=morning(1))
    assert not policies.may_close(CUSTOMER, Appointment(status="confirmed", starts_at=morning(1)), at=morning(1))


# --- the manage link --------------------------------------------------------------------------------------------------
def test_the_database_knows_no_link_that_opens_anything(tenant: Tenant) -> None:
    booked = make_booking(make_service(tenant), start=morning())
    row = repr(Appointment.objects.filter(pk=booked.appointment.pk).values().get())
    messages = repr(list(OutboxMessage.objects.values()))

    assert len(booked.token) == 22
    assert booked.token not in row + messages
    assert booked.appointment.manage_token() == booked.token
    assert not Appointment.objects.by_token(booked.appointment.manage_hash).exists()


def test_a_new_link_retires_the_old_one(tenant: Tenant) -> None:
    booked = make_booking(make_service(tenant), start=morning())

    token = bookings.renew_link(booked.appointment, by=None, at=NOW)

    assert Appointment.objects.by_token(token).get().manage_token() == token
    assert not Appointment.objects.by_token(booked.token).exists()
    assert last_entry().action == "scheduling.appointment.link_renewed"


def test_a_replaced_key_keeps_old_links_working_while_it_is_a_fallback(tenant: Tenant, settings) -> None:  # type: ignore[no-untyped-def]
    booked = make_booking(make_service(tenant), start=morning())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret"

    assert booked.appointment.manage_token() == booked.token

    settings.SECRET_KEY_FALLBACKS = []
    assert booked.appointment.manage_token() == ""
    assert Appointment.objects.by_token(booked.token).exists()
