"""Second factors: the list of them, the authenticator, recovery codes."""

import secrets
from base64 import b32encode, b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from two_factor.views import QRGeneratorView
from two_factor.views import SetupView as StockSetupView
from two_factor.views.utils import IdempotentSessionWizardView

from accounts import factors, gate, policies, security_keys, seeds, signin, throttling
from accounts.forms import EnrolForm, place_of
from accounts.models import User
from accounts.views import going
from audit import ledger
from governance import sealing, tenancy


@method_decorator([gate.entrance, throttling.limited("factor", rate=going.SIGN_IN_RATE)], name="dispatch")
class SetupView(StockSetupView):
    """Enrol an authenticator, or replace it. The stock view guards only GET: here every method is guarded."""

    template_name = "account/setup.html"
    qrcode_url = "accounts:qr"
    form_list = (("generator", EnrolForm),)
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Whoever has an authenticator must have shown it a short while ago."""
        user = going.here(request)
        self.replacing = user.has_second_factor()
        if self.replacing and not signin.is_fresh(request.session, at=timezone.now()):
            if request.method == "POST":
                ledger.refused("accounts.factor.enrolled", user, reason="the present factor was not shown")
            return going.verify_first(request)
        if not self.replacing and going.must_come_in_by_password(request, user):
            return going.by_password_first(request, user)
        if self._lacks_the_key_demanded(user):
            return redirect(f"{going.add_key()}?{urlencode({'next': going.after(request, user)})}")
        return super().dispatch(request, *args, **kwargs)

    def _lacks_the_key_demanded(self, user: User) -> bool:
        """Whether an authenticator would not help: there is one, and a key is what is missing."""
        needs_key = policies.held(user).required_level >= policies.RESISTS_PHISHING
        has_shown_the_rest = (user.assurance_level or 0) >= policies.TWO_FACTORS
        return needs_key and has_shown_the_rest and not user.security_keys.exists()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The QR code and the key, fresh each time."""
        return IdempotentSessionWizardView.get(self, request, *args, **kwargs)

    def get_key(self, step: str) -> str:
        """The new key (hex), kept in the session sealed, so that the store of sessions holds no seed in clear."""
        kept = self.storage.extra_data.setdefault("keys", {})
        place = seeds.place_of_enrolment(going.here(self.request).pk)
        with suppress(ValueError, sealing.Unopenable):
            return seeds.unseal(b64decode(kept.get(step, "")), place=place).hex()
        seed = secrets.token_bytes(20)
        kept[step] = b64encode(seeds.seal(seed, place=place)).decode()
        return seed.hex()

    def get_form_list(self) -> dict[str, Any]:
        """The authenticator's one form; no choice of methods."""
        return dict(IdempotentSessionWizardView.get_form_list(self))

    def get_context_data(self, form: Any, **kwargs: Any) -> dict[str, Any]:
        """Adds the key as people type it, in groups of four."""
        context = super().get_context_data(form, **kwargs)
        self.request.session[self.session_key_name] = self.storage.extra_data["keys"]["generator"]
        key = context["secret_key"]
        words: dict[str, Any] = {
            "has_app": self.replacing and factors.authenticator_of(going.here(self.request)) is not None
        }
        words["key_groups"] = [key[i : i + 4] for i in range(0, len(key), 4)]
        words["place"] = place_of(self.request)
        return context | words

    def done(self, form_list: Any, **kwargs: Any) -> HttpResponse:
        """Enrol, strengthen this session, and show the recovery codes this once."""
        self.request.session.pop(self.session_key_name, None)
        user, form, now = going.here(self.request), form_list[-1], timezone.now()
        try:
            factors.enrol(user, key=form.key, drift=form.drift, replacing=self.replacing, at=now)
        except factors.AlreadyEnrolled:
            return going.verify_first(self.request)
        signin.step_up(self.request, user, signin.Evidence(("totp",)), at=now)
        if self.replacing and factors.codes_left(user):
            messages.success(self.request, _("Your authenticator is set up. Your other sessions have ended."))
            return redirect("accounts:factors")
        return show_codes(self.request, user)


@method_decorator(gate.entrance, name="dispatch")
class QRView(QRGeneratorView):
    """The key of the enrolment under way, as a picture. Nowhere else."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The stock picture, of the seed unsealed for this one answer."""
        sealed = request.session.get(self.session_key_name)
        if not sealed:
            raise Http404
        seed = seeds.unseal(b64decode(sealed), place=seeds.place_of_enrolment(going.here(request).pk))
        try:
            request.session[self.session_key_name] = b32encode(seed).decode()
            return super().get(request, *args, **kwargs)
        finally:
            request.session[self.session_key_name] = sealed

    def get_issuer(self) -> str:
        """The tenant's name, as the app will list it."""
        return tenancy.current().name


def show_codes(request: HttpRequest, user: User) -> HttpResponse:
    """Fresh recovery codes, this once."""
    codes = factors.make_recovery_codes(user, at=timezone.now())
    return render(request, "account/recovery_codes.html", {"codes": codes, "next": going.after(request, user)})


@gate.signed_in
@require_http_methods(["GET", "HEAD"])
def overview(request: HttpRequest) -> HttpResponse:
    """Every way this person has to show who they are, to add to and to remove."""
    user = going.here(request)
    words = {
        "authenticator": factors.authenticator_of(user),
        "keys": security_keys.of(user),
        "codes_left": factors.codes_left(user),
        "place": place_of(request),  # type: ignore[arg-type]
    }
    return render(request, "account/factors.html", words)


@gate.signed_in
@going.pages
def recovery(request: HttpRequest) -> HttpResponse:
    """Fresh recovery codes, shown once, for somebody who has just shown their second factor."""
    user = going.here(request)
    if not user.has_second_factor():
        return redirect("accounts:setup")
    if not signin.is_fresh(request.session, at=timezone.now()):
        return going.verify_first(request)
    if request.method == "POST":
        return show_codes(request, user)
    return render(request, "account/recovery.html", {"codes_left": factors.codes_left(user)})


@gate.signed_in
@going.pages
def authenticator_remove(request: HttpRequest) -> HttpResponse:
    """Do without the authenticator. The act asks for a fresh proof (`accounts.remove_factor`)."""
    user = going.here(request)
    if factors.authenticator_of(user) is None:
        raise Http404
    return removed(request, user, what=_("the authenticator"), act=partial(factors.remove_authenticator, user))


def removed(request: HttpRequest, user: User, *, what: str, act: Callable[..., object]) -> HttpResponse:
    """The page that asks whether to do without a factor, and what became of it."""
    if request.method != "POST":
        return render(request, "account/factor_remove.html", {"what": what})
    try:
        act(at=timezone.now())
    except factors.StillNeeded as refusal:
        return render(request, "account/factor_remove.html", {"what": what, "refusal": refusal.messages[0]}, status=409)
    signin.renew(request, user, at=timezone.now())  # type: ignore[arg-type]
    messages.success(request, _("It is removed. Your other sessions have ended."))
    return redirect("accounts:factors")
