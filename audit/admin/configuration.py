"""Configuration changes as django-auditlog saw them: a convenience beside the ledger, without its own back door."""

from typing import Any

import auditlog.admin  # noqa: F401 - registers its page first, so that it can be taken away
from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from audit import configuration, wording
from audit.admin.evidence import EvidenceAdmin
from audit.models import LogEntry

admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class LogEntryAdmin(EvidenceAdmin):
    """Changes of configuration in this tenant."""

    change_form_template = "admin/audit/evidence.html"
    list_display = ("timestamp", "act", "about", "actor")
    list_select_related = ("actor", "content_type")
    list_filter = ("action",)
    fields = ("timestamp", "act", "about", "object_repr", "actor", "before_after", "cid")

    @admin.display(description=_("what happened"), ordering="action")
    def act(self, entry: LogEntry) -> str:
        """In words."""
        return wording.of(configuration.VERBS[entry.action])

    @admin.display(description=_("about"))
    def about(self, entry: LogEntry) -> str:
        """The kind of row, and the end of its id."""
        return format_html('{} <code class="code">{}</code>', self._kind(entry), wording.short(str(entry.object_pk)))

    def _kind(self, entry: LogEntry) -> str:
        return wording.kind(f"{entry.content_type.app_label}.{entry.content_type.model}")

    def render_change_form(self, request: Any, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Titled in words."""
        if entry := context.get("original"):
            context |= {"title": f"{self._kind(entry)}: {self.act(entry)}", "subtitle": None}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("changes"))
    def before_after(self, entry: LogEntry) -> str:
        """Before and after, field by field."""
        return render_to_string("audit/changes.html", {"changes": configuration.shown(entry)})

    def get_queryset(self, request: Any) -> Any:
        """Newest first."""
        return super().get_queryset(request).order_by("-timestamp", "-id")
