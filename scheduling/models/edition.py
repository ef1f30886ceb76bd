"""Which edition of a tenant's services, people and hours is in force."""

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned


class Edition(TenantOwned):
    """One row per tenant, whose random stamp the database itself renews with every change of what can be booked when.

    Triggers do so (`guards.py`), in the transaction of the change: what was read under a stamp that is still in force
    is what the tables say. Stamps never come back, so one that was rolled back vouches for nothing.
    """

    stamp = models.UUIDField(_("stamp"), default=uuid4, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="edition_once")]

    def __str__(self) -> str:
        return str(self.stamp)
