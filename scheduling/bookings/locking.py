"""Locks in one order, and what the database says about a race put into words.

Everybody locks bookables first, by id, and appointments after; so nobody waits in a circle.
"""

import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet

from scheduling import conf, guards, openings
from scheduling.bookings.refusals import Crowded, SlotTaken
from scheduling.kept import Kept
from scheduling.models import Allocation, Appointment, Bookable, Service

P = ParamSpec("P")
R = TypeVar("R")
_TRY_AGAIN = {"40P01", "40001", "55P03"}


class Taken(Exception):
    """Inside a verb: the time is gone. Outside it becomes `SlotTaken`, once the transaction is over."""


class Moved(OperationalError):
    """The appointment changed between looking and locking: try again."""


def tried_again(verb: Callable[P, R]) -> Callable[P, R]:
    """Run a verb again after a deadlock, a serialisation failure or a lock not had. Refuses with `Crowded` in the end.

    Inside a transaction of the caller nothing can be tried again; the error rises.
    """

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return verb(*args, **kwargs)
        for attempt in range(conf.TRIES):
            try:
                return verb(*args, **kwargs)
            except DatabaseError as error:
                if not _is_passing(error):
                    raise
                time.sleep(random.uniform(0.005, 0.02) * (attempt + 1))  # nosec B311 - jitter
        try:
            return verb(*args, **kwargs)
        except DatabaseError as error:
            if _is_passing(error):
                raise Crowded from error
            raise

    return run


@contextmanager
def taken_is_refused(service: Service, *, start: datetime, with_id: UUID | None = None, at: datetime) -> Iterator[None]:
    """A lost race leaves as `SlotTaken` with the nearest openings, found when the transaction inside is over."""
    try:
        yield
    except Taken:
        near = openings.nearest(service, start=start, at=at, with_id=with_id)
        raise SlotTaken(nearest=near) from None


@contextmanager
def constraint_watched() -> Iterator[None]:
    """A savepoint in which the database's own guarantee, if it has to speak, says `Taken`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if guards.is_overlap(error):
            raise Taken from error
        raise


def lock_bookables(ids: Collection[UUID]) -> None:
    """Lock these, in the order of their ids. SQLite has locked everything when the transaction began."""
    if ids:
        _LOCK.rows(ids=sorted(ids))


def _write_lock(ids: list[UUID]) -> QuerySet[Any, Any]:
    return Bookable.objects.filter(pk__in=ids).order_by("pk").values_list("pk").select_for_update(no_key=True)


_LOCK = Kept(_write_lock)


def lock_appointment(appointment: Appointment) -> Appointment:
    """Its bookables locked, then itself, read fresh. Raises `Moved` if it got other bookables meanwhile."""
    taken = bookables_of(appointment)
    lock_bookables(taken)
    return read_locked(appointment, taken)


def read_locked(appointment: Appointment, expected: set[UUID]) -> Appointment:
    """The row, locked and fresh, where its bookables are locked. Raises `Moved` if they are others than expected."""
    rows = Appointment.objects.select_for_update(no_key=True, of=("self",)).select_related("service", "customer")
    fresh: Appointment = rows.get(pk=appointment.pk)
    if bookables_of(appointment) != expected:
        raise Moved
    return fresh


def bookables_of(appointment: Appointment) -> set[UUID]:
    """Whom and what it takes."""
    return set(Allocation.objects.filter(appointment=appointment).live().values_list("bookable_id", flat=True))


def _is_passing(error: DatabaseError) -> bool:
    if isinstance(error, Moved):
        return True
    return getattr(error.__cause__, "sqlstate", "") in _TRY_AGAIN or "database is locked" in str(error)
