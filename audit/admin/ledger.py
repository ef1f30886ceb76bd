"""The ledger's viewer: keyset-paged, so that page ten thousand costs what page one costs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from audit import conf, ledger, reading, wording
from audit.admin.evidence import EvidenceAdmin
from audit.forms import LedgerFilterForm
from audit.models import Event, EventOrigin, Pending

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MICROSECOND = 253_402_300_799_000_000  # the end of year 9999, less than a day short
Key = tuple[datetime, int]
USER = settings.AUTH_USER_MODEL.lower()
OUTCOME_BADGE = {Event.Outcome.REFUSED: "badge--warn", Event.Outcome.FAILED: "badge--bad"}


def _written(event: Event) -> str:
    return f"{(event.occurred_at - EPOCH) // timedelta(microseconds=1)}-{event.pk}"


def _read(words: str) -> Key | None:
    """The key in a page's address; nonsense is no key."""
    moment, _dash, event_id = words.partition("-")
    if not (moment.isdecimal() and event_id.isdecimal() and len(event_id) < 19 and len(moment) < 19):
        return None
    return EPOCH + timedelta(microseconds=min(int(moment), LAST_MICROSECOND)), int(event_id)


def _users(events: list[Event]) -> set[str]:
    """Ids of everybody who signs in and acts, or is acted upon, in these events."""
    acting = {event.actor_id for event in events if event.actor_kind == "user"}
    return acting | {event.object_id for event in events if event.object_type == USER}


class LedgerChangeList(ChangeList):
    """A page of events from a key on, without counting them all."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """The chosen events. Bad input is shown beside its field and chooses nothing."""
        self.filter_specs: list[Any] = []
        self.has_filters = self.has_active_filters = False
        self.clear_all_filters_qs = "?"
        self.form = LedgerFilterForm(request.GET if request.GET else {}, label_suffix="")
        self.acts = wording.acts().items()
        chosen = self.form.choose(self.root_queryset) if self.form.is_valid() else self.root_queryset.none()
        return chosen.defer("body", "mac", "uid", "key_id")

    def get_results(self, request: HttpRequest) -> None:
        """One page and whether there is more on either side."""
        older, newer = _read(request.GET.get("older", "")), _read(request.GET.get("newer", ""))
        rows, more = self._page(older, newer)
        going_back = newer is not None and older is None
        self.older_key = _written(rows[-1]) if rows and (more or going_back) else ""
        self.newer_key = _written(rows[0]) if rows and (older or (going_back and more)) else ""
        names = reading.user_names(_users(rows))
        for event in rows:
            event.names = names
        self.result_list, self.result_count, self.full_result_count = rows, len(rows), None
        self.show_full_result_count = self.can_show_all = self.multi_page = self.show_admin_actions = False
        self.paginator = None

    def _page(self, older: Key | None, newer: Key | None) -> tuple[list[Event], bool]:
        size = self.list_per_page
        if newer and not older:
            rows = list(self.queryset.newer_than(*newer).order_by("occurred_at", "id")[: size + 1])
            return rows[:size][::-1], len(rows) > size
        chosen = self.queryset.older_than(*older) if older else self.queryset
        rows = list(chosen.newest_first()[: size + 1])
        return rows[:size], len(rows) > size

    def _other(self, **keys: str) -> str:
        return self.get_query_string(keys, remove=["older", "newer"])

    @property
    def older_query(self) -> str:
        """Address of the next page."""
        return self._other(older=self.older_key) if self.older_key else ""

    @property
    def newer_query(self) -> str:
        """Address of the page before."""
        return self._other(newer=self.newer_key) if self.newer_key else ""


@admin.register(Event)
class EventAdmin(EvidenceAdmin):
    """What happened in this tenant."""

    change_form_template = "admin/audit/evidence.html"
    list_display = ("time", "act", "about", "actor", "standing", "entrance")
    list_display_links = ("time",)
    actions = None
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("moment", "act", "standing", "reason", "actor", "on_behalf_of", "thing", "people")}),
        (_("Before and after"), {"fields": ("changes",)}),
        (_("Where from"), {"fields": ("entrance", "network", "browser", "request", "trace")}),
        (_("Evidence"), {"fields": ("uid", "authentic", "seal", "key_id", "record")}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Pages by key."""
        return LedgerChangeList

    def get_queryset(self, request: HttpRequest) -> Any:
        """This tenant's events, without the admin's own ordering."""
        return super().get_queryset(request).order_by()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Titled in words. Opens personal values for those who may, and notes that before the page leaves."""
        event: Event = kwargs["obj"]
        context |= {"title": wording.of(event.action), "subtitle": None}
        event.told = reading.read(event, opening=request.user.has_perm(conf.values_permission()))
        if event.told.opened:
            subject = ledger.Subject(event._meta.label_lower, str(event.uid))
            ledger.record("audit.values.read", subject, people=sorted(event.told.opened))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("time"))
    def time(self, event: Event) -> datetime:
        """When it happened."""
        return event.occurred_at

    @admin.display(description=_("time"))
    def moment(self, event: Event) -> str:
        """When it happened, as staff read it and to the microsecond in UTC."""
        local = date_format(timezone.localtime(event.occurred_at), "DATETIME_FORMAT")
        return format_html('{}<br><code class="code">{}</code>', local, event.occurred_at.isoformat())

    @admin.display(description=_("what happened"))
    def act(self, event: Event) -> str:
        """In words, with its code beneath."""
        return format_html('{}<br><code class="code">{}</code>', wording.of(event.action), event.action)

    @admin.display(description=_("outcome"))
    def standing(self, event: Event) -> str:
        """Whether it was done; what was not stands out."""
        look = OUTCOME_BADGE.get(Event.Outcome(event.outcome), "")
        return format_html('<span class="badge {}">{}</span>', look, event.get_outcome_display())

    @admin.display(description=_("who"))
    def actor(self, event: Event) -> str:
        """Who acted: a name for those who sign in, else the kind, with the end of the id where there is one."""
        if event.actor_kind == "user" and (name := self._names(event).get(event.actor_id)):
            return name
        return self._called(wording.actor(event.actor_kind), event.actor_id)

    @admin.display(description=_("about"))
    def about(self, event: Event) -> str:
        """What it was about; links to every event about the same thing."""
        if not event.object_type:
            return ""
        kind = wording.kind(event.object_type)
        name = self._names(event).get(event.object_id) if event.object_type == USER else None
        words = f"{kind} {name}" if name else self._called(kind, event.object_id)
        return self._link("object", event.object_id, words) if event.object_id else words

    @admin.display(description=_("about"))
    def thing(self, event: Event) -> str:
        """The same with the whole kind and id, for whoever copies them."""
        code = format_html('<br><code class="code">{} {}</code>', event.object_type, event.object_id)
        return format_html("{}{}", self.about(event), code) if event.object_type else ""

    @admin.display(description=_("door"))
    def entrance(self, event: Event) -> str:
        """The door it came in by."""
        return wording.door(event.door)

    @admin.display(description=_("request"))
    def request(self, event: Event) -> str:
        """Links to everything that happened in the same request."""
        return self._link("request", event.request_id, event.request_id[:12]) if event.request_id else ""

    @admin.display(description=_("people concerned"))
    def people(self, event: Event) -> str:
        """Ids of the people concerned, each with a link to their events."""
        people = event.content.get("people", [])
        return format_html_join(", ", "{}", ((self._link("person", person, person),) for person in people))

    @admin.display(description=_("changes"))
    def changes(self, event: Event) -> str:
        """Before and after, field by field."""
        words = {"changes": event.told.changes, "hides": event.told.hides, "permission": conf.values_permission()}
        return render_to_string("audit/changes.html", words)

    @admin.display(description=_("on behalf of"))
    def on_behalf_of(self, event: Event) -> str:
        """For whom the actor acted."""
        return str(event.content.get("on_behalf_of", ""))

    @admin.display(description=_("trace id"))
    def trace(self, event: Event) -> str:
        """The trace the request belonged to."""
        return str(event.content.get("trace", ""))

    @admin.display(description=_("network address"))
    def network(self, event: Event) -> str:
        """The visitor's address, until retention removes it."""
        origin = self._origin(event)
        return origin.ip if origin else ""

    @admin.display(description=_("browser"))
    def browser(self, event: Event) -> str:
        """The visitor's browser, until retention removes it."""
        origin = self._origin(event)
        return origin.agent if origin else ""

    @admin.display(description=_("authentic"), boolean=True)
    def authentic(self, event: Event) -> bool:
        """Whether a process holding the ledger's key wrote it."""
        return event.is_authentic

    @admin.display(description=_("seal"))
    def seal(self, event: Event) -> str:
        """Whether it still awaits its seal."""
        return str(_("awaiting its seal") if Pending.objects.filter(event=event).exists() else _("sealed"))

    @admin.display(description=_("record"))
    def record(self, event: Event) -> str:
        """The body as it is hashed, indented for reading."""
        return format_html("<pre>{}</pre>", json.dumps(event.content, indent=2, ensure_ascii=False))

    def _names(self, event: Event) -> dict[str, str]:
        if not hasattr(event, "names"):
            event.names = reading.user_names(_users([event]))
        return event.names

    def _called(self, kind: str, thing_id: str) -> str:
        """A kind, and the end of an id where there is one."""
        return format_html('{} <code class="code">{}</code>', kind, wording.short(thing_id)) if thing_id else kind

    def _origin(self, event: Event) -> EventOrigin | None:
        return EventOrigin.objects.filter(event=event).first()

    def _link(self, name: str, value: str, words: str) -> str:
        return format_html('<a href="{}?{}={}">{}</a>', reverse("admin:audit_event_changelist"), name, value, words)
