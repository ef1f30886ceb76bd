"""Moving an appointment or a hold to another time: one UPDATE of its own allocations."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, UUIDField, Value, When

from scheduling.bookings.choosing import look, take
from scheduling.bookings.locking import bookables_of, read_locked
from scheduling.models import Allocation, Appointment


def move(
    appointment: Appointment,
    *,
    start: datetime,
    with_id: UUID | None,
    at: datetime,
    still: Callable[[Appointment], None],
    done: Callable[[Appointment, datetime], None],
    any_hours: bool = False,
    hold_until: datetime | None = None,
) -> Appointment:
    """The appointment at its new time, in a transaction of its own.

    Its own old time is not in its way; if the new one cannot be had, everything stays. Whoever it is with keeps it if
    they can. `still` is asked of the locked row and may refuse; `done` is told the moved row and when it was before, in
    the same transaction. Otherwise refuses as `look` and `take` do.
    """
    now_with = bookables_of(appointment)
    choice = look(
        appointment.service,
        start=start,
        with_id=with_id,
        at=at,
        any_hours=any_hours,
        besides=appointment,
        rather=now_with,
    )

    def keep(chosen: list[UUID]) -> Appointment:
        fresh = read_locked(appointment, now_with)
        still(fresh)
        before = fresh.starts_at
        fresh.service = appointment.service  # the one looked at, even if it was edited a moment ago
        fresh.starts_at, fresh.ends_at = start, start + fresh.service.duration
        fresh.asked_for_id, fresh.version = with_id, fresh.version + 1
        fresh.hold_expires_at = hold_until
        fresh.save(update_fields=["starts_at", "ends_at", "asked_for", "version", "hold_expires_at"])
        _rewrite(fresh, now_with, set(chosen))
        done(fresh, before)
        return fresh

    with transaction.atomic():
        return take(choice, keep)


def _rewrite(appointment: Appointment, before: set[UUID], after: set[UUID]) -> None:
    """Its allocations at the new time, with the new bookables: one UPDATE, unless the service needs others now."""
    gone, new = sorted(before - after), sorted(after - before)
    swaps = list(zip(gone, new, strict=False))
    live = Allocation.objects.filter(appointment=appointment).live()
    if gone[len(new) :]:
        live.filter(bookable_id__in=gone[len(new) :]).delete()
    span = {
        "blocked_start": appointment.starts_at - appointment.service.buffer_before,
        "blocked_end": appointment.ends_at + appointment.service.buffer_after,
        "expires_at": appointment.hold_expires_at,
    }
    cases = [When(bookable_id=old, then=Value(other, output_field=UUIDField())) for old, other in swaps]
    live.update(**span, **({"bookable_id": Case(*cases, default=F("bookable_id"))} if cases else {}))
    for bookable_id in new[len(gone) :]:
        Allocation.objects.create(appointment=appointment, bookable_id=bookable_id, state=appointment.status, **span)
