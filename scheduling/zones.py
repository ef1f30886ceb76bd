"""Time zones a person may choose, and instants as a person there reads them."""

from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.text import capfirst


@cache
def offered() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The zones of `zone.tab`, one per place people live in, as (region, names); UTC comes first."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    names = sorted({line.split("\t")[2].strip() for line in table.splitlines() if line and not line.startswith("#")})
    regions = groupby(names, key=lambda name: name.split("/")[0])
    return (("UTC", ("UTC",)), *((region, tuple(members)) for region, members in regions))


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
    """A day as people say it in the active language: Tuesday, November 24, 2026."""
    return capfirst(f"{date_format(day, 'l')}, {date_format(day, 'DATE_FORMAT')}")


def spoken(start: datetime, end: datetime, zone: str) -> str:
    """A span of time in full, in the active language, with its zone and offset."""
    begins, ends = wall(start, zone), wall(end, zone)
    span = f"{begins:%H:%M}–{ends:%H:%M}"
    if begins.utcoffset() != ends.utcoffset():
        span = f"{begins:%H:%M} ({offset(begins)}) – {ends:%H:%M} ({offset(ends)})"
        return f"{day_title(begins.date())}, {span}, {zone}"
    return f"{day_title(begins.date())}, {span} ({zone}, {offset(begins)})"


def short_day(day: date) -> str:
    """A day in few letters: Tue 24 Nov 2026."""
    return capfirst(f"{date_format(day, 'D')} {date_format(day, 'j M Y')}")
