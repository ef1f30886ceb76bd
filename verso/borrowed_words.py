"""Words libraries show in our pages and cannot say in every language we speak; named here to be translated by us."""

from django.utils.translation import gettext_noop as _

AUDITLOG = (
    _("create"),
    _("update"),
    _("delete"),
    _("access"),
    _("timestamp"),
    _("object representation"),
    _("Correlation ID"),
    _("Created {repr:s}"),
    _("Updated {repr:s}"),
    _("Deleted {repr:s}"),
    _("Logged {repr:s}"),
)
