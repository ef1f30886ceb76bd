"""The tenants' keys, wrapped, and the counter that says somebody was erased."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models.tenant_owned import TenantOwned


class TenantKey(TenantOwned):
    """One generation of a tenant's key for one purpose, under the provider's key-encryption key."""

    class Purpose(models.TextChoices):
        PEOPLE = "people", _("people's keys")
        INDEX = "index", _("looking people up")

    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose.choices)
    generation = models.PositiveSmallIntegerField(_("generation"), default=1)
    wrapped = models.BinaryField(_("wrapped key"))
    provider = models.CharField(_("provider"), max_length=16)
    provider_version = models.CharField(_("provider's version"), max_length=64)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    destroyed_at = models.DateTimeField(_("destroyed"), null=True, blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("key")
        verbose_name_plural = _("keys")
        ordering = ["purpose", "-generation"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "purpose", "generation"], name="one_key_per_generation"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.generation}"


class EraseEpoch(TenantOwned):
    """Counts erasures, so that a process that still holds a destroyed key notices."""

    value = models.PositiveIntegerField(default=0)

    class Meta(TenantOwned.Meta):
        verbose_name = _("erase epoch")
        verbose_name_plural = _("erase epochs")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_epoch_per_tenant")]

    def __str__(self) -> str:
        return str(self.value)
