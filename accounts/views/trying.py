"""What a try of a provider shows: kept for the back office's page and the one who began it. Nobody is signed in."""

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts import flows, provisioning
from accounts.models import IdentityProvider
from accounts.views import bounce, refusals


def foreseen(provider: IdentityProvider, claims: provisioning.Claims) -> dict[str, Any]:
    """What a sign-in would make of these claims. Refuses as `provisioning.preview` does."""
    seen = provisioning.preview(provider, claims, at=timezone.now())
    return {
        "user": str(seen.user or ""),
        "is_new": seen.is_new_member,
        "roles": [role.name for role in seen.roles],
        "explanation": list(seen.explanation),
    }


def would_be_refused(provider: IdentityProvider, refusal: ValidationError) -> dict[str, Any]:
    """Why a sign-in would come to nothing; noted as one that did."""
    refusals.note(provider, refusal)
    return {"refusal": refusal.messages[0], "why": refusals.reason(refusal)}


def show(request: HttpRequest, provider: IdentityProvider, *, by: str, mark: str, **shown: Any) -> HttpResponse:
    """On to the page that shows it; the answer itself came without the session."""
    handle = flows.keep_result(mark, provider=str(provider.pk), by=by, **shown)
    page = reverse("admin:accounts_identityprovider_tried", args=[provider.pk])
    return bounce.on(request, f"{page}?{urlencode({'result': handle})}")


def shown(request: HttpRequest, provider: IdentityProvider) -> dict[str, Any]:
    """What was kept for this browser. Refuses with `FlowOver`."""
    posted = provider.protocol == IdentityProvider.Protocol.SAML
    return flows.result(request.GET.get("result", ""), mark=flows.mark_of(request.COOKIES, posted=posted))
