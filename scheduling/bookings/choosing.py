"""Who takes a booking: the candidate is chosen, locked, looked at again with the same function, taken or refused."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet, Sum

from scheduling import conf, openings, policies, walltime
from scheduling.bookings.expiring import let_go_of
from scheduling.bookings.locking import Taken, constraint_watched, lock_bookables
from scheduling.bookings.refusals import NotAllowed, NotAnOpening, OutsideWindow, TooSoon
from scheduling.kept import Kept
from scheduling.models import Allocation, Appointment, Service, ServiceBookable
from scheduling.openings import Calendar, Seconds

T = TypeVar("T")
FURTHEST = timedelta(days=730)


@dataclass(slots=True)
class Choice:
    """Who would take a booking, as it looked without a lock."""

    service: Service
    start: datetime
    at: datetime
    besides: Appointment | None
    rather: Collection[UUID]
    known: Calendar
    chosen: list[UUID]


def look(
    service: Service,
    *,
    start: datetime,
    with_id: UUID | None,
    at: datetime,
    any_hours: bool = False,
    besides: Appointment | None = None,
    rather: Collection[UUID] = (),
) -> Choice:
    """Choose who takes it; nothing is locked yet, so it is best done before the transaction.

    `rather` names who should if they are free; `besides` is an appointment that is not in its own way. Refuses with
    `NotAnOpening`; raises `Taken`.
    """
    lo = walltime.seconds(start)
    known = openings.calendar(service, lo=lo, hi=lo + 1, with_id=with_id, at=at, besides=besides, any_hours=any_hours)
    choice = Choice(service, start, at, besides, rather, known, [])
    choice.chosen = _choose(choice)
    return choice


def take(choice: Choice, keep: Callable[[list[UUID]], T]) -> T:
    """Lock those chosen, make sure again, and `keep` it; otherwise the next ones. Raises `Taken` when nobody is left.

    Each try lives in a savepoint: its locks are let go before others are asked for. Those it is to be taken from are
    locked too, in the same order.
    """
    lo = walltime.seconds(choice.start)
    for _try in range(len(choice.known.links) + 1):
        try:
            with constraint_watched():
                lock_bookables({*choice.chosen, *choice.rather})
                _look_again(choice)
                return keep(choice.chosen)
        except Taken:
            if not set(choice.chosen) & choice.known.busy_at(lo):
                choice.known.block(choice.chosen, lo)  # the database knew of somebody who does not take our lock
        choice.chosen = _choose(choice)
    raise Taken


def check_times(service: Service, *, start: datetime, at: datetime, by: Any, override: str) -> None:
    """Refuses what is too soon or too far ahead; with a reason and the right, only what is past or absurdly far."""
    if not policies.may_book(by, service):
        raise NotAnOpening
    if override and not policies.may_override(by):
        raise NotAllowed
    first = at - service.duration if override else openings.earliest(service, at=at)
    last = at + FURTHEST if override else openings.latest(service, at=at)
    if start < first:
        raise TooSoon
    if start >= last:
        raise OutsideWindow
    if start.second or start.microsecond:
        raise NotAnOpening


def _look_again(choice: Choice) -> None:
    """Under the lock: let run-out holds go, add what is taken now, ask the same question again. Raises `Taken`."""
    known, lo = choice.known, walltime.seconds(choice.start)
    first = choice.start - timedelta(seconds=known.shape.before)
    last = choice.start + timedelta(seconds=known.shape.length + known.shape.after)
    mine = choice.besides.pk if choice.besides is not None else None
    run_out = set()
    for appointment_id, bookable_id, start, end, until in _TAKEN.rows(
        ids=choice.chosen, since=first - conf.LONGEST_ALLOCATION, first=first, last=last, mine=mine
    ):
        if until is not None and until <= choice.at:
            run_out.add(appointment_id)
        else:
            known.add_busy(bookable_id, (start, end))
    let_go_of(run_out, at=choice.at)
    if set(choice.chosen) & known.busy_at(lo):
        raise Taken


def _write_taken(
    ids: list[UUID], since: datetime, first: datetime, last: datetime, mine: UUID | None
) -> QuerySet[Any, Any]:
    rows = Allocation.objects.filter(bookable_id__in=ids).live().reaching(since, first, last).order_by()
    if mine is not None:
        rows = rows.exclude(appointment_id=mine)
    return rows.values_list(
        "appointment_id", "bookable_id", Seconds("blocked_start"), Seconds("blocked_end"), "expires_at"
    )


_TAKEN = Kept(_write_taken)


def _choose(choice: Choice) -> list[UUID]:
    known, lo = choice.known, walltime.seconds(choice.start)
    free = known.free(lo, lo + 1).get(lo)
    if free is None:
        if known.would_open(lo):
            raise Taken
        raise NotAnOpening
    first = _order(choice.service, known, choice.start)
    chosen: list[UUID] = []
    for kind, ids in free.items():
        ids.sort(key=lambda one: (one != known.asked_for, one not in choice.rather, *first(one)))
        chosen += ids[: known.needs[kind]]
    return chosen


def _order(service: Service, known: Calendar, start: datetime) -> Callable[[UUID], tuple[Any, ...]]:
    """What puts one before another, by the service's way of assigning."""
    place = {link.bookable_id: number for number, link in enumerate(known.links)}
    if service.assignment == Service.Assignment.ROUND_ROBIN:
        turns = ServiceBookable.objects.filter(service=service).values_list("bookable_id", "last_assigned_at")
        last: dict[UUID, datetime | None] = dict(turns.order_by())
        return lambda one: ((moment := last[one]) is not None, moment.timestamp() if moment else 0, place[one])
    if service.assignment == Service.Assignment.LEAST_BUSY:
        load = _loads(known, start)
        return lambda one: (load.get(one, timedelta()), place[one])
    return lambda one: (place[one],)


def _loads(known: Calendar, start: datetime) -> dict[UUID, timedelta]:
    """How much each has taken on their own local day. One query per zone, nearly always one."""
    found: dict[UUID, timedelta] = {}
    for zone in {link.zone for link in known.links}:
        day = walltime.local_date(start, zone)
        lo, hi = walltime.day_start(day, zone), walltime.day_start(day + timedelta(days=1), zone)
        ids = [link.bookable_id for link in known.links if link.zone == zone]
        length = ExpressionWrapper(F("blocked_end") - F("blocked_start"), output_field=DurationField())
        rows = Allocation.objects.filter(bookable_id__in=ids).live().overlapping(lo, hi).order_by()
        found.update(rows.values_list("bookable_id").annotate(load=Sum(length)))
    return found
