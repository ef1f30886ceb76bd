"""What happened to an appointment, from the ledger, in the words of the desk."""

from datetime import datetime
from typing import NamedTuple

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit import reading
from scheduling import zones
from scheduling.models import Appointment

ACTS: dict[str, str | Promise] = {
    "scheduling.appointment.held": _("Held for a visitor"),
    "scheduling.appointment.hold_moved": _("Held for a visitor, another time"),
    "scheduling.appointment.expired": _("Released"),
    "scheduling.appointment.booked": _("Booked"),
    "scheduling.appointment.confirmed": _("Confirmed"),
    "scheduling.appointment.rescheduled": _("Moved"),
    "scheduling.appointment.cancelled": _("Cancelled"),
    "scheduling.appointment.completed": _("Completed"),
    "scheduling.appointment.no_show": _("No-show"),
    "scheduling.appointment.link_renewed": _("New link sent out"),
}
ACTORS: dict[str, str | Promise] = {
    "anonymous": _("a visitor"),
    "customer": _("the customer"),
    "system": _("the system"),
}


class Line(NamedTuple):
    """One line of the history."""

    at: str
    act: str | Promise
    actor: str | Promise
    details: str


def lines(appointment: Appointment, *, zone: str) -> list[Line]:
    """Everything that happened, oldest first, told in the tenant's zone."""
    return [
        Line(
            _when(told.at, zone),
            ACTS.get(told.action, told.action),
            ACTORS.get(told.actor, told.actor),
            "; ".join(filter(None, (_detail(change, zone) for change in told.changes))),
        )
        for told in reading.history(appointment)
    ]


def _detail(change: reading.Change, zone: str) -> str:
    """What a person wants to know of a change: times that moved, and reasons."""
    if change.field in ("reason", "override"):
        return change.after
    if change.field == "starts_at" and change.before:
        return f"{_instant(change.before, zone)} → {_instant(change.after, zone)}"
    return ""


def _instant(text: str, zone: str) -> str:
    at = parse_datetime(text)
    return _when(at, zone) if at else text


def _when(at: datetime, zone: str) -> str:
    local = zones.wall(at, zone)
    return f"{zones.short_day(local.date())}, {local:%H:%M}"
