"""The small files a browser, a crawler or a researcher asks for."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts import gate
from cms import brand
from cms.context_processors import Site, site_of

NOT_FOR_CRAWLERS = ("/admin/", "/account/", "/b/", "/calendars/")
PROMISE_HOLDS = timedelta(days=180)


@gate.public
@require_safe
def brand_css(request: HttpRequest) -> HttpResponse:
    """The tenant's colours as a stylesheet."""
    site = site_of(request)
    return _drawn(request, site, brand.stylesheet(site.brand_colour, site.accent_colour), "text/css; charset=utf-8")


@gate.public
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The tenant's icon."""
    site = site_of(request)
    return _drawn(request, site, brand.icon(site.initial, site.brand_colour), "image/svg+xml")


@gate.public
@require_safe
def favicon_ico(request: HttpRequest) -> HttpResponse:
    """The address old browsers guess."""
    return HttpResponseRedirect("/favicon.svg")


@gate.public
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers may read (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_CRAWLERS)]
    lines += ["", f"Sitemap: {request.build_absolute_uri('/sitemap.xml')}", ""]
    return _text("\n".join(lines))


@gate.public
@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom a researcher tells about a hole (RFC 9116)."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: {request.build_absolute_uri('/contact/')}",
        f"Expires: {(midnight + PROMISE_HOLDS).isoformat().replace('+00:00', 'Z')}",
        "Preferred-Languages: en, es",
        f"Canonical: {request.build_absolute_uri('/.well-known/security.txt')}",
    ]
    if email := site_of(request).contact_email:
        lines.insert(0, f"Contact: mailto:{email}")
    return _text("\n".join([*lines, ""]))


def _text(body: str) -> HttpResponse:
    response = HttpResponse(body, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "public, max-age=3600"
    return response


def _drawn(request: HttpRequest, site: Site, body: str, content_type: str) -> HttpResponse:
    """A file drawn from the tenant's row: immutable under its version, five minutes without."""
    is_versioned = request.GET.get("v") == site.version
    response = HttpResponse(body, content_type=content_type)
    response["ETag"] = etag = f'"{site.version}"'
    response["Cache-Control"] = "public, max-age=31536000, immutable" if is_versioned else "public, max-age=300"
    return get_conditional_response(request, etag=etag, response=response) or response
