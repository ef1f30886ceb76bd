"""Probes come by address, not by name, and most of all when something is down: they are answered before all else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

PROXIED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class PeerMiddleware:
    """Remembers whether a proxy spoke for somebody, before `audit.middleware` settles whose word counts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.META["verso.proxied"] = any(request.META.get(header) for header in PROXIED)
        return self.get_response(request)


class ProbesMiddleware:
    """Answers the operators' addresses on any host, before tenancy, sessions and sign-in are asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path not in PROBES:
            return self.get_response(request)
        request.resolver_match = resolve(request.path)
        view, args, kwargs = request.resolver_match
        answer: HttpResponseBase = view(request, *args, **kwargs)
        return answer
