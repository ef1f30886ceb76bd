"""Whatever the rules, bookings and zones: openings lie in open hours, touch nothing busy and are all that fit."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import spans, walltime
from scheduling.spans import Shape

ZONES = ("UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")
DAYS = [date(2027, 3, 13) + timedelta(days=n) for n in range(3)]
DAYS += [date(2027, 3, 27), date(2027, 3, 28), date(2027, 4, 3), date(2027, 4, 4), date(2027, 10, 2), date(2027, 10, 3)]
DAYS += [date(2027, 10, 30), date(2027, 10, 31), date(2027, 11, 6), date(2027, 11, 7)]


class Case(NamedTuple):
    """One bookable's hours and bookings, and one service's shape; times in minutes."""

    zone: str
    day: date
    hours: list[tuple[int, int, int]]
    busy: list[tuple[int, int]]
    length: int
    before: int
    after: int
    step: int


hours = st.tuples(st.integers(-1, 2), st.integers(0, 1439), st.integers(1, 1440)).map(
    lambda value: (value[0], value[1], min(value[1] + value[2], 2880))
)
taken = st.tuples(st.integers(-1440, 2880), st.integers(1, 300)).map(lambda value: (value[0], value[0] + value[1]))
cases = st.builds(
    Case,
    st.sampled_from(ZONES),
    st.sampled_from(DAYS),
    st.lists(hours, max_size=5),
    st.lists(taken, max_size=6),
    st.integers(1, 240),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(5, 120),
)


def worked_out(case: Case) -> tuple[set[int], set[int], list[int], list[tuple[int, int]]]:
    """(what the product offers, the same by brute force, minutes open, busy spans), in UTC seconds."""
    middle = int(datetime.combine(case.day, datetime.min.time(), UTC).timestamp())
    lo, hi = middle - walltime.DAY, middle + 2 * walltime.DAY
    over = walltime.offsets(case.zone, lo - 5 * walltime.DAY, hi + 5 * walltime.DAY)
    by_day: dict[date, list[tuple[int, int]]] = {}
    for offset, start, end in case.hours:
        by_day.setdefault(case.day + timedelta(days=offset), []).append((start, end))
    open_spans = [
        span
        for day, minutes in by_day.items()
        for start, end in spans.union(minutes)
        for span in walltime.spans(walltime.local_seconds(day, start), walltime.local_seconds(day, end), over)
    ]
    busy = spans.union((middle + start * 60, middle + end * 60) for start, end in case.busy)
    shape = Shape(case.length * 60, case.before * 60, case.after * 60, case.step * 60)
    offered = {s for found in spans.starts(spans.windows(open_spans), busy, shape, lo, hi) for s in found}
    return offered, _by_force(case, lo, hi, busy), _open_minutes(case, lo, hi), busy


def _open_minutes(case: Case, lo: int, hi: int) -> list[int]:
    """Every minute whose wall clock lies in somebody's hours, asked of the clock itself."""
    zone = ZoneInfo(case.zone)
    ranges = [
        (
            datetime.combine(case.day + timedelta(days=offset), datetime.min.time()) + timedelta(minutes=start),
            end - start,
        )
        for offset, start, end in case.hours
    ]
    found = []
    for moment in range(lo, hi + 2 * walltime.DAY, 60):
        wall = datetime.fromtimestamp(moment, zone).replace(tzinfo=None, fold=0)
        if any(begin <= wall < begin + timedelta(minutes=minutes) for begin, minutes in ranges):
            found.append(moment)
    return found


def _by_force(case: Case, lo: int, hi: int, busy: list[tuple[int, int]]) -> set[int]:
    """Every minute at which the appointment fits, whether or not it is on the grid."""
    is_open = set(_open_minutes(case, lo, hi))
    return {
        start
        for start in range(lo, hi, 60)
        if all(minute in is_open for minute in range(start, start + case.length * 60, 60))
        and not any(
            start - case.before * 60 < end and start + (case.length + case.after) * 60 > begin for begin, end in busy
        )
    }


@settings(max_examples=60, deadline=None)
@given(cases)
def test_they_lie_in_open_hours_and_touch_nothing_busy(case: Case) -> None:
    offered, fitting, _minutes, _busy = worked_out(case)
    assert offered <= fitting


@settings(max_examples=60, deadline=None)
@given(cases.map(lambda case: case._replace(step=1)))
def test_with_a_step_of_one_minute_they_are_all_that_fits(case: Case) -> None:
    offered, fitting, _minutes, _busy = worked_out(case)
    assert offered == fitting


@settings(max_examples=60, deadline=None)
@given(cases)
def test_each_hangs_on_the_beginning_of_some_hours_and_bookings_move_none(case: Case) -> None:
    offered, fitting, minutes, _busy = worked_out(case)
    without, _fitting, _minutes, _nothing = worked_out(case._replace(busy=[]))
    assert offered == without & fitting
    is_open = set(minutes)
    day_starts = _anchors(case)
    for start in offered:
        assert any((start - anchor) % (case.step * 60) == 0 and anchor <= start for anchor in day_starts), (
            start,
            is_open,
        )


def _anchors(case: Case) -> set[int]:
    """The first instant of each stretch of hours of each day."""
    over = walltime.offsets(case.zone, 0, 4_000_000_000)
    by_day: dict[int, list[tuple[int, int]]] = {}
    for offset, start, end in case.hours:
        by_day.setdefault(offset, []).append((start, end))
    return {
        first
        for offset, minutes in by_day.items()
        for start, end in spans.union(minutes)
        for first, _last in walltime.spans(
            walltime.local_seconds(case.day + timedelta(days=offset), start),
            walltime.local_seconds(case.day + timedelta(days=offset), end),
            over,
        )
    }


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(DAYS), st.integers(0, 2879), st.integers(1, 2880))
def test_a_local_span_is_every_instant_whose_clock_shows_it(zone: str, day: date, start: int, length: int) -> None:
    lo = walltime.local_seconds(day, 0) - 2 * walltime.DAY
    over = walltime.offsets(zone, lo, lo + 9 * walltime.DAY)
    first, last = walltime.local_seconds(day, start), walltime.local_seconds(day, start + length)
    found = walltime.spans(first, last, over)
    clock = ZoneInfo(zone)
    for moment in range(lo, lo + 9 * walltime.DAY, 600):
        wall = datetime.fromtimestamp(moment, clock).replace(tzinfo=UTC).timestamp()
        assert any(start <= moment < end for start, end in found) == (first <= wall < last)
