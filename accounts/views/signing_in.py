"""In and out: e-mail and password, then the second factor; and leaving."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from two_factor.views import LoginView as StockLoginView
from two_factor.views.utils import IdempotentSessionWizardView

from accounts import factors, gate, guesses, security, signin, stepping_up, throttling
from accounts.forms import KeyForm, RecoveryForm, SignInForm, TokenForm, place_of
from accounts.models import User
from accounts.views import going, recovering

# What showing each second step is called as evidence.
STEPS = {"key": "webauthn", StockLoginView.TOKEN_STEP: "totp", StockLoginView.BACKUP_STEP: "recovery"}
SECOND_STEPS = frozenset(STEPS)


@method_decorator([gate.public, throttling.limited("signin", rate=going.SIGN_IN_RATE)], name="dispatch")
class LoginView(StockLoginView):
    """E-mail and password, then a security key, the authenticator or a recovery code; all end in `signin.finish`."""

    KEY_STEP = "key"

    template_name = "account/login.html"
    form_list = (
        (StockLoginView.AUTH_STEP, SignInForm),
        (KEY_STEP, KeyForm),
        (StockLoginView.TOKEN_STEP, TokenForm),
        (StockLoginView.BACKUP_STEP, RecoveryForm),
    )
    condition_dict = {
        KEY_STEP: lambda view: view.asks_for(view.KEY_STEP),
        StockLoginView.TOKEN_STEP: lambda view: view.asks_for(view.TOKEN_STEP),
        StockLoginView.BACKUP_STEP: lambda view: view.asks_for(view.BACKUP_STEP),
    }
    http_method_names = ["get", "head", "post"]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._ways: dict[User, frozenset[str]] = {}

    def asks_for(self, step: str) -> bool:
        """Whether this way of showing a second factor is open: they have it, and showed no other."""
        user = self.get_user()
        if not user or (SECOND_STEPS - {step}) & set(self.storage.validated_step_data):
            return False
        if user not in self._ways:
            self._ways[user] = factors.ways(user, host=place_of(self.request).rp_id)
        return STEPS[step] in self._ways[user]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The form; somebody already in goes on."""
        if request.user.is_authenticated:
            return redirect(going.after(request, request.user))
        return super().get(request, *args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One step. There is no device to choose: the stock view answers that wish with an error to strangers."""
        if "challenge_device" in self.request.POST:
            return redirect("accounts:login")
        user = self.get_user() if any(name.endswith("-otp_token") for name in self.request.POST) else None
        if user and (seconds := guesses.factor_wait(self.request, user)):
            return throttling.too_many(self.request, seconds)
        try:
            return super().post(*args, **kwargs)
        except recovering.CodeRefused as refused:
            return self.render(refused.form)

    def get_device(self, step: str | None = None) -> None:
        """None: forms find the user's own factor, and lock it."""

    def render(self, form: Any = None, **kwargs: Any) -> HttpResponse:
        """The wizard's page; no device is asked to send anything."""
        return IdempotentSessionWizardView.render(self, form, **kwargs)

    def get_form(self, step: str | None = None, **kwargs: Any) -> Any:
        """The step's own form; the stock view would put its registry's unlocked token form in its place."""
        form = IdempotentSessionWizardView.get_form(self, step=step, **kwargs)
        if self.show_timeout_error:
            form.cleaned_data = getattr(form, "cleaned_data", {})
            form.add_error(None, ValidationError(_("That took too long. Please start again.")))
        return form

    def process_step(self, form: Any) -> Any:
        """Spend a recovery code; remember with the user which epoch of theirs the password was right for."""
        if self.steps.current == self.BACKUP_STEP and not recovering.is_spent(form, self.get_user()):
            raise recovering.CodeRefused(form)
        answer = super().process_step(form)
        guesses.factor_right(self.request)
        if self.steps.current == self.AUTH_STEP:
            self.user_cache = form.get_user()
            self.storage.data["epoch"] = self.user_cache.session_epoch
            self.storage.data["remember"] = form.cleaned_data.get("remember", False)
        return answer

    def get_context_data(self, form: Any, **kwargs: Any) -> dict[str, Any]:
        """What the wizard says; nothing about devices."""
        context = dict(IdempotentSessionWizardView.get_context_data(self, form=form, **kwargs))
        open_steps = set(self.get_form_list()) if self.steps.current != self.AUTH_STEP else set()
        words = {"may_sign_up": security.in_force().visitors_may_sign_up}
        return context | words | {"other_ways": open_steps - {self.AUTH_STEP, self.steps.current}}

    def get_success_url(self) -> str:
        """A safe `next`, else the right start for this person."""
        return going.after(self.request, self.get_user())

    def done(self, form_list: Any, **kwargs: Any) -> HttpResponse:
        """Hand the evidence over. A password changed meanwhile, or a membership ended, begins anew."""
        user, shown = self.get_user(), self.storage.validated_step_data
        methods = ("password", *(method for step, method in STEPS.items() if step in shown))
        if not user or self.storage.data.get("epoch") != user.session_epoch:
            return redirect("accounts:login")
        try:
            remember = bool(self.storage.data.get("remember"))
            signin.finish(self.request, user, signin.Evidence(methods), at=timezone.now(), remember=remember)
        except signin.NotAdmitted:
            return redirect("accounts:login")
        stepping_up.note(self.request.session, methods, at=timezone.now())
        return redirect(self.get_success_url())


@gate.entrance
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End this session."""
    signin.leave(request)  # type: ignore[arg-type]
    return redirect("/")
