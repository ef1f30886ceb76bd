"""The verbs of booking: hold, book, confirm, reschedule, cancel, complete, mark_no_show, renew_link, release_expired.

Every path to a booking (page, admin, task, command) goes through these, and so through the same lock and constraint.
"""

from scheduling.bookings.changing import cancel, complete, mark_no_show, renew_link, reschedule
from scheduling.bookings.expiring import release_expired
from scheduling.bookings.holding import hold, hold_of
from scheduling.bookings.making import Customer, book, confirm
from scheduling.bookings.refusals import (
    AlreadyOver,
    Crowded,
    DifferentBody,
    HoldExpired,
    NotAllowed,
    NotAnOpening,
    NotYet,
    OutsideWindow,
    ReasonMissing,
    Refused,
    SlotTaken,
    TooLate,
    TooSoon,
)
from scheduling.bookings.requests import Booked

__all__ = [
    "AlreadyOver",
    "Booked",
    "Crowded",
    "Customer",
    "DifferentBody",
    "HoldExpired",
    "NotAllowed",
    "NotAnOpening",
    "NotYet",
    "OutsideWindow",
    "ReasonMissing",
    "Refused",
    "SlotTaken",
    "TooLate",
    "TooSoon",
    "book",
    "cancel",
    "complete",
    "confirm",
    "hold",
    "hold_of",
    "mark_no_show",
    "release_expired",
    "renew_link",
    "reschedule",
]
