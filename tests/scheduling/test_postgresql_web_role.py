"""Every verb works through the web's own role, which owns nothing and which row-level security binds."""

from typing import Any

import pytest

from accounts.models import Tenant
from governance import tenancy
from scheduling import bookings, openings
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import NOW, make_booking, make_hold, make_service, morning


@pytest.fixture
def service(transactional_db: None, tenant: Tenant) -> Any:
    """Made before the web's role comes in."""
    return make_service(tenant, providers=2, rooms=1, assignment="round_robin")


def test_hold_book_move_cancel_and_close(service: Any, as_web: Any, second_tenant: Tenant) -> None:
    held = make_hold(service, start=morning())
    booked = make_booking(service, start=morning(), hold=held.hold_token, request_id="one").appointment
    with pytest.raises(bookings.SlotTaken):
        make_booking(service, start=morning())
    moved = bookings.reschedule(booked, start=morning(2), by=None, at=NOW)
    bookings.cancel(moved, reason="A cold.", by=None, at=NOW)
    other = make_booking(service, start=morning(2)).appointment
    bookings.complete(other, by=None, at=morning(2))
    make_hold(service, start=morning(3))
    assert bookings.release_expired(at=morning()) == 1
    assert len(openings.between(service, lo=NOW, hi=morning(2), zone="UTC", at=NOW)) == 17

    assert sorted(Appointment.objects.values_list("status", flat=True)) == ["cancelled", "completed", "expired"]
    with tenancy.within(second_tenant):
        assert Appointment.objects.count() == Allocation.objects.count() == 0
