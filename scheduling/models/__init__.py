from scheduling.models.allocation import Allocation
from scheduling.models.appointment import Appointment
from scheduling.models.bookable import Bookable
from scheduling.models.date_override import DateOverride
from scheduling.models.edition import Edition
from scheduling.models.external_busy import ExternalBusy
from scheduling.models.holiday import Holiday
from scheduling.models.idempotency_key import IdempotencyKey
from scheduling.models.service import Service, ServiceBookable
from scheduling.models.weekly_rule import WeeklyRule

__all__ = [
    "Allocation",
    "Appointment",
    "Bookable",
    "DateOverride",
    "Edition",
    "ExternalBusy",
    "Holiday",
    "IdempotencyKey",
    "Service",
    "ServiceBookable",
    "WeeklyRule",
]
