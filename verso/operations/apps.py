"""What one person needs to run Verso: demo, doctor, health, bench."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "verso.operations"
    label = "operations"
    verbose_name = _("Operations")
