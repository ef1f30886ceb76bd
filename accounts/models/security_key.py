"""A security key or passkey (WebAuthn): it answers for one host only, and so cannot be phished."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.fields import uuid7


class SecurityKeyQuerySet(models.QuerySet["SecurityKey"]):
    """Chooses keys."""

    def at(self, rp_id: str) -> Self:
        """Keys that answer on this host."""
        return self.filter(rp_id=rp_id)


class SecurityKey(models.Model):
    """One credential of one user at one host. It holds a public key: nothing here lets anybody in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="security_keys")
    name = models.CharField(_("name"), max_length=60)
    # The host it answers for (WebAuthn's relying party id): a user of two tenants has keys for each.
    rp_id = models.CharField(max_length=253, editable=False)
    credential_id = models.CharField(max_length=1400, editable=False)
    public_key = models.TextField(editable=False)
    sign_count = models.BigIntegerField(default=0, editable=False)
    # SHA-256 of the last challenge it answered: the same answer does not serve again, also from a copied session.
    answered = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("added"))
    last_used_at = models.DateTimeField(_("last used"), null=True)

    objects = SecurityKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("security key")
        verbose_name_plural = _("security keys")
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["rp_id", "credential_id"], name="one_key_per_credential")]

    def __str__(self) -> str:
        return self.name
