"""When are people and rooms open? Weekly rules, changed days and holidays, as UTC windows. Two queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, IntegerField, Q, QuerySet, UUIDField, Value

from scheduling import spans, walltime
from scheduling.kept import Kept
from scheduling.models import DateOverride, Holiday, WeeklyRule
from scheduling.models.weekly_rule import holds_on
from scheduling.spans import Span, Window

Minutes = tuple[int, int]
"""Open from one wall-clock minute of a day to another; past 1440 is the next day."""


class Link(NamedTuple):
    """One bookable that can serve a service, in order of preference."""

    bookable_id: UUID
    kind: str
    zone: str
    observes_holidays: bool
    last_assigned_at: datetime | None


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


def windows(links: Sequence[Link], lo: int, hi: int) -> dict[UUID, list[Window]]:
    """The open windows of each that matter between two instants (UTC seconds). Two queries."""
    days = list(walltime.days(lo, hi))
    ids = [link.bookable_id for link in links]
    rules, changed = _rules(ids), _changed(ids, days)
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
    over = walltime.offsets(zone, lo // walltime.DAY * walltime.DAY - 5 * walltime.DAY, _ceiling(hi) + 5 * walltime.DAY)
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


def _rules(ids: list[UUID]) -> dict[UUID, list[Rule]]:
    found: dict[UUID, list[Rule]] = defaultdict(list)
    for bookable_id, *rule in _RULES.rows(ids=ids):
        found[bookable_id].append(Rule(*rule))
    return found


def _changed(ids: list[UUID], days: list[date]) -> Changed:
    """Overrides and holidays in one query. Closed wins over open within one bookable's day."""
    own: dict[UUID | None, dict[date, list[Minutes]]] = defaultdict(dict)
    closed: set[tuple[UUID | None, date]] = set()
    holidays: set[date] = set()
    for bookable_id, starts_on, ends_on, is_closed, start, end, is_holiday in _CHANGED.rows(
        ids=ids, first=days[0], last=days[-1]
    ):
        for day in _days(max(starts_on, days[0]), min(ends_on, days[-1])):
            if is_holiday:
                holidays.add(day)
            elif is_closed or (bookable_id, day) in closed:
                closed.add((bookable_id, day))
                own[bookable_id][day] = []
            else:
                own[bookable_id].setdefault(day, []).append((start, end))
    return Changed(own, frozenset(holidays))


def _write_rules(ids: list[UUID]) -> QuerySet[Any, Any]:
    rules = WeeklyRule.objects.filter(bookable_id__in=ids).order_by("weekday", "start_minute", "end_minute")
    fields = ("bookable_id", "weekday", "start_minute", "end_minute", "valid_from", "valid_to", "every_n_weeks")
    return rules.values_list(*fields)


def _write_changed(ids: list[UUID], first: date, last: date) -> QuerySet[Any, Any]:
    mine = Q(bookable_id__in=ids) | Q(bookable__isnull=True)
    overrides = DateOverride.objects.filter(mine, ends_on__gte=first, starts_on__lte=last).order_by()
    holidays = Holiday.objects.filter(on__gte=first, on__lte=last).order_by()
    no, yes = (Value(value, output_field=BooleanField()) for value in (False, True))
    nobody, minute = Value(None, output_field=UUIDField()), Value(None, output_field=IntegerField())
    return overrides.values_list(
        "bookable_id", "starts_on", "ends_on", "is_closed", "start_minute", "end_minute", no
    ).union(holidays.values_list(nobody, "on", "on", yes, minute, minute, yes), all=True)


_RULES, _CHANGED = Kept(_write_rules), Kept(_write_changed)


def _days(first: date, last: date) -> Iterable[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))


def _ceiling(at: int) -> int:
    return -(-at // walltime.DAY) * walltime.DAY
