"""Audit: the foundation: who acts now, what happened, whom to tell."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Audit")

    def ready(self) -> None:
        from audit import checks, receivers, tasks  # noqa: F401, PLC0415 - models must be loaded first

        post_migrate.connect(receivers.install_guards, sender=self, dispatch_uid="audit.install_guards")
        post_save.connect(receivers.feed_ledger, sender=self.get_model("LogEntry"), dispatch_uid="audit.feed_ledger")
        autodiscover_modules("outbox", "acts")
