"""Accounts: the door: tenants, people who sign in, roles."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Wire receivers and checks."""
        from accounts import checks, receivers  # noqa: F401, PLC0415 - models must be loaded first

        receivers.connect()
