"""The web's frame: who acts, from where, under which request id; and the refusals that must outlive a rollback.

`RequestContext` stands first. It holds the one trusted-proxy rule: with `TRUSTED_PROXY_COUNT = n` the visitor is the
n-th address from the right of X-Forwarded-For; with 0 the header is nobody's word. `REMOTE_ADDR` then is the visitor,
and the header is gone, so rate limits, lockout and libraries all see the same address.
`RefusedActs` stands inside the tenant's middleware and outside the gate.
"""

import ipaddress
import re
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.functional import empty

from audit import context, floods, ledger

GetResponse = Callable[[HttpRequest], HttpResponseBase]
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_PARENT = r"-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
TRACEPARENT = re.compile(rf"00{_PARENT}")
LATER_TRACEPARENT = re.compile(rf"(?!00|ff)[0-9a-f]{{2}}{_PARENT}(-.*)?")  # later versions may only add to the end
USER_AGENT_LENGTH = 200
ADMIN = "/admin/"


class RequestContext:
    """Set the frame of a request and answer its id in `X-Request-ID`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        frame = _frame(request)
        request.META["REMOTE_ADDR"] = frame.client_ip
        request.META.pop("HTTP_X_FORWARDED_FOR", None)
        with context.restored(frame):
            response = self.get_response(request)
        response["X-Request-ID"] = frame.request_id
        return response


class RefusedActs:
    """Write what was refused or failed in this request, after its transactions are over; of a flood, its number."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with ledger.keeping_refusals() as kept:
            response = self.get_response(request)
            if response.status_code == 403 and not kept:
                ledger.refused("web.request.refused", _route(request), reason=_raised(request) or "403")
            if response.status_code >= 500:  # whatever broke may be what tells who asks, so nobody is looked up now
                with context.acting(actor=context.current().known()):
                    ledger.refused("web.request.failed", _route(request), reason=_raised(request), outcome="failed")
            kept[:] = floods.bounded(kept, at=timezone.now())
        floods.sum_up_here(at=timezone.now())
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Remember which class broke the view; its words may hold personal data and are not kept."""
        name = "PermissionDenied" if isinstance(exception, PermissionDenied) else type(exception).__qualname__
        request.META["verso.raised"] = name


def client_ip(request: HttpRequest) -> str:
    """The visitor's address by the one trusted-proxy rule; "" where there is none (a Unix socket without proxy)."""
    peer = _address(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.TRUSTED_PROXY_COUNT
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if proxies else []
    if not proxies or len(forwarded) < proxies:
        return peer
    return _address(forwarded[-proxies]) or peer


def _frame(request: HttpRequest) -> context.Acting:
    sent_id = request.META.get("HTTP_X_REQUEST_ID", "")
    sent_parent = request.META.get("HTTP_TRACEPARENT", "")
    parent = TRACEPARENT.fullmatch(sent_parent) or LATER_TRACEPARENT.fullmatch(sent_parent)
    agent = request.META.get("HTTP_USER_AGENT", "")
    return context.Acting(
        actor=Visitor(request),
        request_id=sent_id if REQUEST_ID.fullmatch(sent_id) else secrets.token_hex(16),
        trace_id=parent["trace"] if parent else secrets.token_hex(16),
        client_ip=client_ip(request),
        user_agent="".join(filter(str.isprintable, agent))[:USER_AGENT_LENGTH],
        door="admin" if request.path_info.startswith(ADMIN) else "web",
    )


def _address(words: str) -> str:
    """One IP address, without port, brackets or zone; "" when it is none. IPv4 in IPv6 clothes is IPv4."""
    bare = words.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


class Visitor:
    """Binds the actor late: whoever is signed in when somebody asks. No session is touched without its cookie."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __call__(self) -> context.Actor:
        """Who acts now; reads the session when the visitor brought one."""
        return _actor(self._user()) if self._is_somebodys() else context.ANONYMOUS

    def on_behalf_of(self) -> str:
        """As whom they look at the site, where they see it as somebody else."""
        user = self._user() if self._is_somebodys() else None
        return f"user:{user.pk}" if user is not None and getattr(user, "seen_by", None) else ""

    def peek(self) -> context.Actor:
        """Who acts as far as already looked up."""
        return _actor(self._user()) if self._is_known() else context.ANONYMOUS

    def _is_somebodys(self) -> bool:
        return settings.SESSION_COOKIE_NAME in self.request.COOKIES or self._is_known()

    def _user(self) -> Any:
        return getattr(self.request, "user", None)

    def _is_known(self) -> bool:
        return getattr(self._user(), "_wrapped", None) is not empty


def _actor(user: Any) -> context.Actor:
    if user is None or not user.is_authenticated:
        return context.ANONYMOUS
    who = getattr(user, "seen_by", None) or user
    return context.Actor("user", str(who.pk))


def _route(request: HttpRequest) -> ledger.Subject | None:
    """The name of the address, never its path: paths may carry tokens."""
    match = request.resolver_match
    return ledger.Subject("web.route", match.view_name or match.route) if match else None


def _raised(request: HttpRequest) -> str:
    return str(request.META.get("verso.raised", ""))
