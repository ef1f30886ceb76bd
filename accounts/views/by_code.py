"""What sign-up, reset and change of address have in common: a code, held by this browser, asked for on a page.

The session holds the code's id and nothing else; the pages are allauth's, with what they look up and keep taken out.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.views import ConfirmEmailVerificationCodeView
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from accounts import codes, conf, throttling
from accounts.forms import CodeForm
from accounts.models import EmailCode
from accounts.views import bounce, going
from audit.tasks import nudge_outbox

HELD = "email_codes"
CODES = throttling.limited("code", rate="60/15m")


def hold(request: HttpRequest, code: EmailCode) -> None:
    """Let this browser try the code, and see that its mail leaves."""
    request.session[HELD] = {**request.session.get(HELD, {}), str(code.purpose): str(code.pk)}
    nudge_outbox()


def held(request: HttpRequest, purpose: str) -> EmailCode | None:
    """The code this browser asked for and may try or use now."""
    code_id = request.session.get(HELD, {}).get(str(purpose))
    return codes.pending(UUID(code_id), purpose=purpose, at=timezone.now()) if code_id else None


def release(request: HttpRequest, purpose: str) -> None:
    """This browser is through with it."""
    kept = dict(request.session.get(HELD, {}))
    if kept.pop(str(purpose), None):
        request.session[HELD] = kept


def over(request: HttpRequest, refusal: ValidationError, *, start: str) -> HttpResponse:
    """A code that is over: say so, and where to begin again."""
    words = {"sentence": refusal.messages[0], "start": going.on(request, start)}
    return render(request, "account/code_over.html", words, status=410)


class Page:
    """In front of a view of allauth's: our methods, our answers, nothing of its redirects and lookups."""

    http_method_names = ["get", "head", "post"]
    request: HttpRequest

    def get_next_url(self) -> str:
        """None: `going` judges where somebody wants to go on to."""
        return ""

    def passthrough_next_url(self, url: str) -> str:
        """The address with a wished-for destination kept."""
        return going.on(self.request, url)

    def get_context_data(self, **words: Any) -> dict[str, Any]:
        """The form; the stock views add addresses that are not there."""
        return {"form": words.get("form") or self.get_form(), "view": self, **words}  # type: ignore[attr-defined]

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form as it was typed, with what stands in its way."""
        return self.render_to_response(self.get_context_data(form=form), status=422)  # type: ignore[attr-defined]


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class ConfirmView(Page, ConfirmEmailVerificationCodeView):
    """Asks for the code, or sends another one: allauth's page, which here serves all three purposes."""

    purpose: str
    start: str
    template_name = "account/code.html"
    form_class = CodeForm
    stage = None
    _process: Any  # the code at hand, in the place of allauth's state in the session

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Nothing to confirm: back to the beginning. The stock view would look into the session for it."""
        code = held(request, self.purpose)
        if code is None and request.method != "POST":
            if bounce.hides_session(request):  # they clicked the address in the mail
                return bounce.on(request, request.get_full_path())
            return redirect(going.on(request, self.start))
        if code is None:
            return over(request, codes.CodeOver(), start=self.start)
        if code.proven_at is not None and request.method == "POST":  # shown already, and something came in between
            return self.proven(code)
        self._process = code
        return FormView.dispatch(self, request, *args, **kwargs)

    @property
    def _action(self) -> str:
        return "resend" if self.request.POST.get("action") == "resend" else "verify"

    def get_form_class(self) -> Any:
        """Sending another one asks for nothing."""
        return Form if self._action == "resend" else CodeForm

    def get_form_kwargs(self) -> dict[str, Any]:
        """What any form gets: the code itself is not here to be given."""
        return FormView.get_form_kwargs(self)

    def get_context_data(self, **words: Any) -> dict[str, Any]:
        """Where the mail went."""
        email = codes.facts(self._process)["email"]
        minutes = conf.CODE_FOR // timedelta(minutes=1)
        return super().get_context_data(**words) | {"email": email, "minutes": minutes, "start": reverse(self.start)}

    def _verify_form_valid(self, form: CodeForm) -> HttpResponseBase:
        typed = form.cleaned_data["code"]
        try:
            code = codes.prove(self._process.pk, purpose=self.purpose, typed=typed, at=timezone.now())
        except codes.WrongCode as wrong:
            form.add_error("code", wrong)
            return self.form_invalid(form)
        except codes.CodeOver as refusal:
            return over(self.request, refusal, start=self.start)
        return self.proven(code)

    def _resend_form_valid(self, form: Form) -> HttpResponseBase:
        try:
            codes.send_again(self._process.pk, purpose=self.purpose, at=timezone.now())
        except codes.SentEnough as refusal:
            messages.warning(self.request, refusal.messages[0])
        except codes.CodeOver as refusal:
            return over(self.request, refusal, start=self.start)
        else:
            nudge_outbox()
            messages.success(self.request, _("We have sent another code. The one before is over."))
        return redirect(going.on(self.request, self.request.path))

    def proven(self, code: EmailCode) -> HttpResponseBase:
        """The code was right: what it is for."""
        raise NotImplementedError
