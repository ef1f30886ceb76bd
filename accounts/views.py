"""Pages of coming in: sign in, verify, enrol an authenticator, recovery codes, password, sign out."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from two_factor.views import LoginView as StockLoginView
from two_factor.views import QRGeneratorView
from two_factor.views import SetupView as StockSetupView
from two_factor.views.utils import IdempotentSessionWizardView

from accounts import factors, gate, passwords, policies, signin, throttling
from accounts.forms import EnrolForm, FirstPasswordForm, PasswordForm, RecoveryForm, SignInForm, TokenForm
from accounts.models import User
from audit import ledger
from governance import tenancy

SIGN_IN_RATE = "60/5m"
pages = require_http_methods(["GET", "HEAD", "POST"])


def _here(request: HttpRequest) -> User:
    """Who is signed in; the gate has seen to it that somebody is."""
    assert isinstance(request.user, User)  # nosec B101 - narrows the type, decides nothing
    return request.user


def _after(request: HttpRequest, user: Any) -> str:
    """Where to go next: a safe `next`, else the back office for staff and the account page for others."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    is_path = wanted.startswith(("/", "http://", "https://"))  # a bare word would be taken for a view's name
    if is_path and safe and not wanted.startswith(reverse("accounts:login")):
        return wanted
    return reverse("admin:index") if policies.is_staff(user) else reverse("accounts:home")


def _verify_first(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('accounts:verify')}?{urlencode({'next': request.path})}")


class _CodeRefused(Exception):
    """The form's recovery code was none; the form says so."""

    def __init__(self, form: RecoveryForm) -> None:
        super().__init__()
        self.form = form


def _is_spent(form: RecoveryForm, user: User) -> bool:
    """Use the form's recovery code up; a refusal stands beside the field and in the ledger."""
    try:
        factors.use_recovery_code(user, form.cleaned_data["otp_token"], at=timezone.now())
    except factors.WrongCode as refusal:
        signin.note_failure(user.email, what="accounts.factor.failed", reason="recovery code")
        form.add_error("otp_token", refusal)
        return False
    form.cleaned_data["otp_token"] = "spent"  # nosec B105 - what the wizard keeps of it
    return True


@method_decorator([gate.public, throttling.limited("signin", rate=SIGN_IN_RATE)], name="dispatch")
class LoginView(StockLoginView):
    """E-mail and password, then the authenticator or a recovery code; both end in `signin.finish`."""

    template_name = "account/login.html"
    form_list = (
        (StockLoginView.AUTH_STEP, SignInForm),
        (StockLoginView.TOKEN_STEP, TokenForm),
        (StockLoginView.BACKUP_STEP, RecoveryForm),
    )
    condition_dict = {
        StockLoginView.TOKEN_STEP: lambda view: view.asks_for_factor(),
        StockLoginView.BACKUP_STEP: lambda view: view.asks_for_factor(instead=True),
    }
    http_method_names = ["get", "head", "post"]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._has_factor: dict[User, bool] = {}

    def asks_for_factor(self, *, instead: bool = False) -> bool:
        """Whether the authenticator is asked for; or a recovery code `instead`, while no authenticator was shown."""
        user = self.get_user()
        if not user or (instead and self.TOKEN_STEP in self.storage.validated_step_data):
            return False
        if user not in self._has_factor:
            self._has_factor[user] = user.has_second_factor()
        return self._has_factor[user]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The form; somebody already in goes on."""
        if request.user.is_authenticated:
            return redirect(_after(request, request.user))
        return super().get(request, *args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One step. There is no device to choose: the stock view answers that wish with an error to strangers."""
        if "challenge_device" in self.request.POST:
            return redirect("accounts:login")
        try:
            return super().post(*args, **kwargs)
        except _CodeRefused as refused:
            return self.render(refused.form)

    def get_form(self, step: str | None = None, **kwargs: Any) -> Any:
        """The step's own form; the stock view would put its registry's unlocked token form in its place."""
        form = IdempotentSessionWizardView.get_form(self, step=step, **kwargs)
        if self.show_timeout_error:
            form.cleaned_data = getattr(form, "cleaned_data", {})
            form.add_error(None, ValidationError(_("That took too long. Please start again.")))
        return form

    def process_step(self, form: Any) -> Any:
        """Spend a recovery code; remember with the user which epoch of theirs the password was right for."""
        if self.steps.current == self.BACKUP_STEP and not _is_spent(form, self.get_user()):
            raise _CodeRefused(form)
        answer = super().process_step(form)
        if self.steps.current == self.AUTH_STEP:
            self.user_cache = form.get_user()
            self.storage.data["epoch"] = self.user_cache.session_epoch
        return answer

    def get_context_data(self, form: Any, **kwargs: Any) -> dict[str, Any]:
        """What the wizard says; nothing about devices."""
        return dict(IdempotentSessionWizardView.get_context_data(self, form=form, **kwargs))

    def get_success_url(self) -> str:
        """A safe `next`, else the right start for this person."""
        return _after(self.request, self.get_user())

    def done(self, form_list: Any, **kwargs: Any) -> HttpResponse:
        """Hand the evidence over. A password changed meanwhile, or a membership ended, begins anew."""
        user, shown = self.get_user(), self.storage.validated_step_data
        proofs = {self.TOKEN_STEP: "totp", self.BACKUP_STEP: "recovery"}
        methods = ("password", *(method for step, method in proofs.items() if step in shown))
        if not user or self.storage.data.get("epoch") != user.session_epoch:
            return redirect("accounts:login")
        try:
            signin.finish(self.request, user, signin.Evidence(methods), at=timezone.now())
        except signin.NotAdmitted:
            return redirect("accounts:login")
        return redirect(self.get_success_url())


@method_decorator([gate.entrance, throttling.limited("factor", rate=SIGN_IN_RATE)], name="dispatch")
class SetupView(StockSetupView):
    """Enrol an authenticator, or replace it. The stock view guards only GET: here every method is guarded."""

    template_name = "account/setup.html"
    qrcode_url = "accounts:qr"
    form_list = (("generator", EnrolForm),)
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Whoever has an authenticator must have shown it a short while ago."""
        self.replacing = _here(request).has_second_factor()
        if self.replacing and not signin.is_fresh(request.session, at=timezone.now()):
            if request.method == "POST":
                ledger.refused("accounts.factor.enrolled", _here(request), reason="the present factor was not shown")
            return _verify_first(request)
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
        user, form, now = _here(self.request), form_list[-1], timezone.now()
        try:
            factors.enrol(user, key=form.key, drift=form.drift, replacing=self.replacing, at=now)
        except factors.AlreadyEnrolled:
            return _verify_first(self.request)
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
    return render(request, "account/recovery_codes.html", {"codes": codes, "next": _after(request, user)})


@gate.entrance
@pages
@throttling.limited("factor", rate=SIGN_IN_RATE)
def verify(request: HttpRequest) -> HttpResponse:
    """Ask a signed-in session for its second factor, by authenticator or recovery code."""
    user = _here(request)
    if not user.has_second_factor():
        return redirect("accounts:setup")
    by_recovery = request.GET.get("by") == "recovery"
    data = request.POST if request.method == "POST" else None
    form = RecoveryForm(data=data) if by_recovery else TokenForm(user, None, data=data)
    if form.is_valid() and (not by_recovery or _is_spent(form, user)):
        evidence = signin.Evidence(("recovery",) if by_recovery else ("totp",))
        signin.step_up(request, user, evidence, at=timezone.now())  # type: ignore[arg-type]
        return redirect(_after(request, user))
    words = {"form": form, "by_recovery": by_recovery, "next": request.GET.get("next", "")}
    return render(request, "account/verify.html", words)


@gate.signed_in
@require_http_methods(["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponse:
    """How somebody comes in: authenticator, recovery codes, password."""
    user = _here(request)
    words = {"has_factor": user.has_second_factor(), "codes_left": factors.codes_left(user)}
    return render(request, "account/home.html", words | {"is_staff": policies.is_staff(user)})


@gate.signed_in
@pages
def recovery(request: HttpRequest) -> HttpResponse:
    """Fresh recovery codes, shown once, for somebody who has just shown their authenticator."""
    user = _here(request)
    if not user.has_second_factor():
        return redirect("accounts:setup")
    if not signin.is_fresh(request.session, at=timezone.now()):
        return _verify_first(request)
    if request.method == "POST":
        return _show_codes(request, user)
    return render(request, "account/recovery.html", {"codes_left": factors.codes_left(user)})


@gate.signed_in
@sensitive_post_parameters()
@pages
@throttling.limited("password", rate="10/5m", keys=("ip", "user"))
def password(request: HttpRequest) -> HttpResponse:
    """Change one's password; other sessions end."""
    user = _here(request)
    form = PasswordForm(user, data=request.POST if request.method == "POST" else None)
    if form.is_valid():
        passwords.change(user, new=form.cleaned_data["new_password1"], at=timezone.now())
        signin.renew(request, user, at=timezone.now())  # type: ignore[arg-type]
        messages.success(request, _("Your password is changed. Other sessions have ended."))
        return redirect("accounts:home")
    return render(request, "account/password.html", {"form": form}, status=422 if form.is_bound else 200)


@gate.public
@sensitive_post_parameters()
@pages
@throttling.limited("welcome", rate="20/5m", methods=("GET", "POST"))
def welcome(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Choose a first password with the link one was sent; then sign in with it."""
    try:
        user = passwords.welcomed(uid, token)
    except passwords.LinkOver as over:
        return render(request, "account/link_over.html", {"sentence": over.messages[0]}, status=410)
    form = FirstPasswordForm(user, data=request.POST if request.method == "POST" else None)
    if form.is_valid():
        passwords.change(user, new=form.cleaned_data["new_password1"], at=timezone.now())
        return redirect("accounts:login")
    words = {"form": form, "user_email": user.email}
    return render(request, "account/welcome.html", words, status=422 if form.is_bound else 200)


@gate.entrance
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End this session."""
    signin.leave(request)  # type: ignore[arg-type]
    return redirect("/")
