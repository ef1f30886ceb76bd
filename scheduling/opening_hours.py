"""When are people and rooms open? Weekly rules, changed days and holidays, as UTC windows. One query."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, IntegerField, Q, UUIDField, Value

from scheduling import spans, walltime
from scheduling.editions import InForce
from scheduling.models import DateOverride, Holiday, WeeklyRule
from scheduling.models.weekly_rule import holds_on
from scheduling.spans import Span, Window

RULE, CHANGE, HOLIDAY = range(3)
Minutes = tuple[int, int]
"""Open from one wall-clock minute of a day to another; past 1440 is the next day."""


class Link(NamedTuple):
    """One bookable that can serve a service, in order of preference."""

    bookable_id: UUID
    kind: str
    zone: str
    observes_holidays: bool


class Rule(NamedTuple):
    """A weekly rule without its row."""

    weekday: int
    start: int
    end: int
    valid_from: date | None
    valid_to: date | None
    every_n_weeks: int


class Changed(NamedTuple):
    """Stretches of days that are not like the others: a bookable's own (by id), everybody's (None), and holidays."""

    own: dict[UUID | None, dict[date, list[Minutes]]]
    holidays: frozenset[date]


def windows(links: Sequence[Link], lo: int, hi: int, *, edition: InForce) -> dict[UUID, list[Window]]:
    """The open windows of each that matter between two instants (UTC seconds). At most one query."""
    lo, hi = lo // walltime.DAY * walltime.DAY, _ceiling(hi)
    question = ("open", lo, hi, *(link.bookable_id for link in links))
    return edition.known(question, lambda: _all_windows(links, lo, hi))


def _all_windows(links: Sequence[Link], lo: int, hi: int) -> dict[UUID, list[Window]]:
    days = list(walltime.days(lo, hi))
    rules, changed = _hours_kept([link.bookable_id for link in links], days)
    computed: dict[tuple[object, ...], list[Window]] = {}
    found = {}
    for link in links:
        own = changed.own.get(link.bookable_id)
        week = tuple(rules.get(link.bookable_id, ()))
        same = (link.zone, link.observes_holidays, week, link.bookable_id if own else None)
        if same not in computed:
            computed[same] = _windows(_hours(link, week, changed, days), link.zone, lo, hi)
        found[link.bookable_id] = computed[same]
    return found


def _windows(hours: dict[date, list[Minutes]], zone: str, lo: int, hi: int) -> list[Window]:
    """Local hours as UTC windows. The hours of one day are united first, so each day has one grid per stretch."""
    over = walltime.offsets(zone, lo - 5 * walltime.DAY, hi + 5 * walltime.DAY)
    found: list[Span] = []
    for day, minutes in hours.items():
        midnight = walltime.local_seconds(day, 0)
        for start, end in spans.union(minutes):
            found += walltime.spans(midnight + start * 60, midnight + end * 60, over)
    return spans.windows(found)


def _hours(link: Link, week: Iterable[Rule], changed: Changed, days: list[date]) -> dict[date, list[Minutes]]:
    """Each day's hours: the bookable's own change, else everybody's, else a holiday, else the weekly rules."""
    hours: dict[date, list[Minutes]] = defaultdict(list)
    for rule in week:
        first = (rule.weekday - days[0].weekday()) % 7
        for day in days[first::7]:
            if holds_on(day, rule.valid_from, rule.valid_to, rule.every_n_weeks):
                hours[day].append((rule.start, rule.end))
    if link.observes_holidays:
        hours.update((day, []) for day in changed.holidays)
    hours.update(changed.own.get(None, {}))
    hours.update(changed.own.get(link.bookable_id, {}))
    return hours


def _hours_kept(ids: list[UUID], days: list[date]) -> tuple[dict[UUID, list[Rule]], Changed]:
    """The weekly rules, overrides and holidays. Closed wins over open within one bookable's day."""
    rules: dict[UUID, list[Rule]] = defaultdict(list)
    own: dict[UUID | None, dict[date, list[Minutes]]] = defaultdict(dict)
    closed: set[tuple[UUID | None, date]] = set()
    holidays: set[date] = set()
    for what, bookable_id, first, last, is_closed, start, end, weekday, every in _rows(ids, days[0], days[-1]):
        if what == RULE:
            rules[bookable_id].append(Rule(weekday, start, end, first, last, every))
            continue
        for day in _days(max(first, days[0]), min(last, days[-1])):
            if what == HOLIDAY:
                holidays.add(day)
            elif is_closed or (bookable_id, day) in closed:
                closed.add((bookable_id, day))
                own[bookable_id][day] = []
            else:
                own[bookable_id].setdefault(day, []).append((start, end))
    return {who: sorted(week, key=itemgetter(0, 1, 2)) for who, week in rules.items()}, Changed(
        own, frozenset(holidays)
    )


def _rows(ids: list[UUID], first: date, last: date) -> Iterable[tuple[Any, ...]]:
    """Rules, overrides and holidays alike: what, whose, first and last day, closed, from and to, weekday, every."""
    mine = Q(bookable_id__in=ids) | Q(bookable__isnull=True)
    rules = WeeklyRule.objects.filter(bookable_id__in=ids).order_by()
    changes = DateOverride.objects.filter(mine, ends_on__gte=first, starts_on__lte=last).order_by()
    holidays = Holiday.objects.filter(on__gte=first, on__lte=last).order_by()
    number, nobody = Value(None, output_field=IntegerField()), Value(None, output_field=UUIDField())
    no = Value(False, output_field=BooleanField())
    span = ("start_minute", "end_minute")
    return rules.values_list(
        Value(RULE), "bookable_id", "valid_from", "valid_to", no, *span, "weekday", "every_n_weeks"
    ).union(
        changes.values_list(Value(CHANGE), "bookable_id", "starts_on", "ends_on", "is_closed", *span, number, number),
        holidays.values_list(Value(HOLIDAY), nobody, "on", "on", no, number, number, number, number),
        all=True,
    )


def _days(first: date, last: date) -> Iterable[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))


def _ceiling(at: int) -> int:
    return -(-at // walltime.DAY) * walltime.DAY
