"""Giving one's details and booking.

No page here reads a session. The form carries a CSRF token, set on its own page only; a client that sends the
`Idempotency-Key` header needs none, because no other site can make a browser send that header without asking us first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET

from accounts import gate, throttling
from audit import context
from audit.tasks import nudge_outbox
from governance import tenancy
from scheduling import bookings, conf, openings, weeks, zones
from scheduling.forms import ANYBODY, BookingForm, ChoiceQuery
from scheduling.models import Bookable, Service
from scheduling.views import weekly

if TYPE_CHECKING:
    from django.http import HttpRequest

HOLD_COOKIE = "hold"
KEY_HEADER = "Idempotency-Key"
HOLD_RATE = "60/10m"
NEW_HOLD_RATE = "12/10m"  # a hold lasts ten minutes: one address cannot keep a whole week from everybody else
BOOK_RATE = "40/10m"
UNPROVED_RATE = "20/10m"  # without proof of work: scripts, and browsers that run none


class Choice(NamedTuple):
    """One time to choose: as the form sends it, and as a person reads it."""

    value: str
    when: str


def spelled(start: datetime, end: datetime, zone: str) -> dict[str, str]:
    """A span of time in the parts a page shows."""
    return {
        "value": weeks.value(start),
        "day": zones.day_title(zones.wall(start, zone).date()),
        "hours": zones.hours(start, end, zone),
        "zone": zones.label(zone, start),
    }


def choices(found: Iterable[openings.Opening], zone: str) -> list[Choice]:
    """Openings as radio inputs."""
    return [Choice(weeks.value(row.start), zones.brief(row.start, row.end, zone)) for row in found]


@gate.public
@never_cache
@require_GET
@throttling.limited("scheduling.hold", rate=HOLD_RATE, methods=("GET",))
def details(request: "HttpRequest", slug: str) -> HttpResponse:
    """The form for one opening, which is kept for this visitor while they fill it in. 409 if somebody was faster."""
    service, providers = weekly.offered(slug)
    query = ChoiceQuery(request.GET, providers=providers)
    page = Page(request, service, providers, _zone(query))
    if not query.is_valid():
        return page.answer(page.empty_form({}), errors=query, status=400)
    start, with_id = query.cleaned_data["start"], query.cleaned_data["with"]
    form = page.empty_form({"start": weeks.value(start), "with": with_id or ANYBODY})
    token, at = request.COOKIES.get(HOLD_COOKIE, ""), timezone.now()
    if seconds := _too_many_holds(request, token, at):
        return throttling.too_many(request, seconds)
    try:
        kept = bookings.hold(service, start=start, with_id=with_id, token=token, by=_visitor(), at=at)
    except ValidationError as refusal:
        return page.refused(form, refusal, start=start, with_id=with_id)
    form.initial["hold"] = kept.hold_token
    return _keep(page.answer(form, start=start, kept_until=kept.hold_expires_at), request, kept.hold_token)


@throttling.limited("scheduling.book", rate=BOOK_RATE, unproved=UNPROVED_RATE)
def book(request: "HttpRequest", slug: str) -> HttpResponse:
    """Book what the form says: 303 to the appointment, 422 for what cannot be, 409 for what is taken, typing kept."""
    return (_book if KEY_HEADER in request.headers else csrf_protect(_book))(request, slug)


def _book(request: "HttpRequest", slug: str) -> HttpResponse:
    service, providers = weekly.offered(slug)
    typed = request.POST.copy()
    if KEY_HEADER in request.headers:
        typed["request_id"] = request.headers[KEY_HEADER]
    form = BookingForm(typed, providers=providers)
    is_valid, clean = form.is_valid(), form.cleaned_data
    page = Page(request, service, providers, clean.get("timezone") or tenancy.current().time_zone)
    if not is_valid:
        return page.answer(form, start=clean.get("start"), with_id=clean.get("with"), status=422)
    try:
        booked = bookings.book(
            service,
            start=clean["start"],
            with_id=clean["with"],
            customer=bookings.Customer(clean["name"], clean["email"], clean["phone"], get_language() or ""),
            note=clean["note"],
            zone=page.zone,
            request_id=clean["request_id"],
            body_hash=form.body_hash(str(service.pk)),
            hold=clean["hold"] or request.COOKIES.get(HOLD_COOKIE, ""),
            by=_visitor(),
            at=timezone.now(),
        )
    except ValidationError as refusal:
        return page.refused(form, refusal, start=clean["start"], with_id=clean["with"])
    nudge_outbox()
    response = HttpResponseRedirect(reverse("scheduling:booking", args=[booked.token]), status=303)
    response.delete_cookie(HOLD_COOKIE, path=_cookie_path(), samesite="Strict")
    return response


@dataclass(frozen=True, slots=True)
class Page:
    """The page with the form, as it stands after each answer."""

    request: "HttpRequest"
    service: Service
    providers: Sequence[Bookable]
    zone: str

    def empty_form(self, chosen: dict[str, Any]) -> BookingForm:
        """A form nobody has typed into yet, with a key of its own so that sending it twice books once."""
        initial = {"with": ANYBODY, "timezone": self.zone, "request_id": uuid4().hex} | chosen
        return BookingForm(initial=initial, providers=self.providers)

    def refused(
        self, form: BookingForm, refusal: ValidationError, *, start: datetime, with_id: UUID | None
    ) -> HttpResponse:
        """Say why, and offer the nearest times with everything that was typed still there."""
        is_lost = isinstance(refusal, bookings.SlotTaken | bookings.HoldExpired)
        near = getattr(refusal, "nearest", None)
        if near is None:
            near = openings.nearest(self.service, start=start, at=timezone.now(), with_id=with_id)
        status = 429 if isinstance(refusal, bookings.Crowded) else 409 if is_lost else 422
        response = self.answer(form, start=start, with_id=with_id, refusal=refusal, nearest=near, status=status)
        if status == 429:
            response["Retry-After"] = "1"
        return response

    def answer(
        self,
        form: BookingForm,
        *,
        start: datetime | None = None,
        with_id: UUID | None = None,
        kept_until: datetime | None = None,
        errors: ChoiceQuery | None = None,
        refusal: ValidationError | None = None,
        nearest: Iterable[openings.Opening] = (),
        status: int = 200,
    ) -> HttpResponse:
        """The page."""
        first = {"from": zones.wall(start, self.zone).date().isoformat()} if start else {}
        context = {
            "service": self.service,
            "form": form,
            "query": errors,
            "refusal": refusal.messages if refusal else [],
            "nearest": choices(nearest, self.zone),
            "when": spelled(start, start + self.service.duration, self.zone) if start and not refusal else None,
            "zone": self.zone,
            "provider": next((row.name for row in self.providers if row.pk == with_id), ""),
            "kept_until": f"{zones.wall(kept_until, self.zone):%H:%M}" if kept_until else "",
            "week_query": urlencode(first | {"tz": self.zone, "with": with_id or ANYBODY}),
        }
        return render(self.request, "scheduling/details.html", context, status=status)


def _zone(query: ChoiceQuery) -> str:
    query.is_valid()
    return query.cleaned_data.get("tz") or tenancy.current().time_zone


def _too_many_holds(request: "HttpRequest", token: str, at: datetime) -> int:
    """Seconds to wait before another hold; moving the one somebody has already is free."""
    if bookings.hold_of(token, at=at) is not None:
        return 0
    return throttling.wait(request, "scheduling.hold.new", rate=NEW_HOLD_RATE, methods=("GET",))


def _visitor() -> context.Actor:
    return context.current().who()


def _cookie_path() -> str:
    return reverse("scheduling:book")


def _keep(response: HttpResponse, request: "HttpRequest", token: str) -> HttpResponse:
    """Remember the hold, so that looking again or choosing another time moves it instead of taking a second one."""
    response.set_cookie(
        HOLD_COOKIE,
        token,
        max_age=conf.HOLD_FOR,
        path=_cookie_path(),
        httponly=True,
        samesite="Strict",
        secure=request.is_secure(),
    )
    return response
