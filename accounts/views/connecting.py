"""A signed-in member's own wish to come in with a provider from now on, carried there and back.

It begins with a form of ours (`accounts:provider_connect`), whose ticket in the session is used up on the way out: no
link from elsewhere makes anybody's identity a way into the account at hand. The answer comes without the session; what
it says is kept for the next page, which has the session again.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts import flows, provisioning
from accounts.models import IdentityProvider
from accounts.views import bounce, going, refusals

TICKET = "sso_connect"


def let(request: HttpRequest, provider: IdentityProvider) -> None:
    """Lay down that the member at hand asked for it, for one way out."""
    until = timezone.now().timestamp() + flows.SECONDS
    request.session[TICKET] = {"provider": str(provider.pk), "user": str(going.here(request).pk), "until": until}


def take(request: HttpRequest, provider: IdentityProvider) -> str:
    """Who asked for it, once. Refuses with `FlowOver` what nobody asked for."""
    ticket, user = request.session.pop(TICKET, None) or {}, str(going.here(request).pk)
    is_theirs = (ticket.get("provider"), ticket.get("user")) == (str(provider.pk), user)
    if not is_theirs or ticket["until"] < timezone.now().timestamp():
        raise flows.FlowOver("nobody asked to connect")
    return user


def turned_back(request: HttpRequest, provider: IdentityProvider, refusal: ValidationError) -> HttpResponse:
    """Why nobody set out, on the page where it was asked for."""
    refusals.note(provider, refusal)
    messages.error(request, " ".join(refusal.messages))
    return redirect("accounts:providers")


def kept(
    request: HttpRequest, provider: IdentityProvider, claims: provisioning.Claims, *, user: str, mark: str
) -> HttpResponse:
    """What the provider said, for the page that connects it."""
    told = {"subject": claims.subject, "email": claims.email, "email_verified": claims.email_verified}
    return _on(request, provider, mark, user=user, claims=told)


def failed(
    request: HttpRequest, provider: IdentityProvider, refusal: ValidationError, *, user: str, mark: str
) -> HttpResponse:
    """Why nothing was connected: they stay signed in, so the page of those who are not is not theirs."""
    refusals.note(provider, refusal)
    return _on(request, provider, mark, user=user, refusal=refusal.messages[0])


def _on(request: HttpRequest, provider: IdentityProvider, mark: str, **found: Any) -> HttpResponse:
    handle = flows.keep_result(mark, provider=str(provider.pk), **found)
    page = reverse("accounts:provider_connected", args=[provider.pk])
    return bounce.on(request, f"{page}?{urlencode({'result': handle})}")


def found(request: HttpRequest, provider: IdentityProvider) -> provisioning.Claims:
    """What the provider said to this browser of the member at hand, once. Refuses `FlowOver`, and what was refused."""
    posted = provider.protocol == IdentityProvider.Protocol.SAML
    mark = flows.mark_of(request.COOKIES, posted=posted)
    told = flows.result(request.GET.get("result", ""), mark=mark, once=True)
    if (told.get("user"), told["provider"]) != (str(going.here(request).pk), str(provider.pk)):
        raise flows.FlowOver("somebody else")
    if "claims" not in told:
        raise ValidationError(told["refusal"])
    return provisioning.Claims(**told["claims"])
