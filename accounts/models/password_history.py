"""Hashes of earlier passwords, so that they do not come back."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.fields import uuid7


class PasswordHistory(models.Model):
    """One earlier password of a user, as its salted hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="earlier_passwords")
    password = models.CharField(max_length=128, editable=False)
    replaced_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("earlier password")
        verbose_name_plural = _("earlier passwords")
        default_permissions = ()
        ordering = ["-replaced_at"]

    def __str__(self) -> str:
        return str(self.pk)
