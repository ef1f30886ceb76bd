"""Signing up: what one types, then the code; whoever shows it is let in."""

from typing import Any

from allauth.account.views import SignupView as StockSignupView
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import gate, signin, signing_up, throttling
from accounts.forms import SignUpForm
from accounts.models import EmailCode
from accounts.views import going
from accounts.views.by_code import CODES, ConfirmView, Page, hold, over, release

LIMIT = throttling.limited("signup", rate="10/10m", keys=("ip", "post:email"), unproved="5/10m")


@method_decorator(
    [gate.public, never_cache, going.pages, sensitive_post_parameters("password1", "password2"), LIMIT], name="dispatch"
)
class SignUpView(Page, StockSignupView):
    """Name, e-mail, password. Who has an account already gets the same page, and another mail."""

    template_name = "account/signup.html"
    form_class = SignUpForm

    def get_authenticated_redirect_url(self) -> str:
        """Somebody already in goes on."""
        return going.after(self.request, self.request.user)

    def closed(self) -> HttpResponse:
        """Nobody signs up here."""
        return render(self.request, "account/signup_closed.html", status=404)

    def get_initial(self) -> dict[str, Any]:
        """Nothing: the stock view writes the address of a link into the form."""
        return {}

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        """The same for everybody; the stock view would make the user here and now."""
        typed = form.cleaned_data
        code = signing_up.ask(
            email=typed["email"],
            name=typed["name"],
            password=typed["password1"],
            locale=get_language() or "",
            at=timezone.now(),
        )
        hold(self.request, code)
        return redirect(going.on(self.request, "accounts:signup_confirm"))


@method_decorator([gate.public, never_cache, going.pages, CODES], name="dispatch")
class SignUpConfirmView(ConfirmView):
    """The code; right, and there is an account, and its owner is in."""

    purpose = signing_up.SIGNUP
    start = "accounts:signup"

    def proven(self, code: EmailCode) -> HttpResponseBase:
        """Let them in; a user of another tenant signs in with the password they have."""
        now = timezone.now()
        try:
            user, is_new = signing_up.admit(code.pk, by=None, at=now)
        except signing_up.AlreadyHere as refusal:
            return self._to_sign_in(str(refusal.messages[0]))
        except ValidationError as refusal:
            return over(self.request, refusal, start=self.start)
        if not is_new:
            return self._to_sign_in(_("You belong here too now. Sign in with the password you already have."))
        release(self.request, self.purpose)
        signin.finish(self.request, user, signin.Evidence(("password", "email")), at=now)  # type: ignore[arg-type]
        messages.success(self.request, _("Welcome. Your account is open."))
        return redirect(going.after(self.request, user))

    def _to_sign_in(self, sentence: str) -> HttpResponseBase:
        release(self.request, self.purpose)
        messages.info(self.request, sentence)
        return redirect(going.on(self.request, "accounts:login"))
