"""Configuration changes as django-auditlog saw them: a convenience beside the ledger, without its own back door."""

from typing import Any

import auditlog.admin  # noqa: F401 - registers its page first, so that it can be taken away
from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from audit import configuration
from audit.admin.evidence import EvidenceAdmin
from audit.models import LogEntry

admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class LogEntryAdmin(EvidenceAdmin):
    """Changes of configuration in this tenant."""

    change_form_template = "admin/audit/evidence.html"
    list_display = ("timestamp", "action", "object_repr", "actor")
    list_select_related = ("actor", "content_type")
    list_filter = ("action",)
    fields = ("timestamp", "action", "object_repr", "actor", "before_after", "cid")

    @admin.display(description=_("changes"))
    def before_after(self, entry: LogEntry) -> str:
        """Before and after, field by field."""
        return render_to_string("audit/changes.html", {"changes": configuration.shown(entry)})

    def get_queryset(self, request: Any) -> Any:
        """Newest first."""
        return super().get_queryset(request).order_by("-timestamp", "-id")
