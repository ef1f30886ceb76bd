"""The inbox: what visitors wrote, newest unread first, answered by mail from the same page."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin_site import dashboard_card
from accounts.models import User
from audit import outbox
from audit.tasks import nudge_outbox
from cms import messages as letters
from cms import policies
from cms.forms import ReplyForm
from cms.models import ContactMessage, ContactReply
from governance import people
from governance import policies as governance
from governance.admin.tenant import TenantAdmin, legible, personal

Status = ContactMessage.Status
STATUS_BADGE = {Status.NEW: "badge--brand", Status.ANSWERED: "badge--good", Status.CLOSED: ""}
# What the outbox calls it, what staff read, and how it looks.
MAIL = {
    "waiting": (_("queued"), "badge--warn"),
    "delivered": (_("sent"), "badge--good"),
    "unwanted": (_("not sent: no longer wanted"), ""),
    "parked": (_("failed"), "badge--bad"),
}


def badge(words: Any, look: str) -> SafeString:
    """A small coloured label."""
    return format_html('<span class="badge {}">{}</span>', look, words)


def mail_badge(state: str | None) -> SafeString | str:
    """How the mail with an answer stands."""
    return badge(*MAIL[state]) if state else ""


class Inbox(ChangeList):
    """The list with the state of each message's latest mail, asked for once for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        replies = list(ContactReply.objects.filter(message__in=[m.pk for m in self.result_list]).defer("text"))
        states = outbox.states_of(replies, kind="cms.reply")
        latest = {reply.message_id: states.get(str(reply.pk)) for reply in replies}
        for message in self.result_list:
            message.mail_state = latest.get(message.pk)


@admin.register(ContactMessage)
class ContactMessageAdmin(TenantAdmin):
    """Messages are received, answered and closed by their verbs; nothing here writes a row itself."""

    form = ReplyForm
    list_display = ("who", "about", "received_at", "standing", "mail")
    list_display_links = ("who", "about")
    list_filter = ("status", "received_at")
    list_per_page = 50
    menu_order = 10
    list_select_related = ("person",)
    search_fields = ("person",)  # shows the box; `get_search_results` does the work
    search_help_text = _("Search by the sender's name, or by their whole e-mail address.")
    personal_columns = {"who": ("person", "name")}
    actions = ("close_chosen", "reopen_chosen")
    fieldsets = ((None, {"fields": ("reply", "request_id")}),)
    change_form_template = "admin/cms/contactmessage/change_form.html"

    # --- the list ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[ContactMessage]:
        return ContactMessage.objects.unread_first()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("is_settled", "-received_at")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Inbox

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.search_fields if governance.may_read_people(request.user) else ()

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        if not search_term.strip():
            return queryset, False
        if not governance.may_read_people(request.user):
            return queryset.none(), False
        return queryset.filter(person__in=people.search(search_term)), False

    @admin.display(description=_("from"))
    def who(self, message: ContactMessage) -> SafeString:
        return format_html('<span class="{}">{}</span>', _weight(message), legible(message.person, "name"))

    @admin.display(description=_("subject"))
    def about(self, message: ContactMessage) -> SafeString:
        return format_html('<span class="{}">{}</span>', _weight(message), legible(message, "subject"))

    @admin.display(description=_("status"), ordering="status")
    def standing(self, message: ContactMessage) -> SafeString:
        return badge(message.get_status_display(), STATUS_BADGE[Status(message.status)])

    @admin.display(description=_("answer"))
    def mail(self, message: Any) -> SafeString | str:
        return mail_badge(message.mail_state)

    # --- who may ---
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- one message ---
    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        message = context["original"]
        replies = list(message.replies.select_related("author", "message__person"))
        states = outbox.states_of(replies, kind="cms.reply")
        context |= {
            "title": legible(message, "subject"),
            "subtitle": None,
            "sender": {name: personal(message.person, name, by=request.user) for name in ("name", "email", "phone")},
            "may_read_people": governance.may_read_people(request.user),
            "letter": legible(message, "text"),
            "status_badge": self.standing(message),
            "replies": [(reply, legible(reply, "text"), mail_badge(states.get(str(reply.pk)))) for reply in replies],
            "may_answer": policies.may_answer_messages(request.user),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: ContactMessage, form: Any, change: bool) -> None:
        """Answer, close or reopen through the verb; a refusal is shown, nothing else is saved."""
        now, typed, by = timezone.now(), form.cleaned_data, cast(User, request.user)
        try:
            if typed["reply"]:
                letters.reply(obj, text=typed["reply"], request_id=typed["request_id"], by=by, at=now)
                self.message_user(request, _("Your answer is on its way."))
            if "_close" in request.POST:
                letters.close(obj, by=by, at=now)
            if "_reopen" in request.POST:
                letters.reopen(obj, by=by, at=now)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
        nudge_outbox()

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return ""  # the ledger tells it

    def response_change(self, request: HttpRequest, obj: ContactMessage) -> Any:
        """Back to the message after an answer, to see that it is on its way; back to the inbox after closing."""
        if "_close" in request.POST:
            return self.response_post_save_change(request, obj)
        return HttpResponseRedirect(reverse("admin:cms_contactmessage_change", args=[obj.pk]))

    # --- many at once ---
    @admin.action(description=_("Close the chosen messages"), permissions=["change"])
    def close_chosen(self, request: HttpRequest, chosen: QuerySet[ContactMessage]) -> None:
        """Close each; say which refused and why."""
        self._each(request, chosen, letters.close)

    @admin.action(description=_("Reopen the chosen messages"), permissions=["change"])
    def reopen_chosen(self, request: HttpRequest, chosen: QuerySet[ContactMessage]) -> None:
        """Reopen each; say which refused and why."""
        self._each(request, chosen, letters.reopen)

    def _each(self, request: HttpRequest, chosen: QuerySet[ContactMessage], verb: Any) -> None:
        done = 0
        for message in chosen:
            try:
                verb(message, by=request.user, at=timezone.now())
                done += 1
            except ValidationError as refusal:
                self.message_user(request, f"{message}: {' '.join(refusal.messages)}", messages.WARNING)
        if done:
            self.message_user(request, ngettext("%d message done.", "%d messages done.", done) % done)


@dashboard_card("messages", order=20, permission="cms.view_contactmessage", template="admin/cards/messages.html")
def waiting_messages(request: HttpRequest) -> dict[str, Any]:
    """How many messages nobody has answered, and who has waited longest."""
    new = ContactMessage.objects.new()
    first = new.select_related("person").order_by("received_at")[:4]
    return {
        "count": new.count(),
        "first": [(message, legible(message, "subject")) for message in first],
        "days": _received_by_day(timezone.localdate()),
    }


def _received_by_day(today: date) -> list[tuple[str, int]]:
    """How many messages came on each of the last seven days."""
    days = [today - timedelta(days=ago) for ago in range(6, -1, -1)]
    since = timezone.make_aware(datetime.combine(days[0], time.min))
    moments = ContactMessage.objects.filter(received_at__gte=since).values_list("received_at", flat=True)
    counted = Counter(timezone.localdate(moment) for moment in moments)
    return [(capfirst(date_format(day, "D")), counted[day]) for day in days]


def _weight(message: ContactMessage) -> str:
    return "unread" if message.is_new else ""
