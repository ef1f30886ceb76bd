"""Making a booking: hold a time while the form is filled in, book it, confirm a hold."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction

from audit import ledger, outbox
from governance import people
from governance.models import Person
from scheduling import conf, links
from scheduling.bookings.choosing import check_times, take
from scheduling.bookings.expiring import let_go
from scheduling.bookings.locking import lock_appointment, own_transaction, tried_again
from scheduling.bookings.moving import move
from scheduling.bookings.refusals import AlreadyOver, DifferentBody, HoldExpired
from scheduling.models import Allocation, Appointment, IdempotencyKey, Service, ServiceBookable

Status = Appointment.Status


class Customer(NamedTuple):
    """What somebody typed about themselves; `locale` is a language tag, empty for the tenant's."""

    name: str
    email: str
    phone: str = ""
    locale: str = ""


class Booked(NamedTuple):
    """The answer to a booking: `token` opens the manage link; `is_new` is false for a request sent before."""

    appointment: Appointment
    token: str
    is_new: bool


@tried_again
def hold(
    service: Service,
    *,
    start: datetime,
    with_id: UUID | None = None,
    by: Any,
    at: datetime,
    token: str = "",
    override: str = "",
) -> Appointment:
    """Keep a time for a visitor who fills in the form. Their next hold with the same `token` moves it.

    The answer's `hold_token` is what the visitor shows to `book`; it is the given `token`, or a new one if that is not
    (or no more) a hold. Refuses with `SlotTaken`, `TooSoon`, `OutsideWindow`, `NotAnOpening`, `NotAllowed`, `Crowded`.
    """
    check_times(service, start=start, at=at, by=by, override=override)
    with own_transaction(service, start=start, with_id=with_id, at=at):
        earlier = _hold_of(token, at=at)
        if earlier is not None and earlier.service_id == service.pk:
            held = _keep_hold(earlier, start=start, with_id=with_id, at=at, any_hours=bool(override))
        else:
            if earlier is not None:
                let_go(earlier, at=at)
            held = _new_hold(service, start=start, with_id=with_id, at=at, any_hours=bool(override))
            token = secrets.token_urlsafe(16)
            Appointment.objects.filter(pk=held.pk).update(hold_hash=links.digest(token))
            held.hold_hash = links.digest(token)
    held.hold_token = token
    return held


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
    with own_transaction(service, start=start, with_id=with_id, at=at):
        key, earlier = _first_time(request_id, body_hash, at=at)
        if earlier is not None:
            return Booked(earlier, earlier.manage_token(), False)
        person = _person(customer, zone=zone, at=at)
        held = _hold_of(hold, at=at)
        if held is not None and _is_for(held, service, start, with_id):
            appointment = _settle(lock_appointment(held), person, note=note, zone=zone, at=at)
        else:
            check_times(service, start=start, at=at, by=by, override=override)
            if held is not None:
                let_go(held, at=at)
            appointment = _new(
                service, person, note, zone, start=start, with_id=with_id, at=at, any_hours=bool(override)
            )
        if key is not None:
            key.appointment = appointment
            key.save(update_fields=["appointment"])
        _tell(appointment, "scheduling.appointment.booked", before=None, why=override)
    return Booked(appointment, appointment.manage_token(), True)


@tried_again
def confirm(
    appointment: Appointment, *, customer: Customer | Person, note: str = "", zone: str = "", by: Any, at: datetime
) -> Appointment:
    """Turn a hold into a booking for a customer. Refuses with `HoldExpired`, and `AlreadyOver` for what is no hold."""
    with transaction.atomic():
        person = _person(customer, zone=zone, at=at)
        settled = _settle(lock_appointment(appointment), person, note=note, zone=zone, at=at)
        _tell(settled, "scheduling.appointment.confirmed", before=Status.HELD)
    return settled


def _first_time(request_id: str, body_hash: str, *, at: datetime) -> tuple[IdempotencyKey | None, Appointment | None]:
    """Claim the request's key; the same key at the same moment waits here. Refuses with `DifferentBody`."""
    if not request_id:
        return None, None
    key = sha256(request_id.encode("utf-8", "replace")).hexdigest()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(key=key, body_hash=body_hash, created_at=at), None
    except IntegrityError:
        known = IdempotencyKey.objects.select_related("appointment__service").filter(key=key).first()
        if known is None or known.appointment is None:
            raise
    if not secrets.compare_digest(known.body_hash, body_hash):
        raise DifferentBody
    return None, known.appointment


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


def _hold_of(token: str, *, at: datetime) -> Appointment | None:
    """The live hold this token opens."""
    found = Appointment.objects.by_hold(token).select_related("service").first() if token else None
    return None if found is None or found.hold_is_over(at=at) else found


def _is_for(held: Appointment, service: Service, start: datetime, with_id: UUID | None) -> bool:
    return (held.service_id, held.starts_at, held.asked_for_id) == (service.pk, start, with_id)


def _keep_hold(
    earlier: Appointment, *, start: datetime, with_id: UUID | None, at: datetime, any_hours: bool
) -> Appointment:
    """The same hold, at the same or another time; the old time stays theirs if the new one cannot be had."""
    until = at + conf.HOLD_FOR
    if _is_for(earlier, earlier.service, start, with_id):
        return earlier  # looking again does not make it last longer
    moved, before = move(
        earlier, start=start, with_id=with_id, at=at, still=_is_held, any_hours=any_hours, hold_until=until
    )
    ledger.record("scheduling.appointment.hold_moved", moved, changes={"starts_at": [before, moved.starts_at]})
    return moved


def _new_hold(service: Service, *, start: datetime, with_id: UUID | None, at: datetime, any_hours: bool) -> Appointment:
    until = at + conf.HOLD_FOR
    held = take(
        service,
        lambda chosen: _insert(service, chosen, start, with_id, at=at, status=Status.HELD, hold_expires_at=until),
        start=start,
        with_id=with_id,
        at=at,
        any_hours=any_hours,
    )
    ledger.record("scheduling.appointment.held", held, changes=_facts(held, None))
    return held


def _new(
    service: Service,
    person: Person,
    note: str,
    zone: str,
    *,
    start: datetime,
    with_id: UUID | None,
    at: datetime,
    any_hours: bool,
) -> Appointment:
    settled = {"status": Status.CONFIRMED, "customer": person, "note": note, "confirmed_at": at}
    return take(
        service,
        lambda chosen: _insert(service, chosen, start, with_id, at=at, display_zone=zone or "UTC", **settled),
        start=start,
        with_id=with_id,
        at=at,
        any_hours=any_hours,
    )


def _insert(
    service: Service, chosen: list[UUID], start: datetime, with_id: UUID | None, *, at: datetime, **fields: Any
) -> Appointment:
    """The appointment, its allocations, and whose turn it was."""
    appointment = Appointment(
        service=service,
        asked_for_id=with_id,
        starts_at=start,
        ends_at=start + service.duration,
        created_at=at,
        **fields,
    )
    if appointment.status == Status.CONFIRMED:
        appointment.manage_hash = links.digest(links.token(appointment.pk, appointment.manage_generation))
    appointment.save(force_insert=True)
    Allocation.objects.bulk_create(
        Allocation(
            appointment=appointment,
            bookable_id=bookable_id,
            blocked_start=start - service.buffer_before,
            blocked_end=appointment.ends_at + service.buffer_after,
            state=appointment.status,
            expires_at=appointment.hold_expires_at,
        )
        for bookable_id in chosen
    )
    if service.assignment == Service.Assignment.ROUND_ROBIN:
        ServiceBookable.objects.filter(service=service, bookable_id__in=chosen).update(last_assigned_at=at)
    return appointment


def _is_held(held: Appointment) -> None:
    """Refuses with `HoldExpired` what was let go, and with `AlreadyOver` what is no hold any more."""
    if held.status == Status.EXPIRED:
        raise HoldExpired
    if held.status != Status.HELD:
        raise AlreadyOver


def _settle(held: Appointment, person: Person, *, note: str, zone: str, at: datetime) -> Appointment:
    """A locked hold becomes a confirmed appointment."""
    _is_held(held)
    if held.hold_is_over(at=at):
        raise HoldExpired
    held.status, held.customer, held.confirmed_at = Status.CONFIRMED, person, at
    held.note, held.display_zone = note, zone or "UTC"
    held.hold_expires_at = held.hold_hash = None
    held.version += 1
    held.manage_hash = links.digest(links.token(held.pk, held.manage_generation))
    held.save()
    Allocation.objects.filter(appointment=held).live().update(state=Allocation.State.CONFIRMED, expires_at=None)
    return held


def _facts(appointment: Appointment, before: str | None) -> dict[str, list[Any]]:
    return {
        "status": [before, appointment.status],
        "service": [None, str(appointment.service_id)],
        "starts_at": [None, appointment.starts_at],
        "ends_at": [None, appointment.ends_at],
    }


def _tell(appointment: Appointment, action: str, *, before: str | None, why: str = "") -> None:
    """The ledger entry and the confirmation of a new booking, in the same transaction."""
    person: Any = appointment.customer
    changes: dict[str, Any] = _facts(appointment, before)
    if why:
        changes["override"] = [None, ledger.Personal(person, why)]
    ledger.record(action, appointment, changes=changes, people=[person])
    outbox.post(
        "scheduling.confirmation",
        about=appointment,
        key=f"{appointment.pk}:{appointment.version}",
        payload={"version": appointment.version, "sequence": appointment.sequence},
    )
