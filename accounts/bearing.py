"""How a request brings an API token: `Authorization: Bearer`, looked at only where a view is marked for it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import throttling, tokens
from audit import ledger

SAFE = ("GET", "HEAD", "OPTIONS")
EVERY = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
RATE = "600/5m"


def error(status: int, code: str, message: str, **fields: str) -> JsonResponse:
    """An error in the house's shape."""
    response = JsonResponse({"error": {"code": code, "message": message, "fields": fields}}, status=status)
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="verso"'
    return response


def admit(request: HttpRequest, view: Callable[..., Any]) -> HttpResponse | None:
    """None lets the program in, as `request.user` with the token's scopes; cookies are not looked at."""
    request._session_user = request.user = AnonymousUser()  # type: ignore[attr-defined]
    seconds = throttling.wait(request, "token", rate=RATE, keys=("ip",), methods=EVERY)
    if seconds:
        response = error(429, "too_many", _("Too many requests. Please wait a moment."))
        response["Retry-After"] = str(seconds)
        return response
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    found = tokens.bearer(secret.strip(), at=timezone.now()) if kind.lower() == "bearer" and secret else None
    if found is None:
        ledger.refused("accounts.token.used", None, reason="no live token")
        return error(401, "token", _("Bring a live API token: Authorization: Bearer …"))
    user, token = found
    if not user.has_perm(view.token_scope):  # type: ignore[attr-defined]
        ledger.refused("accounts.token.used", token, reason=f"lacks {view.token_scope}")  # type: ignore[attr-defined]
        return error(403, "scope", _("This token may not do that."), scope=view.token_scope)  # type: ignore[attr-defined]
    request._session_user = request.user = user  # type: ignore[attr-defined]
    request.api_token = token  # type: ignore[attr-defined]
    if request.method not in SAFE:
        tokens.note_write(token, route=request.resolver_match.view_name if request.resolver_match else "")
    return None
