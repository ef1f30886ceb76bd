"""Coming in with a passkey alone: it verified its person, and answers to this host only."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters

from accounts import gate, signin, stepping_up, throttling
from accounts.forms import PasskeyForm
from accounts.views import going

SHOWN = ("webauthn",)


@gate.public
@sensitive_post_parameters("answer")
@going.pages
@throttling.limited("signin", rate=going.SIGN_IN_RATE)
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask whichever passkey somebody has for this host; somebody already in goes on."""
    if request.user.is_authenticated:
        return redirect(going.after(request, request.user))
    form = PasskeyForm(request.POST if request.method == "POST" else None, request=request)  # type: ignore[arg-type]
    if not form.place.can_hold_keys:
        return render(request, "account/key_nowhere.html", {"place": form.place, "signing_in": True}, status=409)
    if not form.is_valid():
        return render(request, "account/passkey.html", {"form": form}, status=422 if form.is_bound else 200)
    now = timezone.now()
    signin.finish(request, form.user, signin.Evidence(SHOWN), at=now)  # type: ignore[arg-type]
    stepping_up.note(request.session, SHOWN, at=now)
    return redirect(going.after(request, form.user))
