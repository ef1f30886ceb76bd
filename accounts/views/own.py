"""What somebody may see and say about themselves: their profile, everything held about them, and the way out."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import closing, gate, own_data, profiles, signin, throttling
from accounts.forms import CloseForm, ProfileForm
from accounts.views import going
from governance import holdings

SHOWN = 200


@gate.signed_in
@going.pages
@throttling.limited("profile", rate="30/5m", keys=("user",))
def profile(request: HttpRequest) -> HttpResponse:
    """Name, phone, language and time zone, as this tenant knows them."""
    user, now = going.here(request), timezone.now()
    form = ProfileForm(user, profiles.person_of(user, at=now), data=request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            profiles.revise(user, **form.cleaned_data, by=user, at=now)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Your profile is saved."))
            return redirect("accounts:profile")
    return render(request, "account/profile.html", {"form": form}, status=422 if form.is_bound else 200)


@gate.signed_in
@require_http_methods(["GET", "HEAD"])
def data(request: HttpRequest) -> HttpResponse:
    """Everything held about whoever is signed in, here, with why and how long."""
    user = going.here(request)
    person = profiles.person_of(user, at=timezone.now())
    words = {
        "parts": sorted(holdings.of(person, newest=SHOWN), key=_place),
        "happened": own_data.happened(user, person, newest=SHOWN),
        "apart": holdings.kept_apart(),
        "shown": SHOWN,
    }
    return render(request, "account/data.html", words)


def _place(part: holdings.Part) -> tuple[bool, bool, bool]:
    """Who they are first, then what they did here, then how they come in; what shows nothing stands last."""
    return not part.told, part.model.startswith("accounts."), part.model != "governance.Person"


@gate.signed_in
@require_POST
@throttling.limited("data", rate="10/1h", keys=("user",))
def data_download(request: HttpRequest) -> HttpResponse:
    """The same as one file. Asks for a fresh proof (`accounts.take_data`)."""
    user, now = going.here(request), timezone.now()
    response = HttpResponse(own_data.hand_out(user, by=user, at=now), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="my-data-{timezone.localdate(now).isoformat()}.json"'
    return response


@gate.signed_in
@going.pages
@throttling.limited("close", rate="10/10m", keys=("user",))
def close(request: HttpRequest) -> HttpResponse:
    """Say what closing the account does, and do it. Asks for a fresh proof (`accounts.close_account`)."""
    user = going.here(request)
    form = CloseForm(user, data=request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            closing.close(user, by=user, at=timezone.now())
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            signin.leave(request, reason=closing.WHY)  # type: ignore[arg-type]
            return redirect("accounts:closed")
    words: dict[str, Any] = {"form": form, "is_last": closing.is_last(user)}
    return render(request, "account/close.html", words, status=422 if form.is_bound else 200)


@gate.public
@require_http_methods(["GET", "HEAD"])
def closed(request: HttpRequest) -> HttpResponse:
    """That the account is closed; anybody may read it."""
    return render(request, "account/closed.html")
