"""What is delivered for scheduling: the customer's confirmation, change and cancellation.

A mail goes out only while it is still true: a booking that moved again or was cancelled before its mail left is told by
the later message, so the earlier one is no longer wanted.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from audit import breakers, outbox
from governance import keys
from scheduling import notices
from scheduling.models import Appointment

if TYPE_CHECKING:
    from audit.outbox import OutboxMessage

Status = Appointment.Status


@outbox.handler("scheduling.confirmation")
def confirmation(message: "OutboxMessage") -> None:
    """The appointment stands."""
    appointment = _wanted(message, Status.CONFIRMED)
    _send(notices.confirmation(appointment, at=timezone.now()))


@outbox.handler("scheduling.change")
def change(message: "OutboxMessage") -> None:
    """The appointment moved."""
    appointment = _wanted(message, Status.CONFIRMED)
    _send(notices.change(appointment, was=_instant(message.payload.get("previous_start")), at=timezone.now()))


@outbox.handler("scheduling.cancellation")
def cancellation(message: "OutboxMessage") -> None:
    """The appointment does not take place. Our reason is told; the customer's own words are not sent back as ours."""
    appointment = _wanted(message, Status.CANCELLED)
    reason = "" if message.payload.get("cancelled_by") == "customer" else appointment.close_reason or ""
    _send(notices.cancellation(appointment, reason=reason, at=timezone.now()))


def _wanted(message: "OutboxMessage", status: Status) -> Appointment:
    """The appointment as the message meant it. Refuses with `NoLongerWanted` once it has gone on, or its person has."""
    rows = Appointment.objects.select_related("service", "customer").filter(pk=message.about_id)
    appointment = rows.first()
    if appointment is None or appointment.customer is None or appointment.status != status:
        raise outbox.NoLongerWanted
    if appointment.sequence != message.payload.get("sequence", appointment.sequence):
        raise outbox.NoLongerWanted
    try:
        appointment.customer.email  # noqa: B018 - reading it is the question
    except keys.Erased as gone:
        raise outbox.NoLongerWanted from gone
    return appointment


def _send(mail: EmailMultiAlternatives) -> None:
    breakers.call("smtp", mail.send)


def _instant(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
