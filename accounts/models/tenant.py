"""An organisation with its own site, and the hosts it answers on."""

from uuid import uuid4

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts import validators
from governance.fields import uuid7

HEX_COLOUR = RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as #rrggbb, for example #1f6f5c."))


def logo_path(tenant: "Tenant", filename: str) -> str:
    """A fresh name for each upload, so that caches never show an old logo and no typed name reaches the disk."""
    suffix = filename.rpartition(".")[2].lower()
    return f"brand/{tenant.pk}/{uuid4().hex}.{suffix if suffix in ('png', 'jpg', 'jpeg', 'webp') else 'png'}"


class Tenant(models.Model):
    """An organisation with its own site. `time_zone` is an IANA name, `locale` a language tag."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("short name"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=120)
    tagline = models.CharField(_("tagline"), max_length=200, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validators.time_zone])
    locale = models.CharField(_("language"), max_length=10, default="en", validators=[validators.language])
    brand_colour = models.CharField(_("brand colour"), max_length=7, default="#1f6f5c", validators=[HEX_COLOUR])
    accent_colour = models.CharField(_("accent colour"), max_length=7, default="#b4552d", validators=[HEX_COLOUR])
    logo = models.ImageField(_("logo"), upload_to=logo_path, blank=True, validators=[validators.logo])
    contact_email = models.EmailField(_("e-mail shown to visitors"), blank=True)
    contact_phone = models.CharField(_("phone shown to visitors"), max_length=32, blank=True)
    address = models.TextField(_("address shown to visitors"), blank=True)
    is_active = models.BooleanField(_("open"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def url(self, path: str) -> str:
        """The absolute address of a path on the primary host, as mails write it."""
        hosts = self.domains.order_by("-is_primary", "host").values_list("host", flat=True)
        is_usual = (settings.SITE_SCHEME, settings.SITE_PORT) in (("https", 443), ("http", 80))
        port = "" if is_usual else f":{settings.SITE_PORT}"
        return f"{settings.SITE_SCHEME}://{hosts.first() or 'localhost'}{port}{path}"


class TenantDomain(models.Model):
    """One exact host of a tenant, lower case, without port."""

    tenant = models.ForeignKey(Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="domains")
    host = models.CharField(_("host"), max_length=253, unique=True, validators=[validators.exact_host])
    is_primary = models.BooleanField(_("primary"), default=False)

    class Meta:
        verbose_name = _("host")
        verbose_name_plural = _("hosts")
        ordering = ["host"]
        constraints = [
            models.UniqueConstraint(fields=["tenant"], condition=models.Q(is_primary=True), name="one_primary_host"),
            models.CheckConstraint(condition=models.Q(host=Lower("host")), name="host_lower_case"),
        ]

    def __str__(self) -> str:
        return self.host
