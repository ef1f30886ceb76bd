"""How pages speak: the language middleware, and pages for answers that carry only a status.

Which language a page speaks: the visitor's choice, then the browser's wish, then the tenant's own language."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from cms.views import errors
from governance import tenancy

CHOICE = "lang"
WORDLESS = ("text/css", "image/", "font/", "text/plain", "application/xml")  # files that read the same in any language
A_YEAR = 365 * 24 * 3600


class LanguageMiddleware:
    """`?lang=es` answers in Spanish and remembers it in a cookie; nothing else sets one. Never touches a session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        chosen = _offered(request.GET.get(CHOICE, "")) if request.method in ("GET", "HEAD") else ""
        language = chosen or _remembered(request) or _wished(request) or _of_tenant() or settings.LANGUAGE_CODE
        with translation.override(language), timezone.override(_clock()):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        if not response.headers.get("Content-Type", "").startswith(WORDLESS):
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
            response.headers.setdefault("Content-Language", language)
        if chosen and chosen != _remembered(request):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                chosen,
                max_age=A_YEAR,
                samesite="Lax",
                secure=request.is_secure(),
                httponly=True,
            )
        return response


def _offered(code: str) -> str:
    """The code if we speak it, its plain variant (es-MX: es) if we speak that, else nothing."""
    try:
        return translation.get_supported_language_variant(code) if 0 < len(code) < 36 else ""
    except LookupError:
        return ""


def _remembered(request: HttpRequest) -> str:
    return _offered(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))


def _wished(request: HttpRequest) -> str:
    for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if code == "*":
            return ""
        if language := _offered(code):
            return language
    return ""


def _clock() -> str | None:
    """Times are written as the clock on the tenant's wall shows them, unless a page knows a better zone."""
    return tenancy.current().time_zone if tenancy.current_id_or_none() else None


def _of_tenant() -> str:
    return _offered(tenancy.current().locale) if tenancy.current_id_or_none() else ""


class ErrorPageMiddleware:
    """A bare 405 or 429 becomes a page with a way on; anything that has a body stays as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return errors.dress(request, self.get_response(request))
