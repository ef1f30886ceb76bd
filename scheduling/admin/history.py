"""What happened to an appointment, from the ledger, in the words of the desk."""

from datetime import datetime
from typing import NamedTuple

from django.utils.dateparse import parse_datetime

from audit import reading, wording
from scheduling import zones
from scheduling.models import Appointment


class Line(NamedTuple):
    """One line of the history."""

    at: str
    act: str
    actor: str
    details: str


def lines(appointment: Appointment, *, zone: str) -> list[Line]:
    """Everything that happened, oldest first, told in the tenant's zone."""
    return [
        Line(
            _when(told.at, zone),
            wording.of(told.action),
            wording.actor(told.actor),
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
