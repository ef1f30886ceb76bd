"""Cms: a living room: the public site, its words and its messages."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CmsConfig(AppConfig):
    name = "cms"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Site")

    def ready(self) -> None:
        """Guards and checks."""
        from cms import checks, guards, receivers  # noqa: F401, PLC0415 - models must be loaded first

        guards.register()
        post_migrate.connect(receivers.install_guards, sender=self, dispatch_uid="cms.install_guards")
