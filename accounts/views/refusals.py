"""What a visitor reads when a provider's word is not taken: nobody is signed in, and nobody is signed out by it."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from prometheus_client import Counter

from accounts import flows, oidc, outgoing, provisioning, saml, saml_metadata
from accounts.models import IdentityProvider
from audit import context, ledger

# What each refusal is about, as the counter tells it.
KINDS: dict[type[ValidationError], str] = {
    outgoing.Unreachable: "away",
    oidc.NotBelieved: "word",
    saml.NotBelieved: "word",
    saml.NotInstalled: "here",
    saml_metadata.BadMetadata: "word",
    oidc.ProviderRefused: "provider",
    provisioning.NotProvisioned: "person",
    flows.FlowOver: "flow",
}
REFUSALS = tuple(KINDS)
REFUSED = Counter("verso_sso_refusals_total", "Sign-ins with a provider that came to nothing", ["protocol", "about"])


def reason(refusal: ValidationError) -> str:
    """The word by which the ledger knows a refusal."""
    return str(getattr(refusal, "why", "") or getattr(refusal, "code", ""))


def note(provider: IdentityProvider, refusal: ValidationError) -> None:
    """Count it, and put it into the ledger."""
    about = next((kind for type_, kind in KINDS.items() if isinstance(refusal, type_)), "other")
    REFUSED.labels(provider.protocol, about).inc()
    ledger.refused("accounts.sso.refused", provider, reason=reason(refusal))


def refused(request: HttpRequest, provider: IdentityProvider, refusal: ValidationError) -> HttpResponse:
    """Nobody is signed in: say so, and where to begin again."""
    note(provider, refusal)
    words = {
        "status": 403,
        "title": _("You are not signed in"),
        "reason": refusal.messages[0],
        "provider": provider,
        "reference": context.current_request_id(),
    }
    request.GET = QueryDict()  # code and state are spent: no link on the page repeats them
    response = render(request, "sso/refused.html", words, status=403)
    add_never_cache_headers(response)
    return response
