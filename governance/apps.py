"""Governance: the house rules: tenancy, people, keys."""

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_delete, post_migrate, post_save
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class GovernanceConfig(AppConfig):
    name = "governance"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Governance")

    def ready(self) -> None:
        """Wire the receivers and checks."""
        from governance import checks, receivers  # noqa: F401, PLC0415 - models must be loaded first

        autodiscover_modules("personal_data")

        post_migrate.connect(receivers.mend_fences, sender=self, dispatch_uid="governance.mend_fences")
        for signal in (post_save, post_delete):
            for sender in (settings.TENANT_MODEL, settings.TENANT_DOMAIN_MODEL):
                signal.connect(receivers.forget_tenants, sender=sender, dispatch_uid=f"forget-{id(signal)}-{sender}")
