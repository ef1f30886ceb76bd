"""What a provider publishes about itself: its endpoints and its keys."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from accounts import conf, outgoing
from accounts.models import IdentityProvider
from accounts.oidc.refusals import NotBelieved


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of a provider's discovery document that are used (OpenID Connect Discovery 1.0 §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    secret_in_body: bool = False
    names_itself: bool = False


def discover(idp: IdentityProvider) -> Metadata:
    """What the issuer publishes, kept for an hour. Refuses another issuer's document and forbidden addresses."""
    address = idp.issuer.rstrip("/") + "/.well-known/openid-configuration"
    return _metadata(idp, published(idp, "metadata", address))


def forget(idp: IdentityProvider) -> None:
    """Ask the provider anew next time."""
    cache.delete_many([key(idp, "metadata"), key(idp, "keys")])


def _metadata(idp: IdentityProvider, document: dict[str, Any]) -> Metadata:
    def text(name: str) -> str:
        value = document.get(name, "")
        if not isinstance(value, str):
            raise NotBelieved(f"discovery: {name}")
        if value:
            outgoing.permitted(value)
        return value

    if document.get("issuer") != idp.issuer:
        raise NotBelieved("discovery names another issuer")
    methods = document.get("token_endpoint_auth_methods_supported")
    methods = methods if isinstance(methods, list) else ["client_secret_basic"]
    needed = {name: text(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    if not all(needed.values()):
        raise NotBelieved("discovery lacks an endpoint")
    return Metadata(
        issuer=idp.issuer,
        **needed,
        userinfo_endpoint=text("userinfo_endpoint"),
        end_session_endpoint=text("end_session_endpoint"),
        secret_in_body="client_secret_basic" not in methods and "client_secret_post" in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def published(idp: IdentityProvider, what: str, address: str) -> dict[str, Any]:
    """A document of the provider, from the cache while it is young."""
    kept = cache.get(key(idp, what))
    if kept and kept["address"] == address:
        return dict(kept["document"])
    answer = outgoing.call(address)
    if answer.status != 200:
        raise outgoing.Unreachable(f"{what}: status {answer.status}")
    document = answer.document()
    cache.set(key(idp, what), {"address": address, "document": document}, timeout=conf.PROVIDER_SECONDS)
    return document


def key(idp: IdentityProvider, what: str) -> str:
    return f"sso:{what}:{idp.tenant_id}:{idp.pk}"
