"""A browser somebody has signed in with before, known by a random cookie."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned


class KnownDevice(TenantOwned):
    """One browser of one user. The cookie's value is kept as a SHA-256 digest only."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="known_devices"
    )
    digest = models.CharField(max_length=64, editable=False)
    user_agent = models.CharField(_("browser"), max_length=200, blank=True, editable=False)
    first_seen_at = models.DateTimeField(_("first seen"), editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("known device")
        verbose_name_plural = _("known devices")
        ordering = ["-last_seen_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "user", "digest"], name="one_row_per_device")]

    def __str__(self) -> str:
        return self.user_agent or str(self.pk)
