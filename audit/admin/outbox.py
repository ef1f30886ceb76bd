"""The outbox in the admin: what waits, what was told, and the dead letters, which staff may retry."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from audit import outbox, tasks, wording
from audit.admin.evidence import EvidenceAdmin
from audit.models import OutboxMessage

STATE_BADGE = {
    OutboxMessage.State.WAITING: "badge--warn",
    OutboxMessage.State.DELIVERED: "badge--good",
    OutboxMessage.State.PARKED: "badge--bad",
}


class KindFilter(admin.SimpleListFilter):
    """The kinds some app delivers; asking the table for them would read it whole."""

    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind with a handler."""
        return [(kind, wording.of(kind)) for kind in outbox.kinds()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Messages of the kind chosen."""
        return queryset.filter(kind=self.value()) if self.value() in outbox.kinds() else queryset


@admin.register(OutboxMessage)
class OutboxMessageAdmin(EvidenceAdmin):
    """Messages of this tenant."""

    list_display = ("what", "about", "standing", "posted_at", "due_at", "attempts", "error")
    list_filter = ("state", KindFilter)
    ordering = ("-posted_at", "-id")
    actions = ("retry_now",)
    fields = (
        "what",
        "about",
        "standing",
        "attempts",
        "error",
        "posted_at",
        "due_at",
        "finished_at",
        "leased_until",
        "facts",
        "key",
        "actor_kind",
        "actor_id",
        "request_id",
    )

    @admin.display(description=gettext_lazy("what is told"), ordering="kind")
    def what(self, message: OutboxMessage) -> str:
        """In words, with its code beneath."""
        return format_html('{}<br><code class="code">{}</code>', wording.of(message.kind), message.kind)

    @admin.display(description=gettext_lazy("about"))
    def about(self, message: OutboxMessage) -> str:
        """The thing told about: its kind, and the end of its id."""
        kind, short = wording.kind(message.about_type), wording.short(message.about_id)
        return format_html('{} <code class="code" title="{}">{}</code>', kind, message.about_id, short)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def standing(self, message: OutboxMessage) -> str:
        """How far it has come; a dead letter stands out."""
        look = STATE_BADGE.get(OutboxMessage.State(message.state), "")
        return format_html('<span class="badge {}">{}</span>', look, message.get_state_display())

    @admin.display(description=gettext_lazy("payload"))
    def facts(self, message: OutboxMessage) -> str:
        """The payload: ids and plain facts."""
        return format_html("<pre>{}</pre>", json.dumps(message.payload, indent=2, ensure_ascii=False))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who may put dead letters back on their way."""
        return request.user.has_perm("audit.retry_outbox")

    @admin.action(description=gettext_lazy("Retry now"), permissions=["retry"])
    def retry_now(self, request: HttpRequest, chosen: Iterable[OutboxMessage]) -> None:
        """Put each chosen dead letter back on its way; others are named and left alone."""
        done = sum(self._retried(request, message) for message in chosen)
        if done:
            words = ngettext("%d message is on its way again.", "%d messages are on their way again.", done)
            self.message_user(request, words % done, messages.SUCCESS)

    def _retried(self, request: HttpRequest, message: OutboxMessage) -> bool:
        try:
            outbox.retry(message, by=request.user, at=timezone.now())
        except ValidationError as refusal:
            self.message_user(request, f"{message}: {' '.join(refusal.messages)}", messages.WARNING)
            return False
        tasks.nudge_outbox()
        return True

    def get_urls(self) -> list[URLPattern]:
        """One more address: the button on a message's page."""
        view = self.admin_site.admin_view(self.retry_view)
        return [path("<int:pk>/retry/", view, name="audit_outboxmessage_retry"), *super().get_urls()]

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The button *Retry now*. Refuses other methods than POST, and whoever may not retry."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_retry_permission(request):
            raise PermissionDenied
        message = get_object_or_404(self.get_queryset(request), pk=pk)
        if self._retried(request, message):
            self.message_user(request, _("The message is on its way again."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:audit_outboxmessage_change", args=[pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A message's page, with the button where it may be pressed."""
        context = {**(extra_context or {}), "may_retry": self.has_retry_permission(request)}
        return super().change_view(request, object_id, form_url, context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Titled in words."""
        if message := context.get("original"):
            context |= {"title": wording.of(message.kind), "subtitle": None}
        return super().render_change_form(request, context, *args, **kwargs)
