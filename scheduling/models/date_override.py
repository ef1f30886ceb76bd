"""A day or a stretch of days that is not like the others."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from scheduling.models.bookable import Bookable
from scheduling.models.weekly_rule import clock


class DateOverride(TenantOwned):
    """From one day to another: closed, or open for this span instead of the weekly rules. Several rows, several spans.

    Hours past midnight belong to the day they begin on. One without a bookable is everybody's; a bookable's own wins
    over it, and it wins over a holiday. Closed wins over open.
    """

    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("who or what"),
        on_delete=models.CASCADE,
        related_name="overrides",
        null=True,
        blank=True,
        help_text=_("Empty: everybody and everything."),
    )
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), blank=True, help_text=_("Empty: that one day."))
    is_closed = models.BooleanField(_("closed"), default=True)
    start_minute = models.PositiveSmallIntegerField(_("opens, minutes after midnight"), null=True, blank=True)
    end_minute = models.PositiveSmallIntegerField(_("closes, minutes after midnight"), null=True, blank=True)
    label = models.CharField(_("why"), max_length=120, blank=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("changed day")
        verbose_name_plural = _("changed days")
        ordering = ["-starts_on"]
        indexes = [models.Index(fields=["tenant", "ends_on"], name="override_by_day")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts_on__lte=models.F("ends_on")), name="override_starts_before_it_ends"
            ),
            models.CheckConstraint(
                condition=models.Q(is_closed=True, start_minute__isnull=True, end_minute__isnull=True)
                | (
                    models.Q(is_closed=False, start_minute__lt=1440, end_minute__lte=2880)
                    & models.Q(start_minute__lt=models.F("end_minute"))
                ),
                name="override_closed_or_span",
            ),
        ]

    def __str__(self) -> str:
        if self.is_closed or self.start_minute is None or self.end_minute is None:
            return f"{self.starts_on} – {self.ends_on}"
        return f"{self.starts_on} – {self.ends_on}, {clock(self.start_minute)}–{clock(self.end_minute)}"

    def clean(self) -> None:
        """Say in words what the database would refuse."""
        self.ends_on = self.ends_on or self.starts_on
        if self.starts_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The last day must not be before the first.")})
        if self.is_closed:
            self.start_minute = self.end_minute = None
        elif self.start_minute is None or self.end_minute is None or self.start_minute >= self.end_minute:
            raise ValidationError({"end_minute": _("Write when it opens and, after that, when it closes.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """One day unless a last day is given."""
        self.ends_on = self.ends_on or self.starts_on
        super().save(*args, **kwargs)
