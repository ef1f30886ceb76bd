"""Second factors: enrol an authenticator, verify with it, recovery codes."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from two_factor.views import QRGeneratorView
from two_factor.views import SetupView as StockSetupView
from two_factor.views.utils import IdempotentSessionWizardView

from accounts import factors, gate, guesses, signin, throttling
from accounts.forms import EnrolForm, RecoveryForm, TokenForm
from accounts.models import User
from accounts.views import going
from audit import ledger
from governance import tenancy


@method_decorator([gate.entrance, throttling.limited("factor", rate=going.SIGN_IN_RATE)], name="dispatch")
class SetupView(StockSetupView):
    """Enrol an authenticator, or replace it. The stock view guards only GET: here every method is guarded."""

    template_name = "account/setup.html"
    qrcode_url = "accounts:qr"
    form_list = (("generator", EnrolForm),)
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Whoever has an authenticator must have shown it a short while ago."""
        self.replacing = going.here(request).has_second_factor()
        if self.replacing and not signin.is_fresh(request.session, at=timezone.now()):
            if request.method == "POST":
                ledger.refused(
                    "accounts.factor.enrolled", going.here(request), reason="the present factor was not shown"
                )
            return going.verify_first(request)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The QR code and the key, fresh each time."""
        return IdempotentSessionWizardView.get(self, request, *args, **kwargs)

    def get_form_list(self) -> dict[str, Any]:
        """The authenticator's one form; no choice of methods."""
        return dict(IdempotentSessionWizardView.get_form_list(self))

    def get_context_data(self, form: Any, **kwargs: Any) -> dict[str, Any]:
        """Adds the key as people type it, in groups of four."""
        context = super().get_context_data(form, **kwargs)
        key = context.get("secret_key", "")
        return context | {"key_groups": [key[i : i + 4] for i in range(0, len(key), 4)], "replacing": self.replacing}

    def done(self, form_list: Any, **kwargs: Any) -> HttpResponse:
        """Enrol, strengthen this session, and show the recovery codes this once."""
        self.request.session.pop(self.session_key_name, None)
        user, form, now = going.here(self.request), form_list[-1], timezone.now()
        try:
            factors.enrol(user, key=form.key, drift=form.drift, replacing=self.replacing, at=now)
        except factors.AlreadyEnrolled:
            return going.verify_first(self.request)
        signin.step_up(self.request, user, signin.Evidence(("totp",)), at=now)
        return _show_codes(self.request, user)


@method_decorator(gate.entrance, name="dispatch")
class QRView(QRGeneratorView):
    """The key of the enrolment under way, as a picture. Nowhere else."""

    def get_issuer(self) -> str:
        """The tenant's name, as the app will list it."""
        return tenancy.current().name


def _show_codes(request: HttpRequest, user: User) -> HttpResponse:
    codes = factors.make_recovery_codes(user, at=timezone.now())
    return render(request, "account/recovery_codes.html", {"codes": codes, "next": going.after(request, user)})


@gate.entrance
@going.pages
@throttling.limited("factor", rate=going.SIGN_IN_RATE)
def verify(request: HttpRequest) -> HttpResponse:
    """Ask a signed-in session for its second factor, by authenticator or recovery code."""
    user = going.here(request)
    if not user.has_second_factor():
        return redirect("accounts:setup")
    if request.method == "POST" and (seconds := guesses.factor_wait(request, user)):
        return throttling.too_many(request, seconds)
    by_recovery = request.GET.get("by") == "recovery"
    data = request.POST if request.method == "POST" else None
    form = RecoveryForm(data=data, user=user) if by_recovery else TokenForm(user, None, data=data)
    if form.is_valid():
        guesses.factor_right(request)
        evidence = signin.Evidence(("recovery",) if by_recovery else ("totp",))
        signin.step_up(request, user, evidence, at=timezone.now())  # type: ignore[arg-type]
        return redirect(going.after(request, user))
    words = {"form": form, "by_recovery": by_recovery, "next": request.GET.get("next", "")}
    return render(request, "account/verify.html", words)


@gate.signed_in
@going.pages
def recovery(request: HttpRequest) -> HttpResponse:
    """Fresh recovery codes, shown once, for somebody who has just shown their authenticator."""
    user = going.here(request)
    if not user.has_second_factor():
        return redirect("accounts:setup")
    if not signin.is_fresh(request.session, at=timezone.now()):
        return going.verify_first(request)
    if request.method == "POST":
        return _show_codes(request, user)
    return render(request, "account/recovery.html", {"codes_left": factors.codes_left(user)})
