"""The desk: staff book, move, cancel and close for customers, each page one verb."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit.tasks import nudge_outbox
from governance import people, tenancy
from governance import policies as governance
from governance.admin import legible, personal
from governance.models import Person
from scheduling import bookings, policies, weeks, zones
from scheduling.forms import ANYBODY, DeskForm, ReasonForm, StaffTimeForm
from scheduling.models import Appointment, Service
from scheduling.views import weekly
from scheduling.views.booking import choices

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

View = Callable[..., "HttpResponse"]
FOUND_AT_MOST = 20
_PAGES = "admin/scheduling/appointment"


def book(model_admin: Any) -> View:
    """Book for somebody: a service, a time, a customer."""

    def view(request: "HttpRequest") -> "HttpResponse":
        _only_managers(request)
        service = Service.objects.filter(slug=request.GET.get("service", "").replace("\0", "")).first()
        if service is None:
            return _page(
                model_admin, request, "book", {"services": Service.objects.all()}, title=_("Book for a customer")
            )
        return Booking(model_admin, request, service).answer()

    return view


class Booking:
    """The desk's booking page for one service: choose a time, then say for whom."""

    def __init__(self, model_admin: Any, request: "HttpRequest", service: Service) -> None:
        self.model_admin, self.request, self.service = model_admin, request, service
        self.providers, self.zone = weekly.providers_of(service), tenancy.current().time_zone
        self.time = StaffTimeForm(request.GET, providers=self.providers, zone=self.zone)
        self.time.is_valid()

    def answer(self) -> "HttpResponse":
        """The week, the customer, or the booking itself."""
        start = self.time.cleaned_data.get("start")
        if start is None or self.time.errors:
            return self._times(status=400 if self.time.errors else 200)
        form = DeskForm(self.request.POST or None, initial={"request_id": uuid4().hex})
        if self.request.method != "POST":
            return self._customer(form, start)
        if not form.is_valid():
            return self._customer(form, start, status=422)
        return self._book(form, start)

    def _book(self, form: DeskForm, start: datetime) -> "HttpResponse":
        clean, with_id, override = form.cleaned_data, self.time.cleaned_data["with"], self.time.cleaned_data["override"]
        try:
            booked = bookings.book(
                self.service,
                start=start,
                with_id=with_id,
                **_for_whom(form),
                request_id=clean["request_id"],
                body_hash=form.body_hash(self.service.pk, start, with_id, override),
                override=override,
                by=self.request.user,
                at=timezone.now(),
            )
        except ValidationError as refusal:
            near = getattr(refusal, "nearest", ())
            status = 409 if isinstance(refusal, bookings.SlotTaken) else 422
            return self._customer(
                form, start, refusal=refusal.messages, nearest=choices(near, self.zone), status=status
            )
        nudge_outbox()
        self.model_admin.message_user(self.request, _("Booked. The customer gets a confirmation by mail."))
        return _to(booked.appointment)

    def _times(self, *, status: int) -> "HttpResponse":
        asked = weekly.asked(self.request.GET, self.providers, at=timezone.now())
        context = weekly.week_context(self.service, asked, at=timezone.now()) | {
            "time": self.time,
            "may_override": policies.may_override(self.request.user),
        }
        title = _("Book %(service)s: choose a time") % {"service": self.service.name}
        return _page(self.model_admin, self.request, "book", context, title=title, status=status)

    def _customer(self, form: DeskForm, start: datetime, *, status: int = 200, **more: Any) -> "HttpResponse":
        context = {
            "service": self.service,
            "start_value": weeks.value(start),
            "when": zones.spoken(start, start + self.service.duration, self.zone),
            "with_value": self.time.cleaned_data["with"] or ANYBODY,
            "override": self.time.cleaned_data["override"],
            "form": form,
            **_sought(self.request),
            **more,
        }
        title = _("Book %(service)s: for whom?") % {"service": self.service.name}
        return _page(self.model_admin, self.request, "book", context, title=title, status=status)


def confirm(model_admin: Any) -> View:
    """Turn a visitor's hold into a booking for them, when they ask for help."""

    def view(request: "HttpRequest", pk: UUID) -> "HttpResponse":
        _only_managers(request)
        held, form, refused = _found(model_admin, request, pk), DeskForm(request.POST or None), ""
        if request.method == "POST" and form.is_valid():
            refused = model_admin.one(request, held, bookings.confirm, at=timezone.now(), **_for_whom(form))
            if not refused:
                nudge_outbox()
                model_admin.message_user(request, _("Confirmed. The customer gets a confirmation by mail."))
                return _to(held)
        context = {
            "form": form,
            "facts": _facts(request, held),
            "refusal": [refused] if refused else [],
            **_sought(request),
        }
        status = 422 if form.errors or refused else 200
        return _page(model_admin, request, "confirm", context, title=_("Confirm for whom?"), status=status)

    return view


def cancel(model_admin: Any) -> View:
    """Cancel on behalf, with the reason."""

    def view(request: "HttpRequest", pk: UUID) -> "HttpResponse":
        _only_managers(request)
        appointment, form = _found(model_admin, request, pk), ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            words = {"reason": form.cleaned_data["reason"]}
            refused = model_admin.one(request, appointment, bookings.cancel, at=timezone.now(), **words)
            if not refused:
                nudge_outbox()
                model_admin.message_user(request, _("Cancelled. The customer is told by mail."))
                return _to(appointment)
            form.add_error("reason", refused)
        context = {"form": form, "appointments": [appointment], "facts": [_facts(request, appointment)]}
        status = 422 if form.errors else 200
        return _page(model_admin, request, "cancel", context, title=_("Cancel the appointment?"), status=status)

    return view


def cancel_many(model_admin: Any, request: "HttpRequest", queryset: QuerySet[Appointment]) -> "HttpResponse | None":
    """The list's action: ask once for the reason, then cancel each."""
    form = ReasonForm(request.POST if "apply" in request.POST else None)
    if form.is_bound and form.is_valid():
        model_admin.each(request, queryset, bookings.cancel, reason=form.cleaned_data["reason"])
        return None
    rows = list(queryset)
    context = {
        "form": form,
        "appointments": rows,
        "facts": [_facts(request, row) for row in rows],
        "is_action": True,
    }
    return _page(model_admin, request, "cancel", context, title=_("Cancel these appointments?"))


def reschedule(model_admin: Any) -> View:
    """Move on behalf, to an offered time or, with the right and a reason, to any other."""

    def view(request: "HttpRequest", pk: UUID) -> "HttpResponse":
        _only_managers(request)
        appointment, at = _found(model_admin, request, pk), timezone.now()
        service, zone = appointment.service, tenancy.current().time_zone
        providers = weekly.providers_of(service)
        data = request.POST if request.method == "POST" else request.GET
        time = StaffTimeForm(data, providers=providers, zone=zone)
        refused, status = "", 200
        if request.method == "POST" and time.is_valid() and time.cleaned_data.get("start"):
            words = {name: time.cleaned_data[name] for name in ("start", "override")}
            with_id = time.cleaned_data["with"]
            refused = model_admin.one(request, appointment, bookings.reschedule, at=at, with_id=with_id, **words)
            if not refused:
                nudge_outbox()
                model_admin.message_user(request, _("Moved. The customer is told by mail."))
                return _to(appointment)
            status = 409
        elif request.method == "POST":
            refused, status = "" if time.errors else _("Choose a time."), 422
        asked = weekly.asked(request.GET, providers, at=at)
        context = weekly.week_context(service, asked, at=at) | {
            "time": time,
            "refusal": [refused] if refused else [],
            "appointment": appointment,
            "facts": _facts(request, appointment),
            "may_override": policies.may_override(request.user),
        }
        return _page(model_admin, request, "reschedule", context, title=_("Move the appointment"), status=status)

    return view


def close(model_admin: Any) -> View:
    """Note that it took place, or that nobody came."""

    @require_POST
    def view(request: "HttpRequest", pk: UUID) -> "HttpResponse":
        _only_managers(request)
        appointment = _found(model_admin, request, pk)
        verb = bookings.mark_no_show if request.POST.get("outcome") == "no_show" else bookings.complete
        refused = model_admin.one(request, appointment, verb, at=timezone.now())
        level = messages.WARNING if refused else messages.SUCCESS
        model_admin.message_user(request, refused or _("Noted."), level)
        return _to(appointment)

    return view


def _only_managers(request: "HttpRequest") -> None:
    if not policies.may_manage(request.user):
        raise PermissionDenied(_("You may not manage appointments."))


def _found(model_admin: Any, request: "HttpRequest", pk: UUID) -> Appointment:
    found: Appointment = get_object_or_404(model_admin.get_queryset(request), pk=pk)
    return found


def _for_whom(form: DeskForm) -> dict[str, Any]:
    """The customer chosen or written down, with the note, as the verbs take them."""
    clean, tenant = form.cleaned_data, tenancy.current()
    known = Person.objects.filter(pk=clean["customer"]).first() if clean["customer"] else None
    customer = known or bookings.Customer(clean["name"], clean["email"], clean["phone"], tenant.locale)
    return {"customer": customer, "note": clean["note"], "zone": (known and known.time_zone) or tenant.time_zone}


def _sought(request: "HttpRequest") -> dict[str, Any]:
    """The customers staff look for (`q`); nobody, for those who may not read people."""
    if not governance.may_read_people(request.user):
        return {"may_not_look": governance.READ_PEOPLE}
    text = request.GET.get("q", "").replace("\0", "")[:200].strip()
    found = people.search(text)[:FOUND_AT_MOST] if text else []
    shown = [(row.pk, legible(row, "name"), legible(row, "email"), legible(row, "phone")) for row in found]
    return {"q": text, "found": shown}


def _facts(request: "HttpRequest", appointment: Appointment) -> dict[str, str]:
    zone = tenancy.current().time_zone
    return {
        "pk": str(appointment.pk),
        "when": zones.spoken(appointment.starts_at, appointment.ends_at, zone),
        "service": appointment.service.name,
        "customer": personal(appointment.customer, "name", by=request.user) or "–",
    }


def _to(appointment: Appointment) -> "HttpResponse":
    return HttpResponseRedirect(reverse("admin:scheduling_appointment_change", args=[appointment.pk]))


def _page(
    model_admin: Any, request: "HttpRequest", name: str, context: dict[str, Any], *, title: str, status: int = 200
) -> "HttpResponse":
    context = model_admin.admin_site.each_context(request) | {"title": title, "opts": model_admin.model._meta} | context
    return TemplateResponse(request, f"{_PAGES}/{name}.html", context, status=status)
