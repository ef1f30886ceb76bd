"""How pages speak: the language middleware, words left for the next page, and pages for answers with only a status.

Which language a page speaks: the visitor's choice, then the browser's wish, then the tenant's own language."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.messages.middleware import MessageMiddleware as DjangoMessageMiddleware
from django.contrib.messages.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject, empty
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
        locale, clock = _of_tenant()
        language = chosen or _remembered(request) or _wished(request) or _offered(locale) or settings.LANGUAGE_CODE
        with translation.override(language), timezone.override(clock):
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


def _of_tenant() -> tuple[str, str | None]:
    """Its own language, and its zone: times are as the clock on its wall shows them, unless a page knows better."""
    tenant = tenancy.current() if tenancy.current_id_or_none() else None
    return (tenant.locale, tenant.time_zone) if tenant else ("", None)


class MessageMiddleware(DjangoMessageMiddleware):
    """Django's, but cookies and session are opened only for those who have something to say or to read."""

    def process_request(self, request: HttpRequest) -> None:
        """Bind the store late; most pages never ask."""
        request._messages = SimpleLazyObject(lambda: default_storage(request))  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Keep what was said and forget what was read, if anybody asked."""
        if getattr(getattr(request, "_messages", None), "_wrapped", None) is empty:
            return response
        return super().process_response(request, response)


class ErrorPageMiddleware:
    """A bare 405 or 429 becomes a page with a way on; anything that has a body stays as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return errors.dress(request, self.get_response(request))
