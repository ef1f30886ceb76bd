"""Signs of life of the processes that answer no requests."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """When a kind of process was last known to work. Holds nothing of any tenant."""

    name = models.SlugField(_("process"), max_length=30, primary_key=True)
    seen_at = models.DateTimeField(_("seen"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
