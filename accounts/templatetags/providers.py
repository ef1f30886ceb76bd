"""The providers somebody may come in with, for the sign-in page."""

from urllib.parse import urlencode

from django import template
from django.urls import reverse

from accounts import identity_providers
from accounts.models import IdentityProvider

register = template.Library()
Protocol = IdentityProvider.Protocol
# Where a sign-in begins, by protocol.
STARTS: dict[str, str] = {Protocol.OIDC: "sso:oidc_start", Protocol.SAML: "sso:saml_start"}


@register.simple_tag
def offered_providers(onward: str = "") -> list[dict[str, str]]:
    """Name and address of each live provider of this tenant, in the order of their names."""
    query = f"?{urlencode({'next': onward})}" if onward else ""
    return [
        {"name": idp.name, "address": reverse(STARTS[idp.protocol], args=[idp.slug]) + query}
        for idp in identity_providers.offered()
        if idp.protocol in STARTS
    ]
