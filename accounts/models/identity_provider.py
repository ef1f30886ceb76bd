"""Another organisation's word for who somebody is: OpenID Connect or SAML, one row per provider and tenant."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.role import Role
from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager


class IdentityProviderQuerySet(models.QuerySet["IdentityProvider"]):
    """Chooses providers."""

    def offered(self) -> Self:
        """Providers a visitor may sign in with."""
        return self.filter(status=IdentityProvider.Status.LIVE)


class IdentityProvider(TenantOwned):
    """How people of one provider come in. In `test` a login shows what it would give and gives nothing.

    `sealed_secret` is the OpenID Connect client secret under a key of the tenant. `mfa_evidence` lists the values of
    `amr`, `acr` or AuthnContextClassRef that count as a second factor; absent evidence is a single factor.
    """

    class Protocol(models.TextChoices):
        """The language spoken."""

        OIDC = "oidc", _("OpenID Connect")
        SAML = "saml", _("SAML 2.0")

    class Status(models.TextChoices):
        """How far it is set up."""

        DRAFT = "draft", _("draft")
        TEST = "test", _("test")
        LIVE = "live", _("live")

    slug = models.SlugField(_("short name"), max_length=40, help_text=_("Part of the addresses you give the provider."))
    name = models.CharField(_("name"), max_length=80, help_text=_("Visitors read it on the sign-in page."))
    protocol = models.CharField(_("protocol"), max_length=4, choices=Protocol)
    status = models.CharField(_("status"), max_length=5, choices=Status, default=Status.DRAFT)
    issuer = models.CharField(
        _("issuer"),
        max_length=500,
        blank=True,
        help_text=_("OpenID Connect: the issuer's https address. SAML: the entity id; empty: as in the metadata."),
    )
    client_id = models.CharField(_("client id"), max_length=255, blank=True)
    sealed_secret = models.BinaryField(_("client secret"), null=True, blank=True, editable=False)
    scopes = models.CharField(_("scopes"), max_length=255, default="openid email profile")
    sealed_signing_key = models.BinaryField(_("signing key"), null=True, blank=True, editable=False)
    certificate = models.TextField(_("our certificate"), blank=True, editable=False)
    metadata = models.TextField(_("metadata"), blank=True, help_text=_("SAML: the provider's metadata, pasted as XML."))
    mfa_evidence = models.JSONField(
        _("counts as a second factor"),
        default=list,
        blank=True,
        help_text=_("Values of amr, acr or AuthnContextClassRef. Without any of them a login is a single factor."),
    )
    max_auth_age = models.PositiveIntegerField(_("re-authenticate after (seconds)"), null=True, blank=True)
    makes_members = models.BooleanField(
        _("admits new people"), default=False, help_text=_("Whoever the provider vouches for becomes a member here.")
    )
    allowed_domains = models.JSONField(
        _("e-mail domains"), default=list, blank=True, help_text=_("Only people of these; empty: all of the provider.")
    )
    default_role = models.ForeignKey(
        Role,
        verbose_name=_("role of new members"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    groups_claim = models.CharField(_("groups are in"), max_length=120, default="groups")
    is_enforced = models.BooleanField(
        _("the only way in"), default=False, help_text=_("Members of these domains cannot use a password any more.")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = TenantManager.from_queryset(IdentityProviderQuerySet)()  # type: ignore[misc]

    class Meta(TenantOwned.Meta):
        verbose_name = _("identity provider")
        verbose_name_plural = _("identity providers")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="one_idp_per_slug")]

    def __str__(self) -> str:
        return self.name


class GroupRoleMapping(TenantOwned):
    """Members of this group at the provider hold this role here, for as long as they are in it."""

    idp = models.ForeignKey(
        IdentityProvider, verbose_name=_("identity provider"), on_delete=models.CASCADE, related_name="mappings"
    )
    group = models.CharField(_("group"), max_length=255, help_text=_("As the provider sends it: a name or an id."))
    role = models.ForeignKey(Role, verbose_name=_("role"), on_delete=models.PROTECT, related_name="+")

    class Meta(TenantOwned.Meta):
        verbose_name = _("group's role")
        verbose_name_plural = _("groups' roles")
        ordering = ["group"]
        constraints = [models.UniqueConstraint(fields=["tenant", "idp", "group", "role"], name="one_role_per_group")]

    def __str__(self) -> str:
        return f"{self.group}: {self.role}"


class ExternalIdentity(TenantOwned):
    """That a provider's subject is a user here. E-mail never links: only this row does."""

    idp = models.ForeignKey(
        IdentityProvider, verbose_name=_("identity provider"), on_delete=models.CASCADE, related_name="identities"
    )
    subject = models.CharField(_("subject"), max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="identities"
    )
    linked_at = models.DateTimeField(_("linked"))
    last_seen_at = models.DateTimeField(_("last seen"), null=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("external identity")
        verbose_name_plural = _("external identities")
        ordering = ["-linked_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "idp", "subject"], name="one_user_per_subject")]

    def __str__(self) -> str:
        return f"{self.idp}: {self.user}"


class Spent(TenantOwned):
    """An assertion or logout token that was believed once and must not be believed again. Kept until it runs out."""

    idp = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+", editable=False)
    digest = models.CharField(max_length=64, editable=False)
    expires_at = models.DateTimeField(editable=False)

    class Meta(TenantOwned.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.digest[:12]

    @classmethod
    def spend(cls, idp: IdentityProvider, digest: str, *, expires_at: datetime, **more: Any) -> bool:
        """Remember it; False when somebody did before. The database decides a race."""
        made = cls._default_manager.bulk_create(
            [cls(idp=idp, digest=digest, expires_at=expires_at, **more)], ignore_conflicts=True
        )
        return cls._default_manager.filter(pk=made[0].pk).exists()


class SamlSeenAssertion(Spent):
    """A SAML assertion's id, per provider."""

    class Meta(Spent.Meta):
        verbose_name = _("seen assertion")
        verbose_name_plural = _("seen assertions")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["tenant", "idp", "digest"], name="one_assertion_once")]


class LogoutTokenSeen(Spent):
    """An OpenID Connect logout token's `jti`, per provider."""

    class Meta(Spent.Meta):
        verbose_name = _("seen logout token")
        verbose_name_plural = _("seen logout tokens")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["tenant", "idp", "digest"], name="one_logout_token_once")]
