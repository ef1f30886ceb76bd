"""Local wall time and UTC. Rules speak local minutes, everything else speaks UTC seconds since 1970.

A local span becomes the instants at which a wall clock in that zone shows a time within it. So a working-hour edge
inside a spring gap clamps to the transition, and an hour that happens twice in autumn is open twice. Two aware values
of one zone are never subtracted from each other, and local datetimes are never keys (fold 0 and 1 compare equal).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()

Span = tuple[int, int]
"""A half-open span of UTC seconds, [start, end)."""


class Offset(NamedTuple):
    """From the instant `since` until `until` (UTC seconds) the zone is `seconds` ahead of UTC."""

    since: int
    until: int
    seconds: int


def check_zone(name: str) -> None:
    """Refuses a name that is not an IANA time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError(
            _("“%(zone)s” is not a time zone we know. Write it like Europe/Madrid."), "zone", {"zone": name[:64]}
        ) from error


def seconds(instant: datetime) -> int:
    """An aware instant as whole UTC seconds since 1970."""
    return int(instant.timestamp())


@lru_cache(maxsize=8192)
def instant(at: int) -> datetime:
    """The UTC instant of whole seconds since 1970."""
    return datetime.fromtimestamp(at, UTC)


def next_minute(at: datetime) -> datetime:
    """The instant itself if it is a whole minute, otherwise the next whole minute."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


def days(lo: int, hi: int) -> Iterator[date]:
    """Every date that is today somewhere on Earth between two instants, and one more on either side."""
    first, last = lo // DAY - 2, hi // DAY + 2
    return (date.fromordinal(_EPOCH + number) for number in range(first, last + 1))


def day_start(day: date, zone: str) -> datetime:
    """The UTC instant at which a local day begins (the first instant its date is shown)."""
    local = (day.toordinal() - _EPOCH) * DAY
    around = offsets(zone, local - 2 * DAY, local + 2 * DAY)
    return instant(min(start for start, _end in spans(local, local + DAY, around)))


def local_date(at: datetime, zone: str) -> date:
    """The date a calendar in `zone` shows."""
    return at.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=512)
def offsets(zone: str, lo: int, hi: int) -> tuple[Offset, ...]:
    """The zone's offsets from UTC over [lo, hi), cut at each transition."""
    clock, found, since = ZoneInfo(zone), [], lo
    here = _offset(clock, lo)
    for probe in [*range(lo + DAY, hi, DAY), hi]:
        there = _offset(clock, probe)
        if there != here:
            turn = _transition(clock, probe - DAY if probe - DAY > lo else lo, probe)
            found.append(Offset(since, turn, here))
            since, here = turn, there
    return (*found, Offset(since, hi, here))


def spans(local_start: int, local_end: int, over: tuple[Offset, ...]) -> list[Span]:
    """The instants whose wall clock shows a time in [local_start, local_end) (seconds since local 1970)."""
    found: list[Span] = []
    for since, until, ahead in over:
        start, end = max(local_start - ahead, since), min(local_end - ahead, until)
        if start >= end:
            continue
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def local_seconds(day: date, minute: int) -> int:
    """A wall time, minutes after a date's midnight, as seconds since local 1970."""
    return (day.toordinal() - _EPOCH) * DAY + minute * 60


def week(day: date) -> int:
    """The number of the Monday-based week a date lies in."""
    return (day.toordinal() - 1) // 7


def in_days(at: datetime, number: int) -> datetime:
    """The instant exactly `number` times 24 hours later."""
    return at + timedelta(days=number)


def _offset(clock: ZoneInfo, at: int) -> int:
    return int(datetime.fromtimestamp(at, clock).utcoffset().total_seconds())  # type: ignore[union-attr]


def _transition(clock: ZoneInfo, lo: int, hi: int) -> int:
    """The first second in (lo, hi] with another offset than at lo; zones do not change twice within a day."""
    before = _offset(clock, lo)
    while hi - lo > 1:
        middle = (lo + hi) // 2
        lo, hi = (middle, hi) if _offset(clock, middle) == before else (lo, middle)
    return hi
