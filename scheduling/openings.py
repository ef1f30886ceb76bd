"""When can a service start? At most four queries, two once the edition is known, whoever serves and however long.

Rules become local spans per day, these become UTC spans, busy time is united, and one sweep finds the starts; see
`spans` and `walltime`. The verbs ask the same functions about their one candidate again, under the lock.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Func, QuerySet

from scheduling import conf, opening_hours, rosters, spans, walltime
from scheduling.editions import InForce
from scheduling.kept import Kept
from scheduling.models import Allocation, Appointment, ExternalBusy, Service
from scheduling.opening_hours import Link
from scheduling.spans import Shape, Span, Window


class Seconds(Func):
    """A moment as whole UTC seconds since 1970, worked out by the database: reading thousands is then cheap."""

    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Rounded to whole seconds."""
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)::bigint", **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Cut to whole seconds."""
        return self.as_sql(
            compiler, connection, template="CAST(STRFTIME('%%%%s', %(expressions)s) AS INTEGER)", **extra
        )


class Opening(NamedTuple):
    """A time that can be booked (UTC), and who of the leading kind (people, if any are needed) is free."""

    start: datetime
    end: datetime
    bookable_ids: tuple[UUID, ...]


@dataclass(slots=True)
class Calendar:
    """What is known about a service's bookables over a stretch of time: who, when open, when busy."""

    needs: dict[str, int]
    shape: Shape
    links: list[Link]
    asked_for: UUID | None = None
    open: dict[UUID, list[Window]] = field(default_factory=dict)
    busy: dict[UUID, list[Span]] = field(default_factory=dict)

    def starts(self, link: Link, lo: int, hi: int) -> Iterable[int]:
        """When this one is free to start."""
        taken = self.busy.get(link.bookable_id, [])
        return chain.from_iterable(spans.starts(self.open[link.bookable_id], taken, self.shape, lo, hi))

    def free(self, lo: int, hi: int) -> dict[int, dict[str, list[UUID]]]:
        """For every start at which all that is needed is free: who of each kind, in order of preference."""
        found: dict[str, dict[int, list[UUID]]] = {kind: defaultdict(list) for kind in self.needs}
        for link in self.links:
            at_start, bookable_id = found[link.kind], link.bookable_id
            for start in self.starts(link, lo, hi):
                at_start[start].append(bookable_id)
        enough = [self._enough(kind, at_start) for kind, at_start in found.items()]
        common = enough[0].intersection(*enough[1:])
        return {start: {kind: found[kind][start] for kind in found} for start in sorted(common)}

    def busy_at(self, start: int) -> set[UUID]:
        """Who is not free to start then."""
        return {link.bookable_id for link in self.links if start not in self.starts(link, start, start + 1)}

    def would_open(self, start: int) -> bool:
        """Would it be an opening if nobody were busy?"""
        return start in Calendar(self.needs, self.shape, self.links, self.asked_for, self.open).free(start, start + 1)

    def block(self, bookable_ids: Iterable[UUID], start: int) -> None:
        """Take these as busy then, whatever was read."""
        for bookable_id in bookable_ids:
            self.add_busy(bookable_id, (start, start + self.shape.length))

    def add_busy(self, bookable_id: UUID, span: Span) -> None:
        """One more span in which this one is busy."""
        self.busy[bookable_id] = spans.union([*self.busy.get(bookable_id, []), span])

    def _enough(self, kind: str, at_start: dict[int, list[UUID]]) -> set[int]:
        """The starts at which as many of this kind are free as are needed, the one asked for among them."""
        needed = self.needs[kind]
        asked_for = self.asked_for if self.asked_kind == kind else None
        return {
            start
            for start, free in at_start.items()
            if len(free) >= needed and (asked_for is None or asked_for in free)
        }

    @property
    def asked_kind(self) -> str:
        """The kind of the one asked for; empty when nobody was, or they do not serve here."""
        return next((link.kind for link in self.links if link.bookable_id == self.asked_for), "")


def between(
    service: Service,
    *,
    lo: datetime | date,
    hi: datetime | date,
    zone: str,
    with_id: UUID | None = None,
    at: datetime,
    edition: InForce | None = None,
) -> list[Opening]:
    """Openings that start in [lo, hi), in order. Plain dates mean the beginning of that day in `zone`.

    `edition` is the one in force when this piece of work began, if that was asked already.
    """
    first = walltime.seconds(max(_instant(lo, zone, at), earliest(service, at=at)))
    last = walltime.seconds(min(_instant(hi, zone, at), latest(service, at=at)))
    if first >= last:
        return []
    known = calendar(service, lo=first, hi=last, with_id=with_id, at=at, edition=edition)
    return _openings(service, known.free(first, last))


def nearest(
    service: Service, *, start: datetime, at: datetime, count: int = 5, with_id: UUID | None = None
) -> list[Opening]:
    """The openings closest to a time that could not be had, in order."""
    found: list[Opening] = []
    start = min(max(start, at), latest(service, at=at))
    for reach in (timedelta(days=3), timedelta(days=31)):
        found = between(service, lo=start - reach, hi=start + reach, zone="UTC", with_id=with_id, at=at)
        if len(found) >= count:
            break
    return sorted(sorted(found, key=lambda opening: abs(opening.start - start))[:count])


def earliest(service: Service, *, at: datetime) -> datetime:
    """The first whole minute the service's minimum notice allows."""
    return walltime.next_minute(at + timedelta(minutes=service.minimum_notice_minutes))


def latest(service: Service, *, at: datetime) -> datetime:
    """Where the service's booking window ends; nothing starts at this instant or later."""
    return walltime.in_days(at, service.window_days)


def calendar(
    service: Service,
    *,
    lo: int,
    hi: int,
    with_id: UUID | None = None,
    at: datetime,
    besides: Appointment | None = None,
    any_hours: bool = False,
    edition: InForce | None = None,
) -> Calendar:
    """Everything needed to say who is free to start in [lo, hi): four queries, two once the edition is known.

    `besides` leaves an appointment's own time out of what is busy; `any_hours` takes everybody as open all along.
    """
    edition = edition or InForce()
    known = Calendar(service.needs, shape_of(service), eligible(service, with_id, edition), with_id)
    if not known.links:
        return known
    if any_hours:
        known.open = {link.bookable_id: [Window(lo, hi, hi + known.shape.length)] for link in known.links}
    else:
        known.open = opening_hours.windows(known.links, lo, hi + known.shape.length, edition=edition)
    known.busy = busy([link.bookable_id for link in known.links], known.shape, lo, hi, at=at, besides=besides)
    return known


def shape_of(service: Service) -> Shape:
    """The service's length, buffers and step in seconds."""
    return Shape(
        service.duration_minutes * 60,
        service.buffer_before_minutes * 60,
        service.buffer_after_minutes * 60,
        service.step_minutes * 60,
    )


def eligible(service: Service, with_id: UUID | None, edition: InForce) -> list[Link]:
    """Who and what may serve, in order; only the one asked for of a kind of which one is needed. At most one query."""
    needs = service.needs
    rows = (row for row in rosters.of(service, edition).bookables if row.kind in needs)
    links = [Link(row.pk, row.kind, row.time_zone, row.observes_holidays) for row in rows]
    asked = next((link for link in links if link.bookable_id == with_id), None)
    if with_id is not None and asked is None:
        return []
    if service.assignment == Service.Assignment.FIXED:
        links = _first_of_each(links, needs, with_id)
    if asked and needs[asked.kind] == 1:
        links = [link for link in links if link.kind != asked.kind or link == asked]
    return links


def busy(
    bookable_ids: list[UUID], shape: Shape, lo: int, hi: int, *, at: datetime, besides: Appointment | None = None
) -> dict[UUID, list[Span]]:
    """What keeps these from starting in [lo, hi): live allocations and other calendars, united. One query."""
    first = walltime.instant(lo - shape.before)
    last = walltime.instant(hi + shape.length + shape.after)
    since = first - conf.LONGEST_ALLOCATION
    mine = besides.pk if besides is not None else None
    found: dict[UUID, list[Span]] = defaultdict(list)
    for bookable_id, start, end in _BUSY.rows(ids=bookable_ids, at=at, since=since, first=first, last=last, mine=mine):
        found[bookable_id].append((start, end))
    return {bookable_id: spans.union(taken) for bookable_id, taken in found.items()}


def _write_busy(
    ids: list[UUID], at: datetime, since: datetime, first: datetime, last: datetime, mine: UUID | None
) -> QuerySet[Any, Any]:
    own = Allocation.objects.filter(bookable_id__in=ids).busy(at=at).reaching(since, first, last).order_by()
    if mine is not None:
        own = own.exclude(appointment_id=mine)
    others = ExternalBusy.objects.filter(bookable_id__in=ids, ends_at__gt=first, starts_at__lt=last).order_by()
    return own.values_list("bookable_id", Seconds("blocked_start"), Seconds("blocked_end")).union(
        others.values_list("bookable_id", Seconds("starts_at"), Seconds("ends_at")), all=True
    )


_BUSY = Kept(_write_busy)


def _openings(service: Service, free: dict[int, dict[str, list[UUID]]]) -> list[Opening]:
    length, instant = service.duration_minutes * 60, walltime.instant
    return [
        Opening(instant(start), instant(start + length), tuple(next(iter(by_kind.values()))))
        for start, by_kind in free.items()
    ]


def _instant(edge: datetime | date, zone: str, at: datetime) -> datetime:
    """The edge as an instant; dates years away are all the same to us, and some clocks cannot show them."""
    if isinstance(edge, datetime):
        return edge
    return walltime.day_start(min(max(edge, at.date() - timedelta(days=9)), at.date() + timedelta(days=900)), zone)


def _first_of_each(links: list[Link], needs: dict[str, int], with_id: UUID | None) -> list[Link]:
    """Per kind, as many as are needed and no substitute; the one asked for goes first."""
    kept: dict[str, list[Link]] = defaultdict(list)
    for link in sorted(links, key=lambda link: link.bookable_id != with_id):
        if len(kept[link.kind]) < needs[link.kind]:
            kept[link.kind].append(link)
    return list(chain.from_iterable(kept.values()))
