"""Time taken of one bookable: the only table with the guarantee that nothing is booked twice."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager
from scheduling import conf
from scheduling.models.appointment import Appointment
from scheduling.models.bookable import Bookable


class AllocationQuerySet(models.QuerySet["Allocation"]):
    """Allocations, narrowed."""

    def live(self) -> Self:
        """Those the guarantee covers: held or confirmed. Says `released_at IS NULL`, as the partial index does."""
        return self.filter(released_at__isnull=True)

    def busy(self, *, at: datetime) -> Self:
        """Those that keep others out: live, and not a hold that has run out."""
        return self.live().filter(models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=at))

    def overlapping(self, lo: datetime, hi: datetime) -> Self:
        """Those that overlap [lo, hi). Nothing is longer than seven days, so the search is bounded on both sides."""
        return self.reaching(lo - conf.LONGEST_ALLOCATION, lo, hi)

    def reaching(self, since: datetime, lo: datetime, hi: datetime) -> Self:
        """Those that overlap [lo, hi), looked for among what begins at `since` or later."""
        return self.filter(blocked_start__gte=since, blocked_start__lt=hi, blocked_end__gt=lo)


class Allocation(TenantOwned):
    """One bookable taken by one appointment over [blocked_start, blocked_end), buffers inside.

    No two live ones of a bookable overlap and none is longer than seven days: an exclusion constraint and a CHECK on
    PostgreSQL, triggers on SQLite; see `guards.py`.
    """

    class State(models.TextChoices):
        HELD = "held", _("Held")
        CONFIRMED = "confirmed", _("Confirmed")
        RELEASED = "released", _("Released")

    appointment = models.ForeignKey(
        Appointment, verbose_name=_("appointment"), on_delete=models.CASCADE, related_name="allocations"
    )
    bookable = models.ForeignKey(
        Bookable, verbose_name=_("who or what"), on_delete=models.PROTECT, related_name="allocations", db_index=False
    )
    blocked_start = models.DateTimeField(_("taken from"))
    blocked_end = models.DateTimeField(_("taken until"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    expires_at = models.DateTimeField(_("held until"), null=True, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    objects = TenantManager.from_queryset(AllocationQuerySet)()  # type: ignore[misc]

    class Meta(TenantOwned.Meta):
        verbose_name = _("time taken")
        verbose_name_plural = _("time taken")
        ordering = ["blocked_start"]
        indexes = [
            models.Index(
                fields=["bookable", "blocked_start"],
                condition=models.Q(released_at__isnull=True),
                name="allocation_live",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "bookable"],
                condition=models.Q(released_at__isnull=True),
                name="allocation_once",
            ),
            models.CheckConstraint(
                condition=models.Q(blocked_start__lt=models.F("blocked_end")), name="allocation_lasts"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["held", "confirmed"], released_at__isnull=True)
                | models.Q(state="released", released_at__isnull=False),
                name="allocation_live_or_released",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="held") | models.Q(expires_at__isnull=False), name="allocation_hold_runs_out"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="confirmed") | models.Q(expires_at__isnull=True),
                name="allocation_confirmed_stays",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.blocked_start:%Y-%m-%d %H:%M} – {self.blocked_end:%Y-%m-%d %H:%M}"
