"""Who is here, and where they go next."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from accounts import policies, signin
from accounts.models import User
from audit import ledger

SIGN_IN_RATE = "60/5m"
pages = require_http_methods(["GET", "HEAD", "POST"])


def here(request: HttpRequest) -> User:
    """Who is signed in; the gate has seen to it that somebody is."""
    assert isinstance(request.user, User)  # nosec B101 - narrows the type, decides nothing
    return request.user


def after(request: HttpRequest, user: Any, *, wanted: str = "") -> str:
    """Where to go next: a safe `next`, else the back office for staff and the account page for others."""
    wanted = wanted or request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    is_path = wanted.startswith(("/", "http://", "https://"))  # a bare word would be taken for a view's name
    if is_path and safe and not wanted.startswith(reverse("accounts:login")):
        return wanted
    return reverse("admin:index") if policies.is_staff(user) else reverse("accounts:home")


def on(request: HttpRequest, to: str) -> str:
    """An address, or a view by its name, with the destination somebody wished for kept."""
    path = to if to.startswith("/") else reverse(to)
    wanted = request.GET.get("next", "")
    return f"{path}?{urlencode({'next': wanted})}" if wanted else path


def verify_first(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('accounts:verify')}?{urlencode({'next': request.path})}")


def must_come_in_by_password(request: HttpRequest, user: User) -> bool:
    """Whether a first factor waits: it guards every tenant, and so far only one tenant's provider says who this is."""
    return signin.is_anothers_word(request.session) and user.has_usable_password()


def by_password_first(request: HttpRequest, user: User) -> HttpResponse:
    """Say so, and how to go on."""
    ledger.refused("accounts.factor.enrolled", user, reason="only a provider said who this is")
    return render(request, "account/password_first.html", status=403)


def add_key() -> str:
    """The page on which a security key is added."""
    return reverse("accounts:key_add")
