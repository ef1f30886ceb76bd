"""The providers somebody may come in with, for the sign-in page."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from accounts import identity_providers
from accounts.models import IdentityProvider

register = template.Library()
Protocol = IdentityProvider.Protocol
# Where a sign-in begins, by protocol.
STARTS: dict[str, str] = {Protocol.OIDC: "sso:oidc_start", Protocol.SAML: "sso:saml_start"}
# Where somebody leaves here and there, by protocol.
ENDS: dict[str, str] = {Protocol.OIDC: "sso:oidc_sign_out", Protocol.SAML: "sso:saml_sign_out"}


@register.simple_tag
def providers_end(request: Any) -> dict[str, str]:
    """Name of the provider the session at hand came from, and where both are left; nothing for other sessions."""
    row = getattr(request, "auth_session", None)
    idp = row.idp if row is not None and row.idp_id else None
    if idp is None or idp.status != IdentityProvider.Status.LIVE:
        return {}
    return {"name": idp.name, "address": reverse(ENDS[idp.protocol], args=[idp.slug])}


@register.simple_tag
def offered_providers(onward: str = "") -> list[dict[str, str]]:
    """Name and address of each live provider of this tenant, in the order of their names."""
    query = f"?{urlencode({'next': onward})}" if onward else ""
    return [
        {"name": idp.name, "address": reverse(STARTS[idp.protocol], args=[idp.slug]) + query}
        for idp in identity_providers.offered()
        if idp.protocol in STARTS
    ]
