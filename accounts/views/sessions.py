"""One's own sessions: where somebody is signed in, and the end of what they do not recognise."""

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import browsers, gate, sessions, signin
from accounts.models import AuthSession
from accounts.views import going

METHODS: dict[str, str | Promise] = {
    "password": gettext_lazy("password"),
    "totp": gettext_lazy("authenticator app"),
    "webauthn": gettext_lazy("security key or passkey"),
    "recovery": gettext_lazy("recovery code"),
    "idp": gettext_lazy("identity provider"),
    "idp-mfa": gettext_lazy("second factor of the identity provider"),
}


def proven_by(session: AuthSession) -> str:
    """How it was proven whose session it is, in words."""
    return " + ".join(str(METHODS.get(method, method)) for method in session.methods)


class Line(NamedTuple):
    """One session as its owner reads it."""

    session: AuthSession
    device: str
    proven: str
    is_this: bool


def _own(request: HttpRequest) -> Any:
    return sessions.live(at=timezone.now()).filter(user=going.here(request)).select_related("user")


def _this(request: HttpRequest) -> AuthSession:
    row: AuthSession = request.auth_session  # type: ignore[attr-defined]
    return row


@gate.signed_in
@require_http_methods(["GET", "HEAD"])
def index(request: HttpRequest) -> HttpResponse:
    """Where somebody is signed in: this session first, then by last use."""
    this = _this(request)
    lines = [
        Line(row, browsers.in_words(row.user_agent), proven_by(row), row.pk == this.pk)
        for row in _own(request).order_by("-seen_at")
    ]
    lines.sort(key=lambda line: not line.is_this)
    return render(request, "account/sessions.html", {"lines": lines, "has_others": len(lines) > 1})


@gate.signed_in
@require_POST
def end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End one of one's own sessions; ending this one is signing out."""
    row = get_object_or_404(AuthSession.objects.filter(user=going.here(request)).select_related("user"), pk=pk)
    if row.pk == _this(request).pk:
        signin.leave(request, at=timezone.now())  # type: ignore[arg-type]
        return redirect("/")
    if sessions.end(row, by=going.here(request), at=timezone.now(), why="ended by its owner"):
        messages.success(request, _("The session is ended."))
    else:
        messages.info(request, _("That session was over already."))
    return redirect("accounts:sessions")


@gate.signed_in
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of one's sessions but this one."""
    user = going.here(request)
    ended = sessions.end_others(user, keep=_this(request), by=user, at=timezone.now())
    words = ngettext("%(n)d other session is ended.", "%(n)d other sessions are ended.", ended) % {"n": ended}
    messages.success(request, words)
    return redirect("accounts:sessions")
