"""What one person needs to run Verso: demo, doctor, health, bench."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "verso.operations"
    label = "operations"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Operations")

    def ready(self) -> None:
        """Let the safety rules be heard by `manage.py check`."""
        import_module("verso.operations.safety")
