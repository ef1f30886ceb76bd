"""Who may do what with bookings. True or false; nothing is written."""

from datetime import datetime, timedelta
from typing import Any

from scheduling.models import Appointment, Service

MANAGE = "scheduling.manage_appointments"
OVERRIDE = "scheduling.override_rules"


def may_manage(by: Any) -> bool:
    """May they book, move, cancel and close on behalf of customers?"""
    return _has(by, MANAGE)


def may_override(by: Any) -> bool:
    """May they set notice, window and opening hours aside, with a reason?"""
    return _has(by, OVERRIDE)


def may_book(by: Any, service: Service) -> bool:
    """Anybody may book what is offered; staff also what is not."""
    return service.is_active or may_manage(by)


def may_confirm(by: Any, appointment: Appointment) -> bool:
    """Staff, or the visitor whose hold it is (the door has seen the hold's token)."""
    return appointment.status == Appointment.Status.HELD and (may_manage(by) or _is_visitor(by))


def may_cancel(by: Any, appointment: Appointment, *, at: datetime) -> bool:
    """The customer (the door has seen the manage link) until the notice begins; staff until it is over."""
    return _may_change(by, appointment, appointment.service.cancel_notice_minutes, at=at)


def may_reschedule(by: Any, appointment: Appointment, *, at: datetime) -> bool:
    """The customer (the door has seen the manage link) until the notice begins; staff until it is over."""
    return _may_change(by, appointment, appointment.service.reschedule_notice_minutes, at=at)


def may_close(by: Any, appointment: Appointment, *, at: datetime) -> bool:
    """May they say that it took place, or that nobody came? Staff, once it has begun."""
    return may_manage(by) and appointment.status == Appointment.Status.CONFIRMED and appointment.has_begun(at=at)


def in_notice(appointment: Appointment, minutes: int, *, at: datetime) -> bool:
    """Is it so close that only staff may still change it?"""
    return at > appointment.starts_at - timedelta(minutes=minutes)


def _may_change(by: Any, appointment: Appointment, notice: int, *, at: datetime) -> bool:
    if appointment.status != Appointment.Status.CONFIRMED or appointment.is_over(at=at):
        return False
    if may_manage(by):
        return may_override(by) or not in_notice(appointment, notice, at=at)
    return _is_visitor(by) and not in_notice(appointment, notice, at=at)


def _has(by: Any, permission: str) -> bool:
    ask = getattr(by, "has_perm", None)
    return bool(ask and ask(permission))


def _is_visitor(by: Any) -> bool:
    """An actor named by a door (a customer, somebody unknown), not a user with rights of their own."""
    return by is None or not getattr(by, "is_authenticated", False)
