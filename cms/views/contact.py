"""Writing to us."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from accounts import gate, throttling
from audit.tasks import nudge_outbox
from cms import conf, messages
from cms.forms import ContactForm


@gate.public
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
@throttling.waits
def contact(request: HttpRequest) -> HttpResponse:
    """The contact form. Whatever is refused, what was typed stays."""
    now = timezone.now()
    if request.method != "POST":
        return render(request, "cms/contact.html", {"form": ContactForm(at=now)})
    form = ContactForm(request.POST, at=now)
    if seconds := throttling.wait(
        request, "contact", rate=conf.get("CONTACT_RATE"), unproved=conf.get("CONTACT_RATE_UNPROVED")
    ):
        return _again(request, form, status=429, too_many=seconds)
    if not form.is_valid():
        return _again(request, form, status=422)
    typed = form.cleaned_data
    messages.receive(
        typed["message"],
        subject=typed["subject"],
        name=typed["name"],
        email=typed["email"],
        locale=request.LANGUAGE_CODE,
        request_id=form.request_id,
        at=now,
    )
    nudge_outbox()
    return HttpResponseRedirect("/contact/thanks/", status=303)


def _again(request: HttpRequest, form: ContactForm, *, status: int, too_many: int = 0) -> HttpResponse:
    """The form as it was typed, with what stands in its way."""
    form.renew_stamp()
    response = render(request, "cms/contact.html", {"form": form, "too_many": too_many}, status=status)
    if too_many:
        response["Retry-After"] = str(too_many)
    return response


@gate.public
@require_safe
def thanks(request: HttpRequest) -> HttpResponse:
    """The message is with us."""
    return render(request, "cms/thanks.html")
