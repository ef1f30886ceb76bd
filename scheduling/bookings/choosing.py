"""Who takes a booking: the candidate is chosen, locked, looked at again with the same function, taken or refused."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import DurationField, ExpressionWrapper, F, Sum

from scheduling import openings, policies, walltime
from scheduling.bookings.expiring import expire_overlapping
from scheduling.bookings.locking import Taken, constraint_watched, lock_bookables
from scheduling.bookings.refusals import NotAllowed, NotAnOpening, OutsideWindow, TooSoon
from scheduling.models import Allocation, Appointment, Service
from scheduling.openings import Calendar

T = TypeVar("T")
FURTHEST = timedelta(days=730)


def take(
    service: Service,
    keep: Callable[[list[UUID]], T],
    *,
    start: datetime,
    with_id: UUID | None,
    at: datetime,
    any_hours: bool = False,
    besides: Appointment | None = None,
    rather: Collection[UUID] = (),
) -> T:
    """Choose who takes it, lock them, make sure again, and `keep` it. `rather` names who should, if they are free;
    they are locked with them, so that what they have now may be given back.

    Each try lives in a savepoint: its locks are let go before others are asked for. Refuses with `NotAnOpening`; raises
    `Taken` when nobody is left.
    """
    lo = walltime.seconds(start)
    known = openings.calendar(service, lo=lo, hi=lo + 1, with_id=with_id, at=at, besides=besides, any_hours=any_hours)
    for _try in range(len(known.links) + 1):
        chosen = _choose(service, known, start, rather)
        try:
            with constraint_watched():
                lock_bookables({*chosen, *rather})
                _look_again(known, chosen, start, at=at, besides=besides)
                return keep(chosen)
        except Taken:
            if not set(chosen) & known.busy_at(lo):
                known.block(chosen, lo)  # the database knew of somebody who does not take our lock
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


def _look_again(
    known: Calendar, chosen: list[UUID], start: datetime, *, at: datetime, besides: Appointment | None
) -> None:
    """Under the lock: let run-out holds go, read what is busy now, ask the same question again. Raises `Taken`."""
    lo = walltime.seconds(start)
    blocked = (
        start - timedelta(seconds=known.shape.before),
        start + timedelta(seconds=known.shape.length + known.shape.after),
    )
    expire_overlapping(chosen, *blocked, at=at)
    for bookable_id in chosen:
        known.busy.pop(bookable_id, None)
    known.busy.update(openings.busy(chosen, known.shape, lo, lo + 1, at=at, besides=besides))
    if set(chosen) & known.busy_at(lo):
        raise Taken


def _choose(service: Service, known: Calendar, start: datetime, rather: Collection[UUID]) -> list[UUID]:
    lo = walltime.seconds(start)
    free = known.free(lo, lo + 1).get(lo)
    if free is None:
        if known.would_open(lo):
            raise Taken
        raise NotAnOpening
    first = _order(service, known, start)
    chosen: list[UUID] = []
    for kind, ids in free.items():
        ids.sort(key=lambda one: (one != known.asked_for, one not in rather, *first(one)))
        chosen += ids[: known.needs[kind]]
    return chosen


def _order(service: Service, known: Calendar, start: datetime) -> Callable[[UUID], tuple[Any, ...]]:
    """What puts one before another, by the service's way of assigning."""
    place = {link.bookable_id: number for number, link in enumerate(known.links)}
    if service.assignment == Service.Assignment.ROUND_ROBIN:
        last = {link.bookable_id: link.last_assigned_at for link in known.links}
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
