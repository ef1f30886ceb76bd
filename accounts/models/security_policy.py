"""What a tenant demands of sessions, factors and passwords. An empty field means: as the platform says."""

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _number(
    label: "_StrPromise", low: int, high: int, help_text: "_StrPromise | str" = ""
) -> "models.PositiveIntegerField[int | None, int | None]":
    validators = [MinValueValidator(low), MaxValueValidator(high)]
    return models.PositiveIntegerField(label, null=True, blank=True, validators=validators, help_text=help_text)


class SecurityPolicy(TenantOwned):
    """One row per tenant at most. In force is the tighter of this and the platform's (`accounts.security`)."""

    class SecondFactor(models.TextChoices):
        """Who must show a second factor."""

        STAFF = "staff", _("staff")
        EVERYBODY = "everybody", _("everybody who signs in")

    idle_minutes = _number(_("end after silence of (minutes)"), 5, 24 * 60)
    absolute_hours = _number(_("end in any case after (hours)"), 1, 30 * 24)
    remember_days = _number(_("“remember me” lasts (days)"), 0, 90, _("0 takes the choice away."))
    second_factor = models.CharField(_("second factor for"), max_length=10, choices=SecondFactor, blank=True)
    needs_security_key = models.BooleanField(
        _("staff need a security key or passkey"),
        null=True,
        help_text=_("An authenticator app's code can be phished; a key's answer cannot."),
    )
    step_up_minutes = _number(_("verification stays fresh for (minutes)"), 1, 60)
    password_length = _number(_("least length of a password without second factor"), 8, 64)
    password_history = _number(_("earlier passwords that may not come back"), 0, 24)
    password_days = _number(
        _("passwords run out after (days)"),
        0,
        3650,
        _("0: never. NIST SP 800-63B-4 and OWASP ASVS 6.2.10 forbid periodic changes: they make passwords weaker."),
    )
    visitors_may_sign_up = models.BooleanField(_("visitors may make an account"), null=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("security policy")
        verbose_name_plural = _("security policy")
        default_permissions = ("view", "change")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_policy_per_tenant")]

    def __str__(self) -> str:
        return str(_("Security policy"))
