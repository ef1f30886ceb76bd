"""The rows of a new appointment or hold."""

from datetime import datetime
from typing import Any
from uuid import UUID

from scheduling import links
from scheduling.bookings.choosing import Choice
from scheduling.models import Allocation, Appointment, Service, ServiceBookable

Status = Appointment.Status


def insert(choice: Choice, chosen: list[UUID], *, at: datetime, **fields: Any) -> Appointment:
    """The appointment, its allocations, and whose turn it was."""
    service, start = choice.service, choice.start
    appointment = Appointment(
        service=service,
        asked_for_id=choice.known.asked_for,
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


def facts(appointment: Appointment, before: str | None) -> dict[str, list[Any]]:
    """What the ledger says of a new one."""
    return {
        "status": [before, appointment.status],
        "service": [None, str(appointment.service_id)],
        "starts_at": [None, appointment.starts_at],
        "ends_at": [None, appointment.ends_at],
    }
