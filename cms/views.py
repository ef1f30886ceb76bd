"""The public site: home, contact, and the small files a browser, a crawler or a researcher asks for."""

from typing import TYPE_CHECKING

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from cms import brand
from cms.context_processors import Site
from governance import tenancy

if TYPE_CHECKING:
    from django.http import HttpRequest


@require_safe
def brand_css(request: "HttpRequest") -> HttpResponse:
    """The tenant's colours as a stylesheet."""
    tenant = tenancy.current()
    return _drawn(request, brand.stylesheet(tenant.brand_colour, tenant.accent_colour), "text/css; charset=utf-8")


@require_safe
def favicon(request: "HttpRequest") -> HttpResponse:
    """The tenant's icon."""
    tenant = tenancy.current()
    letter = next((sign for sign in tenant.name if sign.isalnum()), "V").upper()
    return _drawn(request, brand.icon(letter, tenant.brand_colour), "image/svg+xml")


@require_safe
def favicon_ico(request: "HttpRequest") -> HttpResponse:
    """The address old browsers guess."""
    return HttpResponseRedirect("/favicon.svg")


def _drawn(request: "HttpRequest", body: str, content_type: str) -> HttpResponse:
    """A file drawn from the tenant's row: immutable under its version, five minutes without."""
    version = Site(tenancy.current(), request).version
    is_versioned = request.GET.get("v") == version
    response = HttpResponse(body, content_type=content_type)
    response["ETag"] = f'"{version}"'
    response["Cache-Control"] = "public, max-age=31536000, immutable" if is_versioned else "public, max-age=300"
    return get_conditional_response(request, etag=response["ETag"], response=response) or response
