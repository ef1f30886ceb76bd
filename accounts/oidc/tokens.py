"""Believing a token: signed by this provider, for us, now, and for this purpose."""

import json
from datetime import UTC, datetime
from typing import Any

import jwt
from django.core.cache import cache
from jwt.types import Options

from accounts import conf
from accounts.models import IdentityProvider
from accounts.oidc import published
from accounts.oidc.published import Metadata
from accounts.oidc.refusals import NotBelieved

# Asymmetric ones only: with HS256 a public key could serve as the secret, with `none` anything could.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SUBJECT_LENGTH = 255


def verified(idp: IdentityProvider, metadata: Metadata, token: Any, *, kinds: frozenset[str]) -> dict[str, Any]:
    """The claims of a token this provider signed for us, now. Refuses everything else with `NotBelieved`.

    `kinds` are the `typ` headers accepted, so that a token for one purpose does not serve for another (RFC 8725 §3.11).
    """
    header = _header(token, kinds)
    key = _signing_key(idp, metadata, header)
    options: Options = {"require": ["iss", "aud", "exp", "iat"], "enforce_minimum_key_length": True}
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            audience=idp.client_id,
            issuer=metadata.issuer,
            leeway=conf.CLOCK_LEEWAY,
            options=options,
        )
        json.dumps(claims, ensure_ascii=False).encode()  # a lone surrogate is no text that could be kept
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise NotBelieved(type(error).__name__) from error
    _refuse_other_audiences(claims, idp.client_id)
    return claims


def _header(token: Any, kinds: frozenset[str]) -> dict[str, Any]:
    if not isinstance(token, str):
        raise NotBelieved("no token")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise NotBelieved(type(error).__name__) from error
    if header.get("alg") not in ALGORITHMS:
        raise NotBelieved("algorithm")
    if str(header.get("typ", "")).lower().removeprefix("application/") not in kinds:
        raise NotBelieved("type of token")
    return header


def _refuse_other_audiences(claims: dict[str, Any], client_id: str) -> None:
    """OpenID Connect Core 1.0 §3.1.3.7: a token for several must say that it was made for us."""
    audience = claims["aud"]
    if claims.get("azp", client_id) != client_id:
        raise NotBelieved("azp")
    if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
        raise NotBelieved("several audiences without azp")


def _signing_key(idp: IdentityProvider, metadata: Metadata, header: dict[str, Any]) -> jwt.PyJWK:
    """The provider's key for this token; an unknown one is looked for anew, once a minute at most."""
    found = _fitting(published.published(idp, "keys", metadata.jwks_uri), header)
    if found is None and cache.add(published.key(idp, "keys-asked"), 1, timeout=conf.PROVIDER_KEYS_SECONDS):
        cache.delete(published.key(idp, "keys"))
        found = _fitting(published.published(idp, "keys", metadata.jwks_uri), header)
    if found is None:
        raise NotBelieved("unknown key")
    return found


def _fitting(document: dict[str, Any], header: dict[str, Any]) -> jwt.PyJWK | None:
    """The one key that may have signed this: by id, for this algorithm, for signing. Nameless, there is one."""
    listed = document.get("keys")
    keys_ = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    wanted = header.get("kid")
    fitting = [
        key
        for key in keys_
        if (wanted is None or key.get("kid") == wanted)
        and key.get("alg", header["alg"]) == header["alg"]
        and key.get("use", "sig") == "sig"
        and key.get("kty") in ("RSA", "EC", "OKP")
    ]
    usable = [made for key in fitting if (made := _made(key, header["alg"])) is not None]
    return usable[0] if len(usable) == 1 or (usable and wanted is not None) else None


def _made(key: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    try:
        return jwt.PyJWK(key, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def subject(claims: dict[str, Any]) -> str:
    """Who it is about. Refuses the nameless."""
    named = claims.get("sub")
    if not isinstance(named, str) or not named.strip() or len(named) > SUBJECT_LENGTH or "\0" in named:
        raise NotBelieved("sub")
    return named


def moment(seconds: Any, *, what: str = "auth_time") -> datetime | None:
    """A claim in seconds since 1970 as a moment. Refuses what is none."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise NotBelieved(what) from error
