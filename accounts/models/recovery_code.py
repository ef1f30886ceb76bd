"""A code that stands in for a lost authenticator, once."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.fields import uuid7


class RecoveryCodeQuerySet(models.QuerySet["RecoveryCode"]):
    """Chooses codes."""

    def unused(self) -> Self:
        """Codes that still work."""
        return self.filter(used_at=None)

    def spend(self, digest: str, *, at: datetime) -> bool:
        """Use one up. The database decides a race: exactly one caller sees its row change."""
        return self.unused().filter(digest=digest).update(used_at=at) == 1


class RecoveryCode(models.Model):
    """One code, as a digest only: the code itself is shown once and kept nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = RecoveryCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="one_digest_per_user")]

    def __str__(self) -> str:
        return str(self.pk)
