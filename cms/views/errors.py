"""What a visitor sees when something cannot be done: plain words, a way on, and JSON where JSON was asked for."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext_lazy as _

from accounts import gate
from governance import tenancy

# status: (code in JSON, title, sentence)
PAGES = {
    400: (
        "bad_request",
        _("That request could not be read"),
        _("Something in the address or the form was not as it should be. Nothing was changed."),
    ),
    403: (
        "forbidden",
        _("This page is not open to you"),
        _("You may need to sign in, or to ask somebody for the right to see it."),
    ),
    404: ("not_found", _("There is no page here"), _("The address may be mistyped, or the page may have moved.")),
    405: (
        "method_not_allowed",
        _("This address does not work that way"),
        _("The page exists, but not for what was just tried. Nothing was changed."),
    ),
    409: (
        "conflict",
        _("Somebody was quicker"),
        _("What you chose has just been taken or changed. Nothing was booked or lost."),
    ),
    413: ("too_large", _("That was too much at once"), _("Please send a shorter text or a smaller file.")),
    429: (
        "too_many_requests",
        _("Just a moment"),
        _("There have been many requests from your connection. Please wait a little and try again."),
    ),
    500: ("server_error", _("Something broke on our side"), _("It is not your fault. Please try again in a moment.")),
    503: (
        "unavailable",
        _("We will be right back"),
        _("The site is under maintenance. Please try again in a moment."),
    ),
}


def page(request: HttpRequest, status: int, *, reason: str = "", retry_after: int = 0) -> HttpResponse:
    """The answer for a status: JSON where JSON was asked for, else a page; a bare one where no tenant is known."""
    code, title, sentence = PAGES[status]
    if wants_json(request):
        return JsonResponse({"error": {"code": code, "message": reason or str(sentence), "fields": {}}}, status=status)
    context = {"status": status, "title": title, "sentence": sentence, "reason": reason, "retry_after": retry_after}
    template = f"errors/{status}.html" if tenancy.current_id_or_none() else "errors/bare.html"
    return render(request, template, context, status=status)


def wants_json(request: HttpRequest) -> bool:
    """Whether the address or the Accept header asks for JSON."""
    return request.path.endswith(".json") or request.get_preferred_type(["text/html", "application/json"]) == (
        "application/json"
    )


@gate.public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400"""
    return page(request, 400)


@gate.public
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403, with the refusal's own words where it has some."""
    return page(request, 403, reason=str(exception or ""))


@gate.public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404"""
    return page(request, 404)


@gate.public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token did not match: mostly a page left open too long, or cookies switched off."""
    words = _(
        "This form had been open for too long, or cookies are switched off. Go back, reload the page and send it again."
    )
    return page(request, 403, reason=str(words))


@gate.public
def server_error(request: HttpRequest) -> HttpResponse:
    """500. Touches no database and no context processor: whatever broke may be exactly that."""
    code, title, sentence = PAGES[500]
    if wants_json(request):
        return JsonResponse({"error": {"code": code, "message": str(sentence), "fields": {}}}, status=500)
    context = {"status": 500, "title": title, "sentence": sentence}
    return HttpResponse(loader.render_to_string("errors/500.html", context), status=500)


def dress(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Give an answer that carries only a status (Django's 405, a limiter's 429) the page that goes with it."""
    is_bare = response.status_code in PAGES and not response.streaming and not getattr(response, "content", b"x")
    if not is_bare or request.method == "HEAD":
        return response
    wait = response.headers.get("Retry-After", "")
    dressed = page(request, response.status_code, retry_after=int(wait) if wait.isdecimal() else 0)
    for name in ("Allow", "Retry-After"):
        if name in response.headers:
            dressed[name] = response.headers[name]
    dressed.cookies.update(response.cookies)
    return dressed
