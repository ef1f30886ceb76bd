"""The gate itself: sessions that close with their store, users as their session proves them, marks obeyed."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts import bearing, gate, impersonation, sessions, signin
from accounts.models import User
from accounts.policies import Visitor
from accounts.session_store import StoreDown
from accounts.views import bounce, stepping_up
from audit import context, ledger

RETRY_SECONDS = 30


def closed(request: HttpRequest) -> HttpResponse:
    """Nobody comes in while sessions cannot be read; the ledger notes the closed door as a stranger's."""
    request._session_user = AnonymousUser()  # type: ignore[attr-defined]
    words = {
        "status": 503,
        "title": _("Signing in is not possible for the moment"),
        "sentence": _("The public pages work. Please try again shortly."),
        "retry_after": RETRY_SECONDS,
    }
    try:
        response = render(request, "errors/503.html", words, status=503)
    except DatabaseError:  # the tenant's own looks cannot be read either
        response = render(request, "errors/bare.html", words, status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    add_never_cache_headers(response)
    return response


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's, answering `closed` wherever the store fails."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Saves the session, if anybody touched it."""
        try:
            return _with_device(request, super().process_response(request, response))
        except StoreDown:
            return closed(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view that asked for the session while the store was down."""
        return closed(request) if isinstance(exception, StoreDown) else None


def _with_device(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The cookie by which `accounts.devices` knows this browser again, when somebody has just come in with it."""
    if value := getattr(request, "device_cookie", ""):
        response.set_cookie(
            settings.DEVICE_COOKIE_NAME,
            value,
            max_age=settings.DEVICE_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite=settings.DEVICE_COOKIE_SAMESITE,  # type: ignore[arg-type]
        )
    return response


class AuthenticationMiddleware(DjangoAuthenticationMiddleware):
    """`request.user` is whom `signin.session_user` believes, read when first asked for."""

    def process_request(self, request: HttpRequest) -> None:
        """Bind the user late; public pages never ask."""

        def once() -> Visitor:
            if not hasattr(request, "_session_user"):
                request._session_user = signin.session_user(request, at=timezone.now())  # type: ignore
            return request._session_user  # type: ignore

        request.user = SimpleLazyObject(once)  # type: ignore[assignment]
        request.auser = sync_to_async(once)


class GateMiddleware:
    """Obeys the marks of `accounts.gate`, before the view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with context.acting(confirm=partial(signin.revalidate, request)):  # type: ignore[arg-type]
            response = self.get_response(request)
        is_marked = impersonation.COOKIE in request.COOKIES  # their pages carry a banner
        if is_marked or getattr(request, "gate_mark", gate.Mark.PUBLIC) is not gate.Mark.PUBLIC:
            add_never_cache_headers(response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """The verdict's answer; None lets the view run."""
        mark = gate.verdict_for(view)
        request.gate_mark = mark  # type: ignore[attr-defined]
        if mark is gate.Mark.PUBLIC:
            return None
        if mark is gate.Mark.TOKEN:
            return bearing.admit(request, view)
        try:
            if impersonation.is_closed(request.user, _view_name(request)):
                self._forbid(request, while_seen_as=True)
            return self._answer(request, gate.judge(mark, request.user))
        except StoreDown:
            return closed(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """A view that was under way when its session ended: to the sign-in page, as at the next request."""
        if isinstance(exception, sessions.SessionOver):
            return redirect_to_login(_return_path(request), reverse("accounts:login"))
        return None

    def _answer(self, request: HttpRequest, verdict: gate.Verdict) -> HttpResponseBase | None:
        if verdict is gate.Verdict.OPEN:
            return None
        if verdict is gate.Verdict.FORBIDDEN:
            return self._forbid(request)
        if request.headers.get("Accept", "").startswith("application/json"):
            body = {"error": {"code": "sign_in", "message": str(verdict), "fields": {}}}
            return JsonResponse(body, status=401)
        if verdict is gate.Verdict.SIGN_IN and bounce.hides_session(request):
            return bounce.on(request, request.get_full_path())
        names = {
            gate.Verdict.SIGN_IN: "accounts:login",
            gate.Verdict.VERIFY: "accounts:verify",
            gate.Verdict.ENROL: "accounts:setup",
            gate.Verdict.CHANGE: "accounts:password",
        }
        return redirect_to_login(_return_path(request), reverse(names[verdict]))

    def _forbid(self, request: HttpRequest, *, while_seen_as: bool = False) -> HttpResponseBase:
        user = request.user
        why = "while seen as another" if while_seen_as else "not staff"
        reason = f"{why}: {_view_name(request)}"
        ledger.refused("accounts.gate.refused", user if isinstance(user, User) else None, reason=reason)
        if while_seen_as:
            raise PermissionDenied(_("This page stays closed while you see the site as somebody else."))
        raise PermissionDenied(_("This page is for staff."))


def _view_name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


class StepUpMiddleware:
    """Asks for the proof an act demands, after the gate and before the view. Nothing is asked of reading."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """The page that asks; None lets the view run."""
        if getattr(request, "gate_mark", gate.Mark.PUBLIC) is gate.Mark.PUBLIC:
            return None
        try:
            return stepping_up.ask(request, view)
        except StoreDown:
            return closed(request)


def _return_path(request: HttpRequest) -> str:
    """Where to go on afterwards: this page, or the page a form stood on. A stale form is never sent by itself."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = urlsplit(request.headers.get("Referer", ""))
    return came_from.path if came_from.netloc == request.get_host() and came_from.path else "/"
