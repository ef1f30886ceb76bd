"""What the database calls a passing trouble is tried again, a few times, and then said in words."""

from collections.abc import Callable, Iterator
from datetime import datetime

import psycopg
import pytest
from django.db import OperationalError, transaction

from accounts.models import Tenant
from scheduling import bookings, conf
from scheduling.bookings.locking import tried_again
from scheduling.models import Appointment
from tests.factories.scheduling import make_booking, make_hold, make_service, morning


def failing(times: int, error: type[psycopg.Error]) -> Callable[[], str]:
    """A verb that fails so many times and then succeeds."""
    left: Iterator[int] = iter(range(times))

    @tried_again
    def verb() -> str:
        if next(left, None) is not None:
            raise OperationalError("passing") from error()
        return "done"

    return verb


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable]
)
def test_three_times_and_no_more(error: type[psycopg.Error]) -> None:
    assert failing(conf.TRIES, error)() == "done"
    with pytest.raises(bookings.Crowded):
        failing(conf.TRIES + 1, error)()


@pytest.mark.django_db(transaction=True)
def test_other_troubles_rise_at_once() -> None:
    with pytest.raises(OperationalError):
        failing(1, psycopg.errors.DiskFull)()


@pytest.mark.django_db
def test_inside_somebody_elses_transaction_nothing_is_tried_again() -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        failing(1, psycopg.errors.DeadlockDetected)()


@pytest.mark.django_db(transaction=True)
def test_a_hold_that_moved_meanwhile_is_not_booked_at_its_new_time(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visitor moved it in another tab between our look and our lock."""
    service = make_service(tenant)
    held = make_hold(service, start=morning())
    find, meanwhile = bookings.making.hold_of, iter([morning(2)])

    def found_then_moved(token: str, *, at: datetime) -> Appointment | None:
        found = find(token, at=at)
        for elsewhere in meanwhile:
            make_hold(service, start=elsewhere, token=token)
        return found

    monkeypatch.setattr("scheduling.bookings.making.hold_of", found_then_moved)

    booked = make_booking(service, start=morning(), hold=held.hold_token)

    assert booked.appointment.starts_at == morning()
    held.refresh_from_db()
    assert held.status == "expired"


@pytest.mark.django_db(transaction=True)
def test_what_somebody_read_long_ago_is_read_again_before_it_moves(tenant: Tenant) -> None:
    service = make_service(tenant)
    stale = make_booking(service, start=morning(3)).appointment
    bookings.reschedule(Appointment.objects.get(pk=stale.pk), start=morning(4), by=None, at=morning(0))

    moved = bookings.reschedule(stale, start=morning(3), by=None, at=morning(0))

    assert (moved.starts_at, moved.sequence) == (morning(3), 2)
