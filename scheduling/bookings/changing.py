"""Changing a booking: reschedule, cancel, complete, mark_no_show, renew the manage link."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit import ledger, outbox
from scheduling import links, policies
from scheduling.bookings.choosing import check_times
from scheduling.bookings.expiring import release
from scheduling.bookings.locking import lock_appointment, taken_is_refused, tried_again
from scheduling.bookings.moving import move
from scheduling.bookings.refusals import AlreadyOver, NotYet, ReasonMissing, TooLate
from scheduling.models import Appointment

Status = Appointment.Status


@tried_again
def reschedule(
    appointment: Appointment,
    *,
    start: datetime,
    by: Any,
    at: datetime,
    with_id: UUID | None = None,
    override: str = "",
) -> Appointment:
    """Move a confirmed appointment; with the one asked for, unless `with_id` names another. The old time stays if this
    fails. Refuses with `SlotTaken`, `TooLate`, `AlreadyOver`, `TooSoon`, `OutsideWindow`, `NotAnOpening`, `NotAllowed`.
    """
    appointment = Appointment.objects.select_related("service").get(pk=appointment.pk)
    service, wanted = appointment.service, with_id or appointment.asked_for_id

    def still(fresh: Appointment) -> None:
        _check_open(fresh, at=at)
        _check_notice(fresh, service.reschedule_notice_minutes, by=by, at=at, reason=override)

    still(appointment)
    check_times(service, start=start, at=at, by=by, override=override)
    if start == appointment.starts_at and wanted == appointment.asked_for_id:
        return appointment

    def done(moved: Appointment, before: datetime) -> None:
        moved.sequence += 1
        moved.save(update_fields=["sequence"])
        changes = {"starts_at": [before, moved.starts_at], **_personal(moved, "override", override)}
        _tell(moved, "rescheduled", "scheduling.change", changes, previous_start=before.isoformat())

    with taken_is_refused(service, start=start, with_id=wanted, at=at):
        return move(appointment, start=start, with_id=wanted, at=at, still=still, done=done, any_hours=bool(override))


@tried_again
def cancel(appointment: Appointment, *, reason: str, by: Any, at: datetime) -> Appointment:
    """Cancel a confirmed appointment and give its time back; inside the notice only staff may, saying why.

    Refuses with `AlreadyOver`, `TooLate`, `ReasonMissing`.
    """
    with transaction.atomic():
        fresh = lock_appointment(appointment)
        _check_open(fresh, at=at)
        _check_notice(fresh, fresh.service.cancel_notice_minutes, by=by, at=at, reason=reason)
        release(fresh, at=at)
        fresh.close_reason, fresh.sequence = reason, fresh.sequence + 1
        changes = _close(fresh, Status.CANCELLED, at=at, also=["close_reason", "sequence"])
        changes |= _personal(fresh, "reason", reason)
        _tell(fresh, "cancelled", "scheduling.cancellation", changes, cancelled_by=getattr(by, "kind", "staff"))
    return fresh


@tried_again
def complete(appointment: Appointment, *, by: Any, at: datetime) -> Appointment:
    """Note that it took place. Refuses with `NotYet` before it begins and `AlreadyOver` when it is closed."""
    return _end(appointment, Status.COMPLETED, "completed", at=at)


@tried_again
def mark_no_show(appointment: Appointment, *, by: Any, at: datetime) -> Appointment:
    """Note that nobody came. Refuses with `NotYet` before it begins and `AlreadyOver` when it is closed."""
    return _end(appointment, Status.NO_SHOW, "no_show", at=at)


@tried_again
def renew_link(appointment: Appointment, *, by: Any, at: datetime) -> str:
    """Retire the manage link and put a new one in force; answers its token. Refuses with `AlreadyOver` for holds."""
    with transaction.atomic():
        fresh = lock_appointment(appointment)
        if fresh.customer is None:
            raise AlreadyOver
        fresh.manage_generation += 1
        token = links.token(fresh.pk, fresh.manage_generation)
        fresh.manage_hash = links.digest(token)
        fresh.save(update_fields=["manage_generation", "manage_hash"])
        generations = [fresh.manage_generation - 1, fresh.manage_generation]
        ledger.record(
            "scheduling.appointment.link_renewed", fresh, changes={"generation": generations}, people=[fresh.customer]
        )
    return token


def _end(appointment: Appointment, status: Status, action: str, *, at: datetime) -> Appointment:
    with transaction.atomic():
        fresh = lock_appointment(appointment)
        if fresh.status != Status.CONFIRMED:
            raise AlreadyOver
        if not fresh.has_begun(at=at):
            raise NotYet
        changes, person = _close(fresh, status, at=at), fresh.customer
        ledger.record(f"scheduling.appointment.{action}", fresh, changes=changes, people=[person] if person else [])
    return fresh


def _close(appointment: Appointment, status: Status, *, at: datetime, also: list[str] | None = None) -> dict[str, Any]:
    before, appointment.status, appointment.closed_at = appointment.status, status, at
    appointment.version += 1
    appointment.save(update_fields=["status", "closed_at", "version", *(also or [])])
    return {"status": [before, status.value]}


def _check_open(appointment: Appointment, *, at: datetime) -> None:
    if appointment.status != Status.CONFIRMED or appointment.is_over(at=at):
        raise AlreadyOver


def _check_notice(appointment: Appointment, minutes: int, *, by: Any, at: datetime, reason: str) -> None:
    """Inside the notice only somebody who may override rules may go on, and must say why."""
    if not policies.in_notice(appointment, minutes, at=at):
        return
    if not policies.may_override(by):
        raise TooLate
    if not reason.strip():
        raise ReasonMissing


def _personal(appointment: Appointment, name: str, words: str) -> dict[str, Any]:
    """Free words may say something about the customer: the ledger keeps them under the customer's key."""
    person: Any = appointment.customer
    return {name: [None, ledger.Personal(person, words)]} if words else {}


def _tell(appointment: Appointment, action: str, message: str, changes: Mapping[str, Any], **payload: str) -> None:
    """The ledger entry and the message to the customer, in the same transaction."""
    person: Any = appointment.customer
    ledger.record(f"scheduling.appointment.{action}", appointment, changes=changes, people=[person])
    outbox.post(
        message,
        about=appointment,
        key=f"{appointment.pk}:{appointment.version}",
        payload={"version": appointment.version, "sequence": appointment.sequence, **payload},
    )
