"""A week of openings as a page shows it: days in the reader's zone, instants in UTC."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.text import capfirst

from scheduling import zones

LENGTH = 7


@dataclass(frozen=True, slots=True)
class Day:
    """One day's openings: `choices` are (UTC instant, wall time, offset where the clock changes that day), as text."""

    weekday: str
    day: str
    choices: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from `first`, in `zone`; `previous` and `next` are first days worth looking at, or None."""

    first: date
    zone: str
    days: list[Day]
    previous: date | None
    next: date | None

    @property
    def is_empty(self) -> bool:
        """Nothing is free on any day."""
        return not any(day.choices for day in self.days)

    @property
    def title(self) -> str:
        """The first and the last day."""
        last = self.first + timedelta(days=LENGTH - 1)
        return f"{zones.day_and_month(self.first)} – {zones.day_month_and_year(last)}"

    @property
    def zone_label(self) -> str:
        """The zone with its offset on the first day."""
        return zones.label(self.zone, datetime.combine(self.first, time(12), ZoneInfo(self.zone)))


def bounds(first: date, days: int, zone: str) -> tuple[datetime, datetime]:
    """The UTC instants between which `days` days from `first` lie in `zone`."""
    begins = datetime.combine(first, time(), ZoneInfo(zone))
    ends = datetime.combine(first + timedelta(days=days), time(), ZoneInfo(zone))
    return begins.astimezone(UTC), ends.astimezone(UTC)


def value(instant: datetime) -> str:
    """The instant as the contract writes it: 2026-11-24T09:00Z."""
    return _written(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


@lru_cache(maxsize=8192)
def _written(utc: datetime) -> str:
    return utc.isoformat()[:16] + "Z"


def laid_out(starts: Iterable[datetime], *, first: date, zone: str, today: date, last: date) -> Week:
    """Put UTC instants into the seven days from `first`. Days on which the clock changes show each time's offset."""
    choices: dict[date, list[tuple[str, str, str]]] = {first + timedelta(days=ahead): [] for ahead in range(LENGTH)}
    place = ZoneInfo(zone)
    changing = {day for day in choices if _clock_changes(day, place)}
    for start in starts:
        local = start.astimezone(place)
        day = local.date()
        if day in choices:
            offset = zones.offset(local) if day in changing else ""
            choices[day].append((value(start), f"{local:%H:%M}", offset))
    days = [Day(capfirst(date_format(day, "D")), date_format(day, "j M"), found) for day, found in choices.items()]
    following = first + timedelta(days=LENGTH)
    return Week(
        first=first,
        zone=zone,
        days=days,
        previous=max(first - timedelta(days=LENGTH), today) if first > today else None,
        next=following if following <= last else None,
    )


def _clock_changes(day: date, place: ZoneInfo) -> bool:
    midnight, next_midnight = (datetime.combine(day + timedelta(days=ahead), time(), place) for ahead in (0, 1))
    return midnight.utcoffset() != next_midnight.utcoffset()
