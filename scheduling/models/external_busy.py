"""Busy time read from somebody's other calendar."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from scheduling.models.bookable import Bookable


class ExternalBusy(TenantOwned):
    """A busy span of another calendar. They overlap by nature, so they are never an Allocation; openings avoid them."""

    bookable = models.ForeignKey(
        Bookable, verbose_name=_("who or what"), on_delete=models.CASCADE, related_name="external_busy", db_index=False
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    source = models.CharField(_("calendar"), max_length=200, blank=True)
    uid = models.CharField(_("its id there"), max_length=255, blank=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("busy elsewhere")
        verbose_name_plural = _("busy elsewhere")
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["bookable", "ends_at"], name="external_busy_by_bookable")]
        constraints = [
            models.CheckConstraint(condition=models.Q(starts_at__lt=models.F("ends_at")), name="external_busy_lasts")
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} – {self.ends_at:%Y-%m-%d %H:%M}"
