"""Appointments: found, read, and changed through the verbs only. The stock form changes nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q, QuerySet
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from audit.tasks import nudge_outbox
from governance import people, tenancy
from governance import policies as governance
from governance.admin import TenantAdmin, legible
from scheduling import bookings, policies, weeks, zones
from scheduling.admin import calendar, desk, history
from scheduling.models import Allocation, Appointment, Bookable
from scheduling.walltime import local_date

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

Status = Appointment.Status
_BADGES = {Status.CONFIRMED: "good", Status.HELD: "brand", Status.CANCELLED: "bad", Status.NO_SHOW: "warn"}


class DayFilter(admin.SimpleListFilter):
    """Days counted in the tenant's zone."""

    title = _("day")
    parameter_name = "day"

    def lookups(self, request: "HttpRequest", model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("today", _("Today")),
            ("tomorrow", _("Tomorrow")),
            ("week", _("The next 7 days")),
            ("upcoming", _("From now on")),
            ("past", _("Over")),
        ]

    def queryset(self, request: "HttpRequest", queryset: QuerySet[Appointment]) -> QuerySet[Appointment]:
        now, zone = timezone.now(), tenancy.current().time_zone
        today = local_date(now, zone)
        spans = {"today": (0, 1), "tomorrow": (1, 1), "week": (0, 7)}
        if chosen := spans.get(self.value() or ""):
            ahead, days = chosen
            lo, hi = weeks.bounds(today + timedelta(days=ahead), days, zone)
            return queryset.filter(starts_at__gte=lo, starts_at__lt=hi)
        if self.value() == "upcoming":
            return queryset.filter(ends_at__gt=now)
        return queryset.filter(ends_at__lte=now) if self.value() == "past" else queryset


class ProviderFilter(admin.SimpleListFilter):
    """Who or what an appointment takes."""

    title = _("who or what")
    parameter_name = "with"

    def lookups(self, request: "HttpRequest", model_admin: Any) -> list[tuple[str, str]]:
        return [(str(row.pk), row.name) for row in Bookable.objects.order_by("kind", "order", "name")]

    def queryset(self, request: "HttpRequest", queryset: QuerySet[Appointment]) -> QuerySet[Appointment]:
        chosen = self.value()
        if chosen is None or chosen not in {key for key, _name in self.lookup_choices}:
            return queryset
        return queryset.filter(pk__in=Allocation.objects.filter(bookable_id=chosen).values("appointment"))


@admin.register(Appointment)
class AppointmentAdmin(TenantAdmin):
    """The bookings of this tenant."""

    list_display = ("starts", "service", "customer_shown", "with_whom", "standing", "reference")
    list_display_links = ("starts",)
    list_filter = (DayFilter, "status", ProviderFilter, "service")
    list_per_page = 50
    ordering = ("-starts_at",)
    search_fields = ("ical_uid",)
    search_help_text = _("A name, e-mail or phone number, or the reference")
    personal_columns = {
        "customer_shown": ("customer", "name"),
        "email": ("customer", "email"),
        "phone": ("customer", "phone"),
    }
    actions = ("cancel_chosen", "complete_chosen", "no_show_chosen")
    change_list_template = "admin/scheduling/appointment/change_list.html"
    change_form_template = "admin/scheduling/appointment/change_form.html"
    fieldsets = (
        (None, {"fields": ("standing", "starts", "ends", "service", "with_whom", "asked_for", "display_zone")}),
        (_("Customer"), {"fields": ("customer_shown", "email", "phone", "note")}),
        (_("Record"), {"fields": ("reference", "close_reason", "created_at", "confirmed_at", "closed_at", "sequence")}),
    )

    # --- nothing is typed here ---
    def has_add_permission(self, request: "HttpRequest") -> bool:
        """Appointments are made through the booking pages."""
        return False

    def has_change_permission(self, request: "HttpRequest", obj: Any = None) -> bool:
        """Never by the form: verbs do it."""
        return False

    def has_delete_permission(self, request: "HttpRequest", obj: Any = None) -> bool:
        """Appointments are cancelled, and purged by the retention rules."""
        return False

    def has_manage_permission(self, request: "HttpRequest") -> bool:
        """Who may use the actions."""
        return policies.may_manage(request.user)

    # --- found ---
    def get_queryset(self, request: "HttpRequest") -> QuerySet[Appointment]:
        """With all that a row shows; what was merely held is left out."""
        taken = Prefetch("allocations", Allocation.objects.select_related("bookable").order_by("bookable__kind", "id"))
        rows = super().get_queryset(request).exclude(status=Status.EXPIRED)
        return rows.select_related("service", "customer", "asked_for").prefetch_related(taken)

    def get_search_results(
        self, request: "HttpRequest", queryset: QuerySet[Appointment], search_term: str
    ) -> tuple[QuerySet[Appointment], bool]:
        """By reference, and by customer for those who may read people (blind indexes: nothing is decrypted)."""
        text = search_term.strip().replace("\0", "")[:200]
        if not text:
            return queryset, False
        found = Q(ical_uid__istartswith=text)
        if governance.may_read_people(request.user):
            found |= Q(customer__in=people.search(text).values("pk"))
        return queryset.filter(found), False

    def get_changelist_instance(self, request: "HttpRequest") -> Any:
        """With what can be looked for by whoever asks."""
        listed = super().get_changelist_instance(request)
        if not governance.may_read_people(request.user):
            words = _("The reference; looking for names, e-mails and phone numbers needs the permission %(code)s")
            listed.search_help_text = words % {"code": governance.READ_PEOPLE}
        return listed

    # --- shown ---
    @admin.display(description=_("starts"), ordering="starts_at")
    def starts(self, appointment: Appointment) -> SafeString:
        """In the tenant's zone."""
        begins = zones.wall(appointment.starts_at, _zone())
        return format_html('<span class="nowrap">{}, {}</span>', zones.short_day(begins.date()), f"{begins:%H:%M}")

    @admin.display(description=_("ends"))
    def ends(self, appointment: Appointment) -> str:
        """In the tenant's zone."""
        return f"{zones.wall(appointment.ends_at, _zone()):%H:%M}"

    @admin.display(description=_("customer"))
    def customer_shown(self, appointment: Appointment) -> str:
        """The name, or that it was erased."""
        return legible(appointment.customer, "name") if appointment.customer else "–"

    @admin.display(description=_("e-mail"))
    def email(self, appointment: Appointment) -> str:
        """The customer's address."""
        return legible(appointment.customer, "email") if appointment.customer else "–"

    @admin.display(description=_("phone"))
    def phone(self, appointment: Appointment) -> str:
        """The customer's number."""
        return (legible(appointment.customer, "phone") if appointment.customer else "") or "–"

    @admin.display(description=_("with"))
    def with_whom(self, appointment: Appointment) -> str:
        """Everybody and everything it takes."""
        return ", ".join(row.bookable.name for row in appointment.allocations.all()) or "–"

    @admin.display(description=_("status"), ordering="status")
    def standing(self, appointment: Appointment) -> SafeString:
        """The status as a badge."""
        kind = _BADGES.get(Status(appointment.status), "")
        return format_html('<span class="badge badge--{}">{}</span>', kind, appointment.get_status_display())

    @admin.display(description=_("reference"))
    def reference(self, appointment: Appointment) -> str:
        """What customers read out on the phone."""
        return appointment.ical_uid[:8].upper()

    # --- changed, by verbs ---
    @admin.action(description=_("Cancel the chosen appointments"), permissions=["manage"])
    def cancel_chosen(self, request: "HttpRequest", queryset: QuerySet[Appointment]) -> "HttpResponse | None":
        """Ask for the reason once, then cancel each."""
        return desk.cancel_many(self, request, queryset)

    @admin.action(description=_("Mark as completed"), permissions=["manage"])
    def complete_chosen(self, request: "HttpRequest", queryset: QuerySet[Appointment]) -> None:
        """Note that they took place."""
        self.each(request, queryset, bookings.complete)

    @admin.action(description=_("Mark as no-show"), permissions=["manage"])
    def no_show_chosen(self, request: "HttpRequest", queryset: QuerySet[Appointment]) -> None:
        """Note that nobody came."""
        self.each(request, queryset, bookings.mark_no_show)

    def each(
        self,
        request: "HttpRequest",
        queryset: QuerySet[Appointment],
        verb: Callable[..., Any],
        **words: Any,
    ) -> int:
        """Ask the policy and call the verb for each, one after the other; say how many, and which not and why."""
        at, done = timezone.now(), 0
        for appointment in queryset:
            refused = self.one(request, appointment, verb, at=at, **words)
            if refused:
                self.message_user(request, f"{self.reference(appointment)}: {refused}", messages.WARNING)
            done += not refused
        nudge_outbox()
        if done:
            words_done = ngettext("%(count)d appointment changed.", "%(count)d appointments changed.", done)
            self.message_user(request, words_done % {"count": done}, messages.SUCCESS)
        return done

    def one(
        self,
        request: "HttpRequest",
        appointment: Appointment,
        verb: Callable[..., Any],
        *,
        at: datetime,
        **words: Any,
    ) -> str:
        """Ask the policy, call the verb for one; answers why not, or nothing."""
        try:
            if not policies.may_manage(request.user):
                raise bookings.NotAllowed
            verb(appointment, by=request.user, at=at, **words)
        except ValidationError as refusal:
            return " ".join(refusal.messages)
        return ""

    def changelist_view(self, request: "HttpRequest", extra_context: dict[str, Any] | None = None) -> "HttpResponse":
        """With the way to the calendar and the desk."""
        extra = {"may_book": self.has_manage_permission(request)} | (extra_context or {})
        return super().changelist_view(request, extra)

    # --- pages beside the list ---
    def get_urls(self) -> list[Any]:
        """The calendar, the desk's booking page, and one page per verb."""
        view = self.admin_site.admin_view
        name = "scheduling_appointment"
        own = [
            path("calendar/", view(calendar.page(self)), name=f"{name}_calendar"),
            path("book/", view(desk.book(self)), name=f"{name}_book"),
            path("<uuid:pk>/confirm/", view(desk.confirm(self)), name=f"{name}_confirm"),
            path("<uuid:pk>/cancel/", view(desk.cancel(self)), name=f"{name}_cancel"),
            path("<uuid:pk>/reschedule/", view(desk.reschedule(self)), name=f"{name}_reschedule"),
            path("<uuid:pk>/close/", view(desk.close(self)), name=f"{name}_close"),
        ]
        return own + super().get_urls()

    def render_change_form(
        self, request: "HttpRequest", context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> "HttpResponse":
        """With the verbs that may be used on it now, and what happened so far."""
        at, user = timezone.now(), request.user
        may_cancel, may_reschedule = (may(user, obj, at=at) for may in (policies.may_cancel, policies.may_reschedule))
        stands = obj.status == Status.CONFIRMED and not obj.is_over(at=at)
        context |= {
            "may_confirm": policies.may_confirm(user, obj),
            "may_cancel": may_cancel,
            "may_reschedule": may_reschedule,
            "is_too_late": stands and policies.may_manage(user) and not (may_cancel and may_reschedule),
            "may_close": policies.may_close(user, obj, at=at),
            "history": history.lines(obj, zone=_zone()) if obj else [],
            "events_url": f"{reverse('admin:audit_event_changelist')}?object={obj.pk}" if obj else "",
        }
        return super().render_change_form(request, context, *args, **kwargs, obj=obj)  # type: ignore[misc]


def _zone() -> str:
    return tenancy.current().time_zone
