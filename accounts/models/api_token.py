"""A key with which a program acts for a user: hashed, scoped, expiring, and never a session."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Chooses tokens."""

    def live(self, *, at: datetime) -> Self:
        """Tokens that still open something."""
        return self.filter(revoked_at=None, expires_at__gt=at)


class ApiToken(TenantOwned):
    """One token. `prefix` is shown to recognise it by; `digest` is the SHA-256 of the whole."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("acts for"), on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("What it is for."))
    prefix = models.CharField(_("begins with"), max_length=16, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("may"), default=list)
    created_at = models.DateTimeField(_("made"), editable=False)
    expires_at = models.DateTimeField(_("until"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    objects = TenantManager.from_queryset(ApiTokenQuerySet)()  # type: ignore[misc]

    class Meta(TenantOwned.Meta):
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="one_token_per_digest")]

    def __str__(self) -> str:
        return self.name
