"""What scheduling holds about people: when and what they booked, with whom, and what they told us about it."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from governance.registry import Basis, Erase, Personal, holds, holds_nothing

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

KEPT = _("two years after the appointment")


def _booked(category: str, purpose: "_StrPromise") -> Personal:
    return Personal(category, purpose, Basis.CONTRACT, KEPT, Erase.KEEP)


def _told(category: str, purpose: "_StrPromise") -> Personal:
    return Personal(category, purpose, Basis.CONTRACT, KEPT, Erase.KEY)


holds(
    "scheduling.Appointment",
    about="customer",
    personal={
        "note": _told("user.content", _("to prepare the appointment as the customer asked")),
        "close_reason": _told("user.content", _("to know why it did not take place")),
        "service asked_for": _booked("user.behavior.purchase_history", _("to do what was booked")),
        "starts_at ends_at": _booked(
            "user.behavior.purchase_history", _("to keep the time and to prove what was agreed")
        ),
        "status created_at confirmed_at closed_at": _booked("user.behavior", _("to know how the booking stands")),
        "display_zone": _booked("user.location.imprecise", _("to tell the customer the time in their own zone")),
    },
    nothing="id tenant customer ical_uid sequence version manage_hash manage_generation hold_hash hold_expires_at",
)
holds(
    "scheduling.Allocation",
    about="appointment.customer",
    personal={
        "bookable blocked_start blocked_end": _booked("user.behavior", _("so that nothing is booked twice")),
    },
    nothing="id tenant appointment state expires_at released_at",
)
holds(
    "scheduling.IdempotencyKey",
    about="appointment.customer",
    personal={
        "created_at": Personal(
            "user.behavior",
            _("to answer a request that is sent twice with one appointment"),
            Basis.CONTRACT,
            KEPT,
            Erase.KEEP,
            export=False,
        )
    },
    nothing="id tenant key body_hash appointment",
)
holds_nothing(
    "scheduling.Service",
    "id tenant slug name summary description duration_minutes buffer_before_minutes buffer_after_minutes step_minutes "
    "minimum_notice_minutes window_days cancel_notice_minutes reschedule_notice_minutes capacity assignment "
    "people_needed rooms_needed equipment_needed units_needed price currency is_active order bookables",
)
holds_nothing("scheduling.ServiceBookable", "id tenant service bookable order last_assigned_at")
holds_nothing("scheduling.Holiday", "id tenant on name")
holds_nothing("scheduling.Edition", "id tenant stamp")

# The people who are booked are staff; their name here is the one the site shows, chosen by the tenant.
holds_nothing("scheduling.Bookable", "id tenant kind name slug description time_zone observes_holidays is_active order")
holds_nothing(
    "scheduling.WeeklyRule",
    "id tenant bookable weekday start_minute end_minute valid_from valid_to every_n_weeks",
)
holds_nothing("scheduling.DateOverride", "id tenant bookable starts_on ends_on is_closed start_minute end_minute label")
holds_nothing("scheduling.ExternalBusy", "id tenant bookable starts_at ends_at source uid")
