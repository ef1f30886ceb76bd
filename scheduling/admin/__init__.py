"""The back office of scheduling: what is offered, who and what serves, and the appointments themselves."""

from scheduling.admin import cards as cards
from scheduling.admin.appointments import AppointmentAdmin
from scheduling.admin.bookables import BookableAdmin, DateOverrideAdmin, HolidayAdmin
from scheduling.admin.services import ServiceAdmin

__all__ = ["AppointmentAdmin", "BookableAdmin", "DateOverrideAdmin", "HolidayAdmin", "ServiceAdmin"]
