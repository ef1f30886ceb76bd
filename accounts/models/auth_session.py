"""A session as its owner and staff see it: where, with what, since when. The session's key is never kept."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.identity_provider import IdentityProvider
from accounts.models.known_device import KnownDevice
from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager


class AuthSessionQuerySet(models.QuerySet["AuthSession"]):
    """Chooses sessions."""

    def open(self, *, at: datetime) -> Self:
        """Sessions that were not ended and have not run out."""
        return self.filter(ended_at=None, expires_at__gt=at)


class AuthSession(TenantOwned):
    """One sign-in, from `signin.finish` until it ends. `key_digest` is the SHA-256 of the session's key."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="auth_sessions"
    )
    key_digest = models.CharField(max_length=64, editable=False)
    # The user's session epoch it was opened in or renewed for: a later one ends it.
    epoch = models.PositiveIntegerField(default=0, editable=False)
    started_at = models.DateTimeField(_("signed in"), editable=False)
    seen_at = models.DateTimeField(_("last seen"), editable=False)
    verified_at = models.DateTimeField(_("last verified"), editable=False)
    expires_at = models.DateTimeField(_("ends at the latest"), editable=False)
    level = models.PositiveSmallIntegerField(_("assurance"), editable=False)
    methods = models.JSONField(_("proven by"), default=list, editable=False)
    is_remembered = models.BooleanField(_("remembered"), default=False, editable=False)
    ip = models.GenericIPAddressField(_("network address"), null=True, editable=False)
    user_agent = models.CharField(_("browser"), max_length=200, blank=True, editable=False)
    device = models.ForeignKey(
        KnownDevice, verbose_name=_("device"), on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    idp = models.ForeignKey(
        IdentityProvider,
        verbose_name=_("identity provider"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
    )
    idp_session = models.CharField(_("session at the provider"), max_length=255, blank=True, editable=False)
    name_id = models.TextField(_("name at the provider"), blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    ended_why = models.CharField(_("why it ended"), max_length=60, blank=True, editable=False)

    objects = TenantManager.from_queryset(AuthSessionQuerySet)()  # type: ignore[misc]

    class Meta(TenantOwned.Meta):
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-seen_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "key_digest"], name="one_row_per_session")]
        indexes = [
            models.Index(fields=["tenant", "user", "-seen_at"], name="session_of_user"),
            models.Index(fields=["idp", "idp_session"], name="session_at_idp", condition=models.Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.user_agent} {self.started_at:%Y-%m-%d %H:%M}"
