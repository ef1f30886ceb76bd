"""The visitor's pages: choose a service and a time, give one's details, keep or change the appointment."""

from scheduling.views.booking import details
from scheduling.views.choosing import book, openings_json, service, services
from scheduling.views.managing import booking, booking_calendar, booking_cancel, booking_reschedule

__all__ = [
    "book",
    "booking",
    "booking_calendar",
    "booking_cancel",
    "booking_reschedule",
    "details",
    "openings_json",
    "service",
    "services",
]
