"""Asking for a fresh proof before an act, and keeping what was typed meanwhile. Nothing is sent again by itself.

What was typed travels in the page, signed, for this user and this address; it is kept nowhere here. Secrets and files
are not kept: they are asked for again.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import stepping_up
from accounts.models import User
from accounts.stepping_up import Act
from audit import ledger

SALT = "accounts.kept"
KEPT_SECONDS = 1800
MOST_BYTES = 400_000
SECRET = re.compile(r"passw|passphrase|secret|token|otp|credential|private|seed|api_?key", re.IGNORECASE)
OURS = frozenset({"csrfmiddlewaretoken"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody sent, waiting for them to send it again themselves."""

    path: str
    fields: list[list[str]]
    secrets: list[str]
    files: list[str]

    @property
    def lines(self) -> list[tuple[str, str]]:
        """What is shown of it."""
        return [(name, value) for name, value in self.fields if value and not name.startswith("_")]


def chosen_actions(request: HttpRequest) -> list[str]:
    """What a list of the admin is about to do: its actions, or saving rows in place."""
    if request.method != "POST":
        return []
    return [*request.POST.getlist("action"), *(["change"] if "_save" in request.POST else [])]


def ask(request: HttpRequest, view: Any) -> HttpResponseBase | None:
    """None lets the view run; else the page that asks for the proof its act demands."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    posted = request.method not in ("GET", "HEAD", "OPTIONS")
    may_be_listed = name.startswith("admin:") and name.endswith("_changelist")
    act = stepping_up.act_of(
        view, view_name=name, posted=posted, chosen=chosen_actions(request) if may_be_listed else []
    )
    user = request.user if act else None
    if act is None or not isinstance(user, User):
        return None
    if not stepping_up.may_do(user, act):
        raise PermissionDenied
    by_oneself = stepping_up.asks_for_ones_own(user, act)
    is_fresh = stepping_up.is_fresh_for(request.session, act, at=timezone.now(), by_oneself=by_oneself)
    if is_fresh and (not act.one_shot or stepping_up.spend(request.session, act)):
        return None
    return _asked(request, user, act)


def _asked(request: HttpRequest, user: User, act: Act) -> HttpResponseBase:
    ledger.refused("accounts.step_up.asked", user, reason=act.name)
    if request.headers.get("Accept", "").startswith("application/json"):
        body = {"error": {"code": "step_up", "message": _("Confirm it is you first."), "fields": {}}}
        return JsonResponse(body, status=403)
    if request.method in ("GET", "HEAD"):
        return redirect(address(act, next_page=request.get_full_path()))
    if request.headers.get("HX-Request"):
        page = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        return HttpResponse(status=403, headers={"HX-Redirect": address(act, next_page=page)})
    words = {"act": act, "kept": keep(request, user), "verify": address(act)}
    return render(request, "account/step_up.html", words, status=403)


def address(act: Act, *, next_page: str = "") -> str:
    """The page that asks for an act's proof."""
    asked = {"act": act.name} | ({"next": next_page} if next_page else {})
    return f"{reverse('accounts:verify')}?{urlencode(asked)}"


def keep(request: HttpRequest, user: User) -> str:
    """What was typed, signed for this user and address; "" when it is too much to carry."""
    fields, secrets = [], []
    for name, values in request.POST.lists():
        if name in OURS:
            continue
        if SECRET.search(name):
            secrets += [name] if any(values) else []
        else:
            fields += [[name, str(value)] for value in values]
    kept = {"user": str(user.pk), "path": request.get_full_path(), "fields": fields, "secrets": secrets}
    signed = signing.dumps(kept | {"files": list(request.FILES)}, salt=SALT, compress=True)
    return signed if len(signed) <= MOST_BYTES else ""


def read(signed: str, user: User) -> Kept | None:
    """What was kept for this user; None for anything else."""
    try:
        kept = signing.loads(signed, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return None
    if kept["user"] != str(user.pk):
        return None
    return Kept(kept["path"], kept["fields"], kept["secrets"], kept["files"])


def offer_again(request: HttpRequest, kept: Kept, act: Act | None) -> HttpResponse:
    """The page from which somebody sends, themselves, what they had typed."""
    return render(request, "account/send_again.html", {"kept": kept, "act": act})


def deny(request: HttpRequest, user: User, act: Act) -> HttpResponse:
    """Nothing they have would be proof enough."""
    ledger.refused("accounts.step_up.denied", user, reason=act.name)
    return render(request, "account/step_up_denied.html", {"act": act}, status=403)
