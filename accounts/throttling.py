"""How often: limits per address and person on forms, and the lock on guessed passwords.

`@limited("booking", rate="20/10m", keys=("ip", "post:email"))` guards a view; a view that would rather show its form
again asks `wait(request, "contact", rate=…)` itself. Rates are django-ratelimit's. Without Redis each process counts
for itself. `RATE_LIMITS=off` lifts the limits, never the lock.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any

import structlog
from axes.handlers.cache import AxesCacheHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_client_cache_keys, get_failure_limit
from axes.signals import user_locked_out
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from accounts.models import normalise_email
from accounts.session_store import StoreDown
from audit import context

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponseBase]
NOBODY = "0.0.0.0"  # nosec B104 - a bucket for requests whose address cannot be read, not an interface


def client_ip(request: HttpRequest) -> str:
    """Whom a limit counts: the address the trusted-proxy middleware found, an IPv6 one as its /64 network."""
    return context.network_of(context.current().client_ip or request.META.get("REMOTE_ADDR", "")) or NOBODY


def attempted_email(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Which account an attempt is about, for the lock: the e-mail as typed, in its one spelling."""
    given = credentials or {}
    return normalise_email(str(given.get("username") or given.get("email") or request.POST.get("auth-username", "")))


def wait(
    request: HttpRequest, group: str, *, rate: str, keys: Sequence[str] = ("ip",), methods: Iterable[str] = ("POST",)
) -> int:
    """Count this request against every key; seconds to wait when one is exhausted, 0 to go ahead."""
    if request.method not in set(methods):
        return 0
    waits = [_usage(request, f"{group}:{key}", key, rate) for key in keys]
    return max((max(1, usage["time_left"]) for usage in waits if usage and usage["should_limit"]), default=0)


def _usage(request: HttpRequest, group: str, key: str, rate: str) -> dict[str, Any] | None:
    try:
        usage: dict[str, Any] | None = get_usage(request, group=group, key=key, rate=rate, increment=True)
    except RedisError as down:  # sign-in is closed anyway then: its sessions live there
        log.warning("limits.not_counted", group=group, error=type(down).__name__)
        return None
    return usage


def limited(
    group: str, *, rate: str, keys: Sequence[str] = ("ip",), methods: Iterable[str] = ("POST",)
) -> Callable[[View], View]:
    """Answer 429 with Retry-After once any of the keys has used up its rate."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            seconds = wait(request, group, rate=rate, keys=keys, methods=methods)
            return too_many(request, seconds) if seconds else view(request, *args, **kwargs)

        return guarded

    return guard


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


def lockout_response(request: HttpRequest, *_others: Any) -> HttpResponse:
    """What axes answers while an e-mail is locked for an address: the same for accounts that do not exist."""
    return too_many(request, int(settings.AXES_COOLOFF_TIME.total_seconds()))


def give_back(request: HttpRequest, email: str) -> None:
    """The password was right: its attempt was no guess, and its place is free again."""
    AxesProxyHandler.get_implementation().give_back(request, {"username": email})


class ReservingHandler(AxesCacheHandler):
    """Axes' counting in the cache, but each attempt takes its place *before* the password is hashed.

    Stock axes counts afterwards, so of a burst that arrives together every guess is tried; its database handler keeps
    what was posted, passwords included. This one keeps numbers only.
    """

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Take a place for this attempt; locked when there was none left."""
        limit = get_failure_limit(request, credentials)
        try:
            return max(self._reserve(key) for key in get_client_cache_keys(request, credentials)) > limit
        except RedisError as down:
            raise StoreDown from down

    def _reserve(self, key: str) -> int:
        seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
        if self.cache.add(key, 1, timeout=seconds):
            return 1
        try:
            return int(self.cache.incr(key))
        except ValueError:  # it ran out between the two
            self.cache.set(key, 1, timeout=seconds)
            return 1

    def give_back(self, request: HttpRequest, credentials: dict[str, Any]) -> None:
        """Free one place taken for a right password."""
        for key in get_client_cache_keys(request, credentials):
            with suppress(ValueError):  # it ran out, or was given back with a finished sign-in
                self.cache.decr(key)

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        """The place stays taken; the last one starts the lock's full time."""
        if request is None:
            return
        request.axes_credentials = credentials  # type: ignore[attr-defined]
        keys = get_client_cache_keys(request, credentials)
        if not request.axes_locked_out:  # type: ignore[attr-defined]
            if max(self.cache.get(key, 0) for key in keys) < get_failure_limit(request, credentials):
                return
            for key in keys:
                self.cache.touch(key, int(settings.AXES_COOLOFF_TIME.total_seconds()))
            request.axes_locked_out = True  # type: ignore[attr-defined]
        user_locked_out.send("axes", request=request, username="", ip_address="")

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        """Somebody who got in gives the places of this e-mail and address back."""
        for key in get_client_cache_keys(request, {"username": user.email}):
            self.cache.delete(key)
