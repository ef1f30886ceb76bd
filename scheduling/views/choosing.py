"""Choosing a service, then a time."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts import gate, throttling
from scheduling import openings, weeks
from scheduling.editions import InForce
from scheduling.forms import OpeningsQuery
from scheduling.models import Service
from scheduling.views import booking, weekly

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

LONGEST = 62


@gate.public
@require_safe
def services(request: "HttpRequest") -> HttpResponse:
    """What is offered, described."""
    return render(request, "scheduling/services.html", {"services": Service.objects.active()})


@gate.public
@require_safe
def book(request: "HttpRequest") -> HttpResponse:
    """What is offered, to choose from."""
    return render(request, "scheduling/services.html", {"services": Service.objects.active(), "is_booking": True})


@gate.public
@csrf_exempt  # the POST checks by itself: see booking.book
@require_http_methods(["GET", "HEAD", "POST"])
@throttling.waits  # the POST counts by itself too
def service(request: "HttpRequest", slug: str) -> "HttpResponseBase":
    """A week of openings; a POST books one."""
    if request.method == "POST":
        return booking.book(request, slug)
    edition, at = InForce(), timezone.now()
    found, providers = weekly.offered(slug, edition)
    asked = weekly.asked(request.GET, providers, at=at)
    context = weekly.week_context(found, asked, at=at, edition=edition) | {
        "choose_method": "get",
        "choose_address": reverse("scheduling:details", args=[slug]),
        "choose_label": _("Continue"),
    }
    return render(request, "scheduling/openings.html", context, status=400 if asked.form.errors else 200)


@gate.public
@require_safe
def openings_json(request: "HttpRequest", slug: str) -> HttpResponse:
    """Openings for programs, at most 62 days. Bad input is 400, an unknown service 404, both in words."""
    edition, at = InForce(), timezone.now()
    try:
        found, providers = weekly.offered(slug, edition)
    except Http404:
        return _error(404, "not_found", _("There is no such service."))
    asked = weekly.asked(request.GET, providers, at=at)
    last = asked.form.cleaned_data.get("to") or asked.first + timedelta(days=weeks.LENGTH - 1)
    days = (last - asked.first).days + 1
    if not 0 < days <= LONGEST and not asked.form.errors:
        asked.form.add_error("to", _("Ask for 1 to %(days)d days.") % {"days": LONGEST})
    if asked.form.errors:
        return _error(400, "invalid", _first_message(asked.form), asked.form.errors)
    lo, hi = weeks.bounds(asked.first, days, asked.zone)
    rows = openings.between(found, lo=lo, hi=hi, zone=asked.zone, with_id=asked.with_id, at=at, edition=edition)
    told = [{"start": weeks.value(row.start), "end": weeks.value(row.end), "with": row.bookable_ids} for row in rows]
    return HttpResponse(orjson.dumps({"openings": told}), content_type="application/json")


def _first_message(form: OpeningsQuery) -> str:
    return str(next(message for messages in form.errors.values() for message in messages))


def _error(status: int, code: str, message: str, fields: Any = None) -> JsonResponse:
    named = {name: list(messages) for name, messages in (fields or {}).items()}
    return JsonResponse({"error": {"code": code, "message": message, "fields": named}}, status=status)
