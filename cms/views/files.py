"""The small files a browser, a crawler or a researcher asks for."""

from datetime import timedelta
from pathlib import PurePath

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts import gate
from cms import brand
from cms.context_processors import site_of

LOGO_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
NOT_FOR_CRAWLERS = ("/admin/", "/account/", "/b/", "/calendars/")
PROMISE_HOLDS = timedelta(days=180)


@gate.public
@require_safe
def brand_css(request: HttpRequest) -> HttpResponse:
    """The tenant's colours as a stylesheet."""
    site = site_of(request)
    colours = brand.stylesheet(site.brand_colour, site.accent_colour)
    return _kept(request, colours, "text/css; charset=utf-8", version=site.version)


@gate.public
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The tenant's icon."""
    site = site_of(request)
    return _kept(request, brand.icon(site.initial, site.brand_colour), "image/svg+xml", version=site.version)


@gate.public
@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """The tenant's own logo, under one address whatever the storage; every upload has a name and so a version."""
    stored = site_of(request).logo
    kind = LOGO_TYPES.get(PurePath(stored.name or "").suffix)
    if kind is None:
        raise Http404
    try:
        with stored.open("rb") as picture:
            return _kept(request, picture.read(), kind, version=brand.version(stored.name))
    except FileNotFoundError as lost:
        raise Http404 from lost


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


def _kept(request: HttpRequest, body: str | bytes, content_type: str, *, version: str) -> HttpResponse:
    """A file of the tenant's: immutable under its version, five minutes without."""
    is_versioned = request.GET.get("v") == version
    response = HttpResponse(body, content_type=content_type)
    response["ETag"] = etag = f'"{version}"'
    response["Cache-Control"] = "public, max-age=31536000, immutable" if is_versioned else "public, max-age=300"
    return get_conditional_response(request, etag=etag, response=response) or response
