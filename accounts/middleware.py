"""The gate itself: sessions that close with their store, users as their session proves them, marks obeyed."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts import gate, signin
from accounts.models import User
from accounts.policies import Visitor
from accounts.session_store import StoreDown
from accounts.views import stepping_up
from audit import ledger

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
    response = render(request, "errors/503.html", words, status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    add_never_cache_headers(response)
    return response


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's, answering `closed` wherever the store fails."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Saves the session, if anybody touched it."""
        try:
            return super().process_response(request, response)
        except StoreDown:
            return closed(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view that asked for the session while the store was down."""
        return closed(request) if isinstance(exception, StoreDown) else None


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
        response = self.get_response(request)
        if getattr(request, "gate_mark", gate.Mark.PUBLIC) is not gate.Mark.PUBLIC:
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
        try:
            return self._answer(request, gate.judge(mark, request.user))
        except StoreDown:
            return closed(request)

    def _answer(self, request: HttpRequest, verdict: gate.Verdict) -> HttpResponseBase | None:
        if verdict is gate.Verdict.OPEN:
            return None
        if verdict is gate.Verdict.FORBIDDEN:
            return self._forbid(request)
        if request.headers.get("Accept", "").startswith("application/json"):
            body = {"error": {"code": "sign_in", "message": str(verdict), "fields": {}}}
            return JsonResponse(body, status=401)
        names = {
            gate.Verdict.SIGN_IN: "accounts:login",
            gate.Verdict.VERIFY: "accounts:verify",
            gate.Verdict.ENROL: "accounts:setup",
        }
        return redirect_to_login(_return_path(request), reverse(names[verdict]))

    def _forbid(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        reason = f"not staff: {request.resolver_match.view_name if request.resolver_match else ''}"
        ledger.refused("accounts.gate.refused", user if isinstance(user, User) else None, reason=reason)
        raise PermissionDenied(_("This page is for staff."))


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
