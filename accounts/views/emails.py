"""One's own e-mail address: seen, and changed by a code to the new one."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts import addresses, emails, gate, signin, throttling
from accounts.forms import AddressForm
from accounts.models import EmailCode, User
from accounts.views import going
from accounts.views.by_code import CODES, ConfirmView, held, hold, over, release
from audit.tasks import nudge_outbox


@gate.signed_in
@going.pages
@throttling.limited("email", rate="10/10m", keys=("ip", "user"))
def email(request: HttpRequest) -> HttpResponse:
    """The address, and the form for another one; or who manages it instead."""
    user = going.here(request)
    if not addresses.may_change_address(user):
        words = {"provider": addresses.manager_of(user)}
        return render(request, "account/email.html", words, status=403 if request.method == "POST" else 200)
    form = AddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _asked(request, user, form):
        return redirect("accounts:email_confirm")
    return render(request, "account/email.html", {"form": form}, status=422 if form.is_bound else 200)


def _asked(request: HttpRequest, user: User, form: AddressForm) -> EmailCode | None:
    new = form.cleaned_data["email"]
    try:
        code = emails.ask(user, new=new, locale=get_language() or "", by=user, at=timezone.now())
    except ValidationError as refusal:
        form.add_error("email", refusal)
        return None
    hold(request, code)
    return code


@method_decorator([gate.signed_in, going.pages, CODES], name="dispatch")
class EmailConfirmView(ConfirmView):
    """The code from the new address; right, and it is theirs."""

    purpose = emails.EMAIL
    start = "accounts:email"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Nobody goes on with what another user asked for in this browser."""
        code = held(request, self.purpose)
        if code is not None and code.user_id != going.here(request).pk:
            release(request, self.purpose)
        return super().dispatch(request, *args, **kwargs)

    def proven(self, code: EmailCode) -> HttpResponseBase:
        """Change it, and let this one session outlive the change."""
        user, now = going.here(self.request), timezone.now()
        release(self.request, self.purpose)
        try:
            emails.change(user, code_id=code.pk, by=user, at=now)
        except ValidationError as refusal:
            return over(self.request, refusal, start=self.start)
        signin.renew(self.request, user, at=now)  # type: ignore[arg-type]
        nudge_outbox()
        messages.success(self.request, _("Your e-mail address is changed. Other sessions have ended."))
        return redirect("accounts:home")
