"""Instants as a person in a time zone reads them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import pgettext


def place(name: str) -> str:
    """The place in a zone's name, as a person would write it: America/New_York is New York."""
    return name.split("/", 1)[-1].replace("_", " ")


def wall(instant: datetime, zone: str) -> datetime:
    """The instant as a clock on the wall shows it there."""
    return instant.astimezone(ZoneInfo(zone))


def offset(wall_time: datetime) -> str:
    """How far a wall time stands from UTC: UTC+02:00."""
    minutes = int((wall_time.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def day_title(day: date) -> str:
    """A day as people say it in the active language: Tuesday, 24 November 2026."""
    return capfirst(date_format(day, pgettext("a day, in Django's date format", "l, j F Y")))


def short_day(day: date) -> str:
    """A day in few letters: Tue 24 Nov 2026."""
    return capfirst(date_format(day, pgettext("a short day, in Django's date format", "D j M Y")))


def day_and_month(day: date) -> str:
    """A day of a year that is understood: 24 November."""
    return date_format(day, pgettext("a day without its year, in Django's date format", "j F"))


def day_month_and_year(day: date) -> str:
    """A day on which no weekday is needed: 29 November 2026."""
    return date_format(day, pgettext("a day with its year, in Django's date format", "j F Y"))


def hours(start: datetime, end: datetime, zone: str) -> str:
    """From when to when: 10:00–10:45; with the offsets where the clock changes in between."""
    begins, ends = wall(start, zone), wall(end, zone)
    if begins.utcoffset() != ends.utcoffset():
        return f"{begins:%H:%M} ({offset(begins)}) – {ends:%H:%M} ({offset(ends)})"
    return f"{begins:%H:%M}–{ends:%H:%M}"


def label(zone: str, instant: datetime) -> str:
    """A zone with its offset at that moment."""
    return f"{zone}, {offset(wall(instant, zone))}"


def brief(start: datetime, end: datetime, zone: str) -> str:
    """A span of time where the zone is understood."""
    return f"{day_title(wall(start, zone).date())}, {hours(start, end, zone)}"


def spoken(start: datetime, end: datetime, zone: str) -> str:
    """A span of time in full, with its zone and offset."""
    return f"{brief(start, end, zone)} ({label(zone, start)})"
