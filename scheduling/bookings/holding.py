"""Holding a time for a visitor while they fill in the form."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit import ledger
from scheduling import conf, links
from scheduling.bookings.choosing import check_times, look, take
from scheduling.bookings.expiring import let_go
from scheduling.bookings.inserting import facts, insert
from scheduling.bookings.locking import taken_is_refused, tried_again
from scheduling.bookings.moving import move
from scheduling.bookings.refusals import AlreadyOver, HoldExpired
from scheduling.models import Appointment, Service

Status = Appointment.Status


@tried_again
def hold(
    service: Service,
    *,
    start: datetime,
    with_id: UUID | None = None,
    by: Any,
    at: datetime,
    token: str = "",
    override: str = "",
) -> Appointment:
    """Keep a time for a visitor who fills in the form. Their next hold with the same `token` moves it.

    The answer's `hold_token` is what the visitor shows to `book`; it is the given `token`, or a new one if that is not
    (or no more) a hold. Refuses with `SlotTaken`, `TooSoon`, `OutsideWindow`, `NotAnOpening`, `NotAllowed`, `Crowded`.
    """
    check_times(service, start=start, at=at, by=by, override=override)
    with taken_is_refused(service, start=start, with_id=with_id, at=at):
        earlier = hold_of(token, at=at)
        if earlier is not None and earlier.service_id == service.pk:
            held = _keep_hold(earlier, start=start, with_id=with_id, at=at, any_hours=bool(override))
        else:
            token = secrets.token_urlsafe(16)
            held = _new_hold(service, token, earlier, start=start, with_id=with_id, at=at, any_hours=bool(override))
    held.hold_token = token
    return held


def hold_of(token: str, *, at: datetime) -> Appointment | None:
    """The live hold this token opens."""
    found = Appointment.objects.by_hold(token).select_related("service").first() if token else None
    return None if found is None or found.hold_is_over(at=at) else found


def is_for(held: Appointment, service: Service, start: datetime, with_id: UUID | None) -> bool:
    return (held.service_id, held.starts_at, held.asked_for_id) == (service.pk, start, with_id)


def check_held(held: Appointment) -> None:
    """Refuses with `HoldExpired` what was let go, and with `AlreadyOver` what is no hold any more."""
    if held.status == Status.EXPIRED:
        raise HoldExpired
    if held.status != Status.HELD:
        raise AlreadyOver


def _keep_hold(
    earlier: Appointment, *, start: datetime, with_id: UUID | None, at: datetime, any_hours: bool
) -> Appointment:
    """The same hold, at the same or another time; the old time stays theirs if the new one cannot be had."""
    if is_for(earlier, earlier.service, start, with_id):
        return earlier  # looking again does not make it last longer

    def done(moved: Appointment, before: datetime) -> None:
        ledger.record("scheduling.appointment.hold_moved", moved, changes={"starts_at": [before, moved.starts_at]})

    return move(
        earlier,
        start=start,
        with_id=with_id,
        at=at,
        still=check_held,
        done=done,
        any_hours=any_hours,
        hold_until=at + conf.HOLD_FOR,
    )


def _new_hold(
    service: Service,
    token: str,
    earlier: Appointment | None,
    *,
    start: datetime,
    with_id: UUID | None,
    at: datetime,
    any_hours: bool,
) -> Appointment:
    """A hold, and the visitor's earlier one let go, together or not at all."""
    kept = {"status": Status.HELD, "hold_expires_at": at + conf.HOLD_FOR, "hold_hash": links.digest(token)}
    choice = look(service, start=start, with_id=with_id, at=at, any_hours=any_hours, besides=earlier)

    def keep(chosen: list[UUID]) -> Appointment:
        if earlier is not None:
            let_go(earlier, at=at)
        return insert(choice, chosen, at=at, **kept)

    with transaction.atomic():
        held = take(choice, keep)
        ledger.record("scheduling.appointment.held", held, changes=facts(held, None))
    return held
