"""Making a booking: book a time, or confirm a hold."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from audit import ledger, outbox
from governance import people
from governance.fields import uuid7
from governance.models import Person
from scheduling import links, walltime
from scheduling.bookings.choosing import Choice, check_times, look, take
from scheduling.bookings.expiring import let_go
from scheduling.bookings.holding import check_held, hold_of, is_for
from scheduling.bookings.inserting import facts, insert
from scheduling.bookings.locking import Moved, lock_appointment, taken_is_refused, tried_again
from scheduling.bookings.refusals import HoldExpired, Refused
from scheduling.bookings.requests import Booked, Request
from scheduling.models import Allocation, Appointment, Service

Status = Appointment.Status


class Customer(NamedTuple):
    """What somebody typed about themselves; `locale` is a language tag, empty for the tenant's."""

    name: str
    email: str
    phone: str = ""
    locale: str = ""


@tried_again
def book(
    service: Service,
    *,
    start: datetime,
    with_id: UUID | None,
    customer: Customer | Person,
    note: str,
    zone: str,
    request_id: str,
    body_hash: str,
    by: Any,
    at: datetime,
    hold: str = "",
    override: str = "",
) -> Booked:
    """Book a time for a customer; a live `hold` (its token) is used up. The same request again gives the same answer.

    With an `override` reason and the right to it, notice, window and opening hours are set aside; taken stays taken.
    Refuses with `SlotTaken`, `TooSoon`, `OutsideWindow`, `NotAnOpening`, `DifferentBody`, `NotAllowed`, `Crowded`.
    """
    if zone:
        walltime.check_zone(zone)
    request = Request.of(request_id, body_hash)
    details: dict[str, Any] = {"customer": customer, "note": note, "zone": zone, "at": at}
    try:
        with taken_is_refused(service, start=start, with_id=with_id, at=at):
            held = hold_of(hold, at=at)
            if held is not None and is_for(held, service, start, with_id):
                return _book_hold(held, request, override, **details)  # what was looked at when it was held
            check_times(service, start=start, at=at, by=by, override=override)
            choice = look(service, start=start, with_id=with_id, at=at, any_hours=bool(override), besides=held)
            return _book_choice(choice, held, request, override, **details)
    except Refused:
        if (answered := request.answer()) is None:
            raise
        return answered


@tried_again
def confirm(
    appointment: Appointment, *, customer: Customer | Person, note: str = "", zone: str = "", by: Any, at: datetime
) -> Appointment:
    """Turn a hold into a booking for a customer. Refuses with `HoldExpired`, and `AlreadyOver` for what is no hold."""
    if zone:
        walltime.check_zone(zone)
    with transaction.atomic():
        settled = _settle(lock_appointment(appointment), customer=customer, note=note, zone=zone, at=at)
        _tell(settled, "scheduling.appointment.confirmed", before=Status.HELD)
    return settled


def _book_hold(held: Appointment, request: Request, why: str, *, at: datetime, **details: Any) -> Booked:
    with transaction.atomic():
        if (answered := request.claim(held.pk, at=at)) is not None:
            return answered
        fresh = lock_appointment(held)
        if fresh.status != Status.HELD or not is_for(fresh, held.service, held.starts_at, held.asked_for_id):
            raise Moved  # in another tab, or run out this moment: begin again without it
        appointment = _settle(fresh, at=at, **details)
        return _booked(appointment, why)


def _book_choice(
    choice: Choice, held: Appointment | None, request: Request, why: str, *, at: datetime, **details: Any
) -> Booked:
    own_id = uuid7()
    with transaction.atomic():
        if (answered := request.claim(own_id, at=at)) is not None:
            return answered

        def keep(chosen: list[UUID]) -> Appointment:
            if held is not None:
                let_go(held, at=at)
            return _insert_confirmed(choice, chosen, at=at, id=own_id, **details)

        return _booked(take(choice, keep), why)


def _booked(appointment: Appointment, why: str) -> Booked:
    _tell(appointment, "scheduling.appointment.booked", before=None, why=why)
    return Booked(appointment, appointment.manage_token(), True)


def _person(customer: Customer | Person, *, zone: str, at: datetime) -> Person:
    if isinstance(customer, Person):
        return customer
    return people.recognise(
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
        locale=customer.locale,
        time_zone=zone,
        at=at,
    )


def _insert_confirmed(
    choice: Choice, chosen: list[UUID], *, id: UUID, customer: Customer | Person, note: str, zone: str, at: datetime
) -> Appointment:
    person = _person(customer, zone=zone, at=at)
    settled = {"id": id, "status": Status.CONFIRMED, "customer": person, "note": note, "confirmed_at": at}
    return insert(choice, chosen, at=at, display_zone=zone or "UTC", **settled)


def _settle(held: Appointment, *, customer: Customer | Person, note: str, zone: str, at: datetime) -> Appointment:
    """A locked hold becomes a confirmed appointment."""
    check_held(held)
    if held.hold_is_over(at=at):
        raise HoldExpired
    held.customer = _person(customer, zone=zone, at=at)
    held.status, held.confirmed_at = Status.CONFIRMED, at
    held.note, held.display_zone = note, zone or "UTC"
    held.hold_expires_at = held.hold_hash = None
    held.version += 1
    held.manage_hash = links.digest(links.token(held.pk, held.manage_generation))
    held.save()
    Allocation.objects.filter(appointment=held).live().update(state=Allocation.State.CONFIRMED, expires_at=None)
    return held


def _tell(appointment: Appointment, action: str, *, before: str | None, why: str = "") -> None:
    """The ledger entry and the confirmation of a new booking, in the same transaction."""
    person: Any = appointment.customer
    changes: dict[str, Any] = facts(appointment, before)
    if why:
        changes["override"] = [None, ledger.Personal(person, why)]
    ledger.record(action, appointment, changes=changes, people=[person])
    outbox.post(
        "scheduling.confirmation",
        about=appointment,
        key=f"{appointment.pk}:{appointment.version}",
        payload={"version": appointment.version, "sequence": appointment.sequence},
    )
