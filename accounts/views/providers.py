"""One's own ways in through providers: which there are, connected and disconnected by oneself."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import gate, identity_providers, provisioning
from accounts.models import ExternalIdentity, IdentityProvider
from accounts.views import bounce, connecting, going, refusals

Protocol = IdentityProvider.Protocol
SETTING_OUT: dict[str, str] = {Protocol.OIDC: "sso:oidc_connect", Protocol.SAML: "sso:saml_start"}


def _own(request: HttpRequest) -> Any:
    return ExternalIdentity.objects.filter(user=going.here(request)).select_related("idp").order_by("linked_at")


@gate.signed_in
@require_http_methods(["GET", "HEAD"])
def index(request: HttpRequest) -> HttpResponse:
    """The providers one may come in with here, and which of them one does."""
    own = list(_own(request))
    connected = {identity.idp_id for identity in own}
    others = [idp for idp in identity_providers.offered() if idp.pk not in connected]
    return render(request, "account/providers.html", {"identities": own, "others": others})


@gate.signed_in
@require_POST
def connect(request: HttpRequest, idp: UUID) -> HttpResponse:
    """Set out to the provider, by a page of ours: a form may not lead to another site."""
    provider = get_object_or_404(IdentityProvider.objects.offered(), pk=idp)
    connecting.let(request, provider)
    asked = "?why=connect" if provider.protocol == Protocol.SAML else ""
    return bounce.on(request, reverse(SETTING_OUT[provider.protocol], args=[provider.slug]) + asked)


@gate.signed_in
@require_http_methods(["GET"])
def connected(request: HttpRequest, idp: UUID) -> HttpResponse:
    """Back from there: what the provider said makes it a way in, once."""
    provider = get_object_or_404(IdentityProvider.objects.offered(), pk=idp)
    try:
        claims = connecting.found(request, provider)
        provisioning.connect(provider, claims, user=going.here(request), at=timezone.now())
        messages.success(request, _("From now on you can sign in with %(name)s.") % {"name": provider})
    except refusals.REFUSALS as refusal:
        return connecting.turned_back(request, provider, refusal)
    except ValidationError as refusal:  # what was refused, and noted, when the answer came
        messages.error(request, " ".join(refusal.messages))
    return redirect("accounts:providers")


@gate.signed_in
@require_POST
def disconnect(request: HttpRequest, identity: UUID) -> HttpResponse:
    """Come in with it no more."""
    row = get_object_or_404(_own(request), pk=identity)
    try:
        provisioning.disconnect(row, by=going.here(request), at=timezone.now())
        messages.success(request, _("%(name)s is disconnected.") % {"name": row.idp})
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    return redirect("accounts:providers")
