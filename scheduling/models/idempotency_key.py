"""One request, one answer, however often it is sent."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from scheduling.models.appointment import Appointment


class IdempotencyKey(TenantOwned):
    """A request's key (its SHA-256), the hash of its body, and the appointment that came of it."""

    key = models.CharField(_("key"), max_length=64)
    body_hash = models.CharField(_("hash of the body"), max_length=64)
    appointment = models.ForeignKey(
        Appointment, verbose_name=_("appointment"), on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(_("made"))

    class Meta(TenantOwned.Meta):
        verbose_name = _("request key")
        verbose_name_plural = _("request keys")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="request_once")]

    def __str__(self) -> str:
        return self.key
