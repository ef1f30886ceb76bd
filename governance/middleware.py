"""The first door: whose host is this? Runs before anything builds an address or serves a file."""

import contextvars
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseNotFound
from django.http.request import HttpRequest, split_domain_port
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.utils.translation import gettext as _

from governance import tenancy

_DONE = object()


class TenantMiddleware:
    """Enters the tenant of the request's host. Unknown hosts and closed tenants are 404, malformed ones 400.

    The operators' probes stand before it (`verso.operations.middleware`): they are asked by address, not by name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._headers = SecurityMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            host = _host(request)
        except (DisallowedHost, UnicodeError):
            return self._refuse(request, HttpResponseBadRequest(_("This host name is malformed.")))
        tenant_id = tenancy.of_host(host)
        if tenant_id is not None:
            with tenancy.within(tenant_id):
                return _inside(self.get_response(request))
        return self._refuse(request, HttpResponseNotFound(_("Nothing is served on this host.")))

    def _refuse(self, request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
        """A plain answer with the usual headers: without a tenant there is no brand, language or page to show."""
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
        response.headers["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        return self._headers.process_response(request, response)


def _host(request: HttpRequest) -> str:
    """The host as typed, lower case, without port or a trailing dot. Refuses with `DisallowedHost`."""
    host, _port = split_domain_port(request.get_host())
    if not host or "\x00" in host or len(host) > 253:
        raise DisallowedHost("malformed host")
    return host


def _inside(response: Any) -> HttpResponseBase:
    """A streamed answer is produced after the frame is left, so it takes the frame along."""
    if response.streaming and not response.is_async:
        response.streaming_content = _stream(response.streaming_content, contextvars.copy_context())
    answer: HttpResponseBase = response
    return answer


def _stream(chunks: Iterable[bytes], frame: contextvars.Context) -> Iterator[bytes]:
    steps: Any = frame.run(iter, chunks)
    chunk: Any
    while (chunk := frame.run(next, steps, _DONE)) is not _DONE:
        yield chunk
