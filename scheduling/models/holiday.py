"""Public holidays of the tenant's place."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned


class Holiday(TenantOwned):
    """A day on which every bookable that observes holidays is closed, unless an override opens it."""

    on = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=200)

    class Meta(TenantOwned.Meta):
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["on"]
        constraints = [models.UniqueConstraint(fields=["tenant", "on"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.on} {self.name}"
