"""Holds that have run out."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit import ledger
from scheduling.bookings.locking import lock_appointment, tried_again
from scheduling.models import Allocation, Appointment

Status = Appointment.Status


def let_go_of(ids: Collection[UUID], *, at: datetime) -> None:
    """Let go of these holds, in the order of their ids. The caller has locked what they keep."""
    for hold in Appointment.objects.held().filter(pk__in=ids).order_by("pk") if ids else ():
        let_go(hold, at=at)


def let_go(hold: Appointment, *, at: datetime) -> None:
    """Release what a hold kept, and write it down; somebody else may have done so a moment ago."""
    changed = (
        Appointment.objects.held()
        .filter(pk=hold.pk)
        .update(status=Status.EXPIRED, closed_at=at, hold_hash=None, version=hold.version + 1)
    )
    if not changed:
        return
    release(hold, at=at)
    ledger.record("scheduling.appointment.expired", hold, changes={"status": [Status.HELD.value, Status.EXPIRED.value]})


def release(appointment: Appointment, *, at: datetime) -> None:
    """Give its time back."""
    Allocation.objects.filter(appointment=appointment).live().update(
        state=Allocation.State.RELEASED, released_at=at, expires_at=None
    )


def release_expired(*, at: datetime, limit: int = 500) -> int:
    """Let go of holds that have run out, oldest first, at most `limit`; answers how many. Only tidies: an opening is
    offered and can be booked the moment a hold has run out."""
    due = Appointment.objects.held().expired(at=at).order_by("hold_expires_at")[:limit]
    return sum(_release_one(hold, at=at) for hold in due)


@tried_again
def _release_one(hold: Appointment, *, at: datetime) -> bool:
    with transaction.atomic():
        fresh = lock_appointment(hold)
        if not fresh.hold_is_over(at=at):
            return False
        let_go(fresh, at=at)
        return True
