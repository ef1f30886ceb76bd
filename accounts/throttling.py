"""How often: limits per address and person on forms. Guesses at secrets have `accounts.guesses`.

`@limited("booking", rate="20/10m", keys=("ip", "post:email"), unproved="10/10m")` guards a view; a view that would
rather show its form again asks `wait(request, "contact", rate=…)` itself and says so with `@waits`. Rates are
django-ratelimit's. Without Redis each process counts for itself. `RATE_LIMITS=off` lifts the limits.

Sign-up and reset ask `wait` with the same keys whether or not the e-mail is known, answer with the same page, and cost
the same hashes: sign-up exactly one (`backends.burn_a_hash` where nothing is kept), a wish for a reset none at all.
"""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from accounts import bots
from audit import context
from governance import tenancy

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponseBase]
NOBODY = "0.0.0.0"  # nosec B104 - a bucket for requests whose address cannot be read, not an interface


def client_ip(request: HttpRequest) -> str:
    """Whom a limit counts: the address the trusted-proxy middleware found, an IPv6 one as its /64 network."""
    return context.network_of(context.current().client_ip or request.META.get("REMOTE_ADDR", "")) or NOBODY


def address_of(request: HttpRequest) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address the trusted-proxy middleware found, in full."""
    try:
        address = ipaddress.ip_address(context.current().client_ip or request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return ipaddress.ip_address(NOBODY)
    return getattr(address, "ipv4_mapped", None) or address


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> Any:
    return ipaddress.ip_network(f"{address}/{length}", strict=False).network_address


def neighbourhood(request: HttpRequest) -> str:
    """The network an address can change within at no cost: /24, and /64 for IPv6."""
    address = address_of(request)
    return str(_network(address, 24 if address.version == 4 else 64))


def wait(
    request: HttpRequest,
    group: str,
    *,
    rate: str,
    keys: Sequence[str] = ("ip",),
    methods: Iterable[str] = ("POST",),
    unproved: str = "",
) -> int:
    """Count this request against every key; seconds to wait when one is exhausted, 0 to go ahead.

    With `unproved`, a form without proof of work is counted against that rate too: by key, and by key of all that came
    to this tenant without one, ten times as many.
    """
    if request.method not in set(methods):
        return 0
    counts: list[tuple[str, Any, str]] = [(f"{group}:{key}", key, rate) for key in keys]
    if unproved and request.method == "POST" and not bots.has_proved(request):
        counts += [(f"{group}:unproved:{key}", key, unproved) for key in keys]
        counts.append((f"{group}:unproved:tenant", _tenant, _tenfold(unproved)))
    waits = [_usage(request, name, key, allowed) for name, key, allowed in counts]
    return max((max(1, usage["time_left"]) for usage in waits if usage and usage["should_limit"]), default=0)


def _tenant(group: str, request: HttpRequest) -> str:
    return str(tenancy.current_id_or_none())


def _tenfold(rate: str) -> str:
    number, slash, period = rate.partition("/")
    return f"{10 * int(number)}{slash}{period}"


def _usage(request: HttpRequest, group: str, key: Any, rate: str) -> dict[str, Any] | None:
    try:
        usage: dict[str, Any] | None = get_usage(request, group=group, key=key, rate=rate, increment=True)
    except RedisError as down:  # sign-in is closed anyway then: its sessions live there
        log.warning("limits.not_counted", group=group, error=type(down).__name__)
        return None
    return usage


def limited(
    group: str,
    *,
    rate: str,
    keys: Sequence[str] = ("ip",),
    methods: Iterable[str] = ("POST",),
    unproved: str = "",
) -> Callable[[View], View]:
    """Answer 429 with Retry-After once any of the keys has used up its rate."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            seconds = wait(request, group, rate=rate, keys=keys, methods=methods, unproved=unproved)
            return too_many(request, seconds) if seconds else view(request, *args, **kwargs)

        return waits(guarded)

    return guard


def waits(view: View) -> View:
    """Mark a view that counts what is sent to it: every public form must (`tests/house/test_limits.py`)."""
    view.is_limited = True  # type: ignore[attr-defined]
    return view


def is_limited(view: View) -> bool:
    """Whether a view says that it counts what is sent to it."""
    return getattr(view, "is_limited", False)


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """The branded 429, in JSON for those who ask in JSON."""
    sentence = _("Too many attempts from here in a short time. Please wait a moment.")
    if request.path.endswith(".json") or request.headers.get("Accept", "").startswith("application/json"):
        body = {"error": {"code": "too_many", "message": sentence, "fields": {}}}
        response: HttpResponse = JsonResponse(body, status=429)
    else:
        words = {"status": 429, "title": _("Just a moment"), "sentence": sentence, "retry_after": seconds}
        response = render(request, "errors/429.html", words, status=429)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response
