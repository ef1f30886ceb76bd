"""Several publications that come out at one instant."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned


class Release(TenantOwned):
    """A name and a moment; its publications begin then, all of them or none."""

    name = models.CharField(_("name"), max_length=120)
    at = models.DateTimeField(_("comes out"))
    created_at = models.DateTimeField(_("planned"), editable=False)
    cancelled_at = models.DateTimeField(_("called off"), null=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.name
