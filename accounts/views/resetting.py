"""Forgotten passwords: the address, the code, the new password. Then one signs in as ever, second factor included."""

from typing import Any

from allauth.account.views import CompletePasswordResetView, PasswordResetView
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from accounts import codes, gate, resetting, throttling
from accounts.forms import ChosenPasswordForm, ForgottenForm
from accounts.models import EmailCode
from accounts.views import going
from accounts.views.by_code import CODES, ConfirmView, Page, held, hold, over, release
from audit.tasks import nudge_outbox

START = "accounts:password_reset"
LIMIT = throttling.limited("reset", rate="10/10m", keys=("ip", "post:email"), unproved="5/10m")


@method_decorator([gate.public, never_cache, going.pages, LIMIT], name="dispatch")
class ResetView(Page, PasswordResetView):
    """The address. The answer is the same for whoever it belongs to, and for nobody."""

    template_name = "account/forgotten.html"
    form_class = ForgottenForm

    def form_valid(self, form: ForgottenForm) -> HttpResponse:
        """The same for everybody; the stock view would look whose address it is."""
        email = form.cleaned_data["email"]
        hold(self.request, resetting.ask(email=email, locale=get_language() or "", at=timezone.now()))
        return redirect(going.on(self.request, "accounts:password_reset_confirm"))


@method_decorator([gate.public, never_cache, going.pages, CODES], name="dispatch")
class ResetConfirmView(ConfirmView):
    """The code."""

    purpose = resetting.RESET
    start = START

    def proven(self, code: EmailCode) -> HttpResponseBase:
        """On to the new password."""
        return redirect(going.on(self.request, "accounts:password_reset_choose"))


@method_decorator(
    [
        gate.public,
        never_cache,
        going.pages,
        sensitive_post_parameters("password1", "password2"),
        CODES,
    ],
    name="dispatch",
)
class ChooseView(Page, CompletePasswordResetView):
    """The new password, for whoever has shown the code."""

    template_name = "account/choose_password.html"
    form_class = ChosenPasswordForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Nobody without a code that was shown; the stock view believes a mark in the session."""
        code = held(request, resetting.RESET)
        if code is None or code.proven_at is None:
            return over(request, codes.CodeOver(), start=START) if request.method == "POST" else redirect(START)
        try:
            self.code, self.owner = code, resetting.whose(code)
        except codes.CodeOver as refusal:
            return over(request, refusal, start=START)
        return FormView.dispatch(self, request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        """For the account's owner, whose earlier passwords and factors the rules ask about."""
        return FormView.get_form_kwargs(self) | {"user": self.owner}

    def form_valid(self, form: ChosenPasswordForm) -> HttpResponse:
        """Set it; the stock view would sign them in, without a second factor."""
        try:
            resetting.choose(self.code.pk, new=form.cleaned_data["password1"], by=None, at=timezone.now())
        except ValidationError as refusal:
            return over(self.request, refusal, start=START)
        release(self.request, resetting.RESET)
        nudge_outbox()
        messages.success(self.request, _("Your password is changed. Please sign in with it."))
        return redirect(going.on(self.request, "accounts:login"))
