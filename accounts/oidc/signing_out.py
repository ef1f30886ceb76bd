"""Signing out at the provider, and being signed out by it."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import transaction

from accounts import conf
from accounts.models import AuthSession, ExternalIdentity, IdentityProvider, LogoutTokenSeen
from accounts.oidc import published, tokens
from accounts.oidc.refusals import NotBelieved
from audit import ledger

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_LIFETIME = timedelta(hours=24)


def sign_out_address(idp: IdentityProvider, *, back_to: str) -> str:
    """Where somebody ends their session at the provider too; empty where it offers none.

    ID tokens are not kept, so the provider is told by client id and asks the person (RP-Initiated Logout 1.0 §2).
    """
    metadata = published.discover(idp)
    if not metadata.end_session_endpoint:
        return ""
    query = urlencode({"client_id": idp.client_id, "post_logout_redirect_uri": back_to})
    return f"{metadata.end_session_endpoint}{'&' if '?' in metadata.end_session_endpoint else '?'}{query}"


def end_sessions(idp: IdentityProvider, token: Any, *, at: datetime) -> int:
    """End the sessions a provider's logout token names (Back-Channel Logout 1.0); how many they were.

    Refuses with `NotBelieved` whatever is no logout token of this provider for us, and one that served before.
    """
    claims = tokens.verified(idp, published.discover(idp), token, kinds=frozenset({"", "jwt", "logout+jwt"}))
    _refuse_other_purposes(claims)
    ends = tokens.moment(claims["exp"], what="exp")
    if ends is None or ends > at + LOGOUT_LIFETIME:
        raise NotBelieved("lives too long")
    digest = hashlib.sha256(claims["jti"].encode(errors="replace")).hexdigest()
    with transaction.atomic():
        leeway = timedelta(seconds=conf.CLOCK_LEEWAY)
        if not LogoutTokenSeen.spend(idp, digest, expires_at=ends + leeway):
            raise NotBelieved("logout token served before")
        rows = list(_named_sessions(idp, claims))
        for row in rows:
            AuthSession.objects.filter(pk=row.pk).update(ended_at=at, ended_why="signed out at the provider")
            ledger.record("accounts.session.ended", row.user, reason="signed out at the provider")
        ledger.record("accounts.sso.logout_received", idp, reason=f"{len(rows)} sessions")
    return len(rows)


def _refuse_other_purposes(claims: dict[str, Any]) -> None:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise NotBelieved("events")
    if "nonce" in claims:
        raise NotBelieved("nonce in a logout token")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise NotBelieved("jti")
    named = [claims.get(name) for name in ("sid", "sub") if name in claims]
    if not named or not all(isinstance(name, str) and name and "\0" not in name for name in named):
        raise NotBelieved("names nobody")


def _named_sessions(idp: IdentityProvider, claims: dict[str, Any]) -> Any:
    rows = AuthSession.objects.filter(idp=idp, ended_at=None).select_related("user")
    if "sid" in claims:
        rows = rows.filter(idp_session=claims["sid"])
    if "sub" in claims:
        known = ExternalIdentity.objects.filter(idp=idp, subject=claims["sub"])
        rows = rows.filter(user__in=known.values("user"))
    return rows
