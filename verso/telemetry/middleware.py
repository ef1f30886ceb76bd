"""One line per request: method, route, status, duration; who and where come with every line."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase

from audit import context
from verso.telemetry.masking import route_of

log = structlog.get_logger("verso.request")
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestLogMiddleware:
    """Stands outside tenancy, so that a refused host is a line too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        say = log.debug if request.path in QUIET and response.status_code < 400 else log.info
        say(
            "request",
            method=request.method if request.method in METHODS else "other",
            route=route_of(request),
            status=response.status_code,
            duration_ms=round((time.perf_counter() - began) * 1000, 1),
            **_who(request),
        )
        return response


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class NoteTenantMiddleware:
    """Stands inside tenancy and remembers the tenant for the line written outside."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.META["verso.tenant"] = context.current().tenant_id
        return self.get_response(request)


def _who(request: HttpRequest) -> dict[str, str]:
    """Tenant and actor, only as far as the page itself looked: an anonymous visitor's session stays untouched."""
    peek = getattr(context.current().actor, "peek", None)
    actor = peek() if peek else None
    told = {
        "tenant": request.META.get("verso.tenant", ""),
        "actor": f"{actor.kind}:{actor.id}".rstrip(":") if actor else "",
    }
    return {key: value for key, value in told.items() if value}
