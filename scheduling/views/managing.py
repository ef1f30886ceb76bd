"""The customer's own appointment, opened with the secret in its address.

The address is all the authority there is: no session is read and no cookie is asked for, so the link works from any
mail program, and a forged request from another site could only do what its author, knowing the secret, can do anyway.
That is why the POSTs here carry no CSRF token. The pages keep out of indexes and caches, and send no Referer.
"""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts import gate, throttling
from audit import context
from audit.tasks import nudge_outbox
from governance import tenancy
from scheduling import bookings, calendars, notices, policies
from scheduling.forms import CancelForm, RescheduleForm
from scheduling.models import Appointment
from scheduling.views import weekly
from scheduling.views.booking import choices, spelled

if TYPE_CHECKING:
    from django.http import HttpRequest

View = Callable[..., HttpResponse]
MANAGE_RATE = "60/10m"


def by_token(view: View) -> View:
    """Find what a secret opens, the same 404 for every wrong one; who brings it acts as the customer.

    Keeps the page out of caches and indexes.
    """

    @wraps(view)
    def found(request: "HttpRequest", token: str) -> HttpResponse:
        appointment = Appointment.objects.by_token(token).select_related("service", "customer").first()
        if appointment is None:
            raise Http404
        with context.acting(actor=_customer(appointment)):
            response = view(request, appointment, token)
        response["Cache-Control"] = "no-store, private"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return found


@gate.public
@require_safe
@by_token
def booking(request: "HttpRequest", appointment: Appointment, token: str) -> HttpResponse:
    """How the appointment stands. Changes nothing."""
    return _page(request, appointment, token)


@gate.public
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@throttling.limited("scheduling.manage", rate=MANAGE_RATE)
@by_token
def booking_cancel(request: "HttpRequest", appointment: Appointment, token: str) -> HttpResponse:
    """Ask once more; a POST cancels."""
    if request.method != "POST":
        context = _facts(appointment, token) | {"form": CancelForm()}
        return render(request, "scheduling/cancel.html", context)
    form = CancelForm(request.POST)
    if not form.is_valid():
        return render(request, "scheduling/cancel.html", _facts(appointment, token) | {"form": form}, status=422)
    try:
        bookings.cancel(appointment, reason=form.cleaned_data["reason"], by=_customer(appointment), at=timezone.now())
    except ValidationError as refusal:
        appointment.refresh_from_db()
        return _page(request, appointment, token, refusal=refusal)
    nudge_outbox()
    return _see_other(token)


@gate.public
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@throttling.limited("scheduling.manage", rate=MANAGE_RATE)
@by_token
def booking_reschedule(request: "HttpRequest", appointment: Appointment, token: str) -> HttpResponse:
    """A week of other times; a POST moves the appointment to one of them."""
    if request.method != "POST":
        return _times(request, appointment, token)
    form = RescheduleForm(request.POST)
    if not form.is_valid():
        return _times(request, appointment, token, form=form, status=422)
    start, at = form.cleaned_data["start"], timezone.now()
    try:
        bookings.reschedule(appointment, start=start, by=_customer(appointment), at=at)
    except (bookings.AlreadyOver, bookings.TooLate) as refusal:
        appointment.refresh_from_db()
        return _page(request, appointment, token, refusal=refusal)
    except ValidationError as refusal:
        status = 409 if isinstance(refusal, bookings.SlotTaken) else 422
        return _times(request, appointment, token, refusal=refusal, status=status)
    nudge_outbox()
    return _see_other(token)


@gate.public
@require_safe
@by_token
def booking_calendar(request: "HttpRequest", appointment: Appointment, token: str) -> HttpResponse:
    """The appointment as a file for one's own calendar."""
    meeting = notices.meeting(appointment, tenant=tenancy.current(), at=timezone.now(), invites=False)
    response = HttpResponse(calendars.written(meeting, method="PUBLISH"), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response


def _customer(appointment: Appointment) -> context.Actor:
    return context.Actor("customer", str(appointment.customer_id))


def _see_other(token: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("scheduling:booking", args=[token]), status=303)


def _page(
    request: "HttpRequest", appointment: Appointment, token: str, *, refusal: ValidationError | None = None
) -> HttpResponse:
    at = timezone.now()
    heading, lead = _standing(appointment, at)
    context = _facts(appointment, token) | {
        "heading": heading,
        "lead": lead,
        "note": appointment.note,
        "provider": notices.providers(appointment),
        "is_open": not appointment.is_over(at=at),
        "is_over": not appointment.is_live,
        "may_cancel": policies.may_cancel(_customer(appointment), appointment, at=at),
        "may_reschedule": policies.may_reschedule(_customer(appointment), appointment, at=at),
        "refusal": refusal.messages if refusal else [],
    }
    return render(request, "scheduling/manage.html", context, status=409 if refusal else 200)


def _times(
    request: "HttpRequest",
    appointment: Appointment,
    token: str,
    *,
    form: RescheduleForm | None = None,
    refusal: ValidationError | None = None,
    status: int = 200,
) -> HttpResponse:
    at, service = timezone.now(), appointment.service
    if not policies.may_reschedule(_customer(appointment), appointment, at=at):
        return _page(request, appointment, token)
    asked = weekly.asked(request.GET, weekly.providers_of(service), at=at, zone=appointment.display_zone)
    context = weekly.week_context(service, asked, at=at) | _facts(appointment, token)
    context |= {
        "form": form,
        "refusal": refusal.messages if refusal else [],
        "nearest": choices(getattr(refusal, "nearest", ()), asked.zone),
        "zone": asked.zone,
        "choose_method": "post",
        "choose_address": reverse("scheduling:booking_reschedule", args=[token]),
        "choose_label": _("Move to this time"),
    }
    return render(request, "scheduling/reschedule.html", context, status=400 if asked.form.errors else status)


def _facts(appointment: Appointment, token: str) -> dict[str, Any]:
    return {
        "token": token,
        "service": appointment.service,
        "when": spelled(appointment.starts_at, appointment.ends_at, appointment.display_zone),
        "reference": appointment.ical_uid[:8].upper(),
    }


def _standing(appointment: Appointment, at: Any) -> tuple[str, str]:
    if appointment.status == Appointment.Status.CANCELLED:
        return _("Your appointment is cancelled"), _("The time is free for others again.")
    if appointment.is_over(at=at):
        return _("Your appointment is over"), _("Thank you for your visit.")
    return _("Your appointment is confirmed"), _("We have written to the e-mail address you gave.")
