"""That a user belongs to a tenant, and which roles they were given there."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.role import Role
from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager


class Membership(TenantOwned):
    """A user in a tenant. Without one nobody signs in there; ended ones stay for the record."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="memberships"
    )
    # Here and not on the user: a person is known to one tenant, a user may belong to several.
    person = models.OneToOneField(
        "governance.Person",
        verbose_name=_("person"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="membership",
    )
    is_active = models.BooleanField(_("active"), default=True)
    joined_at = models.DateTimeField(_("joined"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["user__email_key"]
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_tenant")]

    def __str__(self) -> str:
        return str(self.user)


class RoleGrantQuerySet(models.QuerySet["RoleGrant"]):
    """Chooses grants."""

    def live(self, *, at: datetime) -> Self:
        """Grants in force at a moment."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=at))


class RoleGrant(TenantOwned):
    """One role given to one member. `source` and `idp` say by whom it is kept: a sync replaces only its own."""

    class Source(models.TextChoices):
        """Who keeps a grant."""

        MANUAL = "manual", _("given by hand")
        IDP = "idp", _("from the identity provider")
        BREAK_GLASS = "break-glass", _("break-glass")

    membership = models.ForeignKey(
        Membership, verbose_name=_("member"), on_delete=models.CASCADE, related_name="grants"
    )
    role = models.ForeignKey(Role, verbose_name=_("role"), on_delete=models.PROTECT, related_name="grants")
    source = models.CharField(_("source"), max_length=12, choices=Source, default=Source.MANUAL)
    idp = models.ForeignKey(
        "accounts.IdentityProvider",
        verbose_name=_("identity provider"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("given by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    granted_at = models.DateTimeField(_("given"))

    objects = TenantManager.from_queryset(RoleGrantQuerySet)()  # type: ignore[misc]

    class Meta(TenantOwned.Meta):
        verbose_name = _("role grant")
        verbose_name_plural = _("role grants")
        ordering = ["membership__user__email_key", "-granted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "membership", "role", "source"],
                condition=models.Q(idp=None),
                name="one_grant_per_source",
            ),
            models.UniqueConstraint(
                fields=["tenant", "membership", "role", "idp"],
                condition=models.Q(idp__isnull=False),
                name="one_grant_per_provider",
            ),
            models.CheckConstraint(
                condition=models.Q(source="idp", idp__isnull=False) | (~models.Q(source="idp") & models.Q(idp=None)),
                name="provider_grants_name_their_provider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.membership}: {self.role}"

    def is_live(self, *, at: datetime) -> bool:
        """Whether it is in force at a moment."""
        return self.expires_at is None or self.expires_at > at
