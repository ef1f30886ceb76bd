"""When a bookable is open, week after week."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from scheduling.models.bookable import Bookable
from scheduling.walltime import week


class WeeklyRule(TenantOwned):
    """Open on one weekday from one wall-clock minute to another; past 1440 it runs into the next day."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    bookable = models.ForeignKey(
        Bookable, verbose_name=_("who or what"), on_delete=models.CASCADE, related_name="rules"
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    start_minute = models.PositiveSmallIntegerField(_("opens, minutes after midnight"))
    end_minute = models.PositiveSmallIntegerField(
        _("closes, minutes after midnight"), help_text=_("Up to 2880: past 1440 it runs into the next day.")
    )
    valid_from = models.DateField(_("from"), null=True, blank=True)
    valid_to = models.DateField(_("until"), null=True, blank=True, help_text=_("Including this day."))
    every_n_weeks = models.PositiveSmallIntegerField(
        _("every … weeks"), default=1, help_text=_("Counted from the week of the first day.")
    )

    class Meta(TenantOwned.Meta):
        verbose_name = _("weekly rule")
        verbose_name_plural = _("weekly rules")
        ordering = ["bookable", "weekday", "start_minute"]
        indexes = [models.Index(fields=["bookable", "weekday"], name="rule_by_bookable")]
        constraints = [
            models.CheckConstraint(condition=models.Q(weekday__range=(0, 6)), name="rule_weekday_known"),
            models.CheckConstraint(
                condition=models.Q(start_minute__lt=1440, end_minute__lte=2880)
                & models.Q(start_minute__lt=models.F("end_minute")),
                name="rule_opens_before_it_closes",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_from__isnull=True)
                | models.Q(valid_to__isnull=True)
                | models.Q(valid_from__lte=models.F("valid_to")),
                name="rule_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=models.Q(every_n_weeks=1) | models.Q(every_n_weeks__range=(2, 52), valid_from__isnull=False),
                name="rule_counts_weeks_from_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {clock(self.start_minute)}–{clock(self.end_minute)}"

    def clean(self) -> None:
        """Say in words what the database would refuse."""
        if self.start_minute is not None and self.end_minute is not None and self.start_minute >= self.end_minute:
            raise ValidationError({"end_minute": _("It must close after it opens.")})
        if (self.every_n_weeks or 1) > 1 and not self.valid_from:
            raise ValidationError({"valid_from": _("Name the first day, so that the weeks can be counted from it.")})


def holds_on(day: date, valid_from: date | None, valid_to: date | None, every_n_weeks: int) -> bool:
    """Is a date, of the right weekday, within a rule's first and last day and in one of its weeks?"""
    if (valid_from and day < valid_from) or (valid_to and day > valid_to):
        return False
    return every_n_weeks == 1 or (week(day) - week(valid_from or day)) % every_n_weeks == 0


def clock(minute: int) -> str:
    """Minutes after midnight as a wall clock shows them; 1500 is 01:00 of the next day."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}" if minute != 1440 else "24:00"
