"""Trading a code for a provider's word."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
from django.contrib.auth.backends import BaseBackend
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts import conf, identity_providers, outgoing
from accounts.models import ExternalIdentity, IdentityProvider, User
from accounts.oidc import published, tokens, words
from accounts.oidc.refusals import NotBelieved, NotFresh, ProviderRefused
from governance import keys

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIRequest


class Exchange(OIDCAuthenticationBackend):
    """One exchange of a code for a `Word`: the stock backend's walk, with its look-ups and permissions taken out.

    Not in AUTHENTICATION_BACKENDS, so it is built for a callback only and asked for no permission.
    """

    has_perm = BaseBackend.has_perm
    get_all_permissions = BaseBackend.get_all_permissions
    get_user_permissions = BaseBackend.get_user_permissions
    get_group_permissions = BaseBackend.get_group_permissions
    get_user = BaseBackend.get_user

    def __init__(self, idp: IdentityProvider, *, redirect_uri: str, fresh_since: datetime | None, at: datetime) -> None:
        self.idp, self.metadata = idp, published.discover(idp)
        self.redirect_uri, self.fresh_since, self.at = redirect_uri, fresh_since, at
        self.OIDC_RP_CLIENT_ID, self.OIDC_RP_CLIENT_SECRET = idp.client_id, _secret(idp)

    def has_module_perms(self, user: Any, app_label: str) -> bool:
        """Nothing at all."""
        return False

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Of the package's settings only the name of the callback is asked for; the flow's own address replaces it."""
        return "accounts:login" if attr == "OIDC_AUTHENTICATION_CALLBACK_URL" else None

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Trade the code for tokens, with the address this very flow went out with."""
        form = {**payload, "redirect_uri": self.redirect_uri}
        secret = form.pop("client_secret")
        headers = {}
        if self.metadata.secret_in_body:
            form["client_secret"] = secret
        else:
            headers = outgoing.basic(form.pop("client_id"), secret)
        answer = outgoing.call(self.metadata.token_endpoint, form=form, headers=headers)
        if answer.status != 200:
            raise NotBelieved(f"token endpoint: status {answer.status}")
        return answer.document()

    def verify_token(self, token: Any, **kwargs: Any) -> dict[str, Any]:
        """The ID token's claims. Refuses with `NotBelieved`."""
        claims = tokens.verified(self.idp, self.metadata, token, kinds=frozenset({"", "jwt"}))
        tokens.subject(claims)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), str(kwargs["nonce"]).encode()):
            raise NotBelieved("nonce")
        self._refuse_stale(claims)
        return claims

    def get_userinfo(self, access_token: Any, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """What the provider adds, about the same subject. Refuses another's."""
        if not self.metadata.userinfo_endpoint:
            return {}
        if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
            raise NotBelieved("access token")
        bearer = {"Authorization": f"Bearer {access_token}"}
        answer = outgoing.call(self.metadata.userinfo_endpoint, headers=bearer)
        if answer.status != 200:
            raise NotBelieved(f"userinfo: status {answer.status}")
        added = answer.document()
        if added.get("sub") != payload["sub"]:
            raise NotBelieved("userinfo about another subject")
        return added

    def get_or_create_user(self, access_token: Any, id_token: str, payload: dict[str, Any]) -> words.Word:
        """No user is looked up or made here: the verified word is the answer."""
        _refuse_wrong_hash(payload, access_token, jwt.get_unverified_header(id_token)["alg"])
        added = self.get_userinfo(access_token, id_token, payload)
        if "email" in payload:  # whether an address is verified is said where the address is said
            added.pop("email_verified", None)
        return words.word(self.idp, {**added, **payload})

    def store_tokens(self, access_token: Any, id_token: Any) -> None:
        """Tokens are not kept."""

    def _refuse_stale(self, claims: dict[str, Any]) -> None:
        """The person must have been asked since then, by the provider's own account of it."""
        moment = tokens.moment(claims.get("auth_time"))
        leeway = timedelta(seconds=conf.CLOCK_LEEWAY)
        if moment is not None and moment > self.at + leeway:
            raise NotBelieved("auth_time")
        if self.fresh_since is not None and (moment is None or moment < self.fresh_since - leeway):
            raise NotFresh("auth_time")


def _secret(idp: IdentityProvider) -> str:
    try:
        return identity_providers.open_secret(idp)
    except keys.Unreadable as error:
        raise NotBelieved("our client secret does not open") from error


def exchange(
    request: "WSGIRequest", idp: IdentityProvider, *, kept: dict[str, Any], fresh_since: datetime | None, at: datetime
) -> words.Word:
    """Trade the code in this request for the provider's word, with what the flow kept.

    Refuses `ProviderRefused`, `NotBelieved` and `outgoing.Unreachable`.
    """
    trade = Exchange(idp, redirect_uri=kept["redirect_uri"], fresh_since=fresh_since, at=at)
    _refuse_mix_up(trade.metadata, request.GET.get("iss"))
    if error := request.GET.get("error"):
        raise ProviderRefused(error_word(error))
    if not kept["code_verifier"]:
        raise NotBelieved("no verifier")
    found: words.Word | None = trade.authenticate(request, nonce=kept["nonce"], code_verifier=kept["code_verifier"])
    if found is None:
        raise NotBelieved("no code")
    return found


def error_word(error: str) -> str:
    """An error code of the provider, as far as it looks like one (RFC 6749 §4.1.2.1)."""
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 60 else "unreadable error"


def _refuse_mix_up(metadata: published.Metadata, named: str | None) -> None:
    """RFC 9207: an answer that names its issuer must name this one; where the provider always does, it must."""
    if named is None and not metadata.names_itself:
        return
    if named != metadata.issuer:
        raise NotBelieved("answer of another issuer")


def _refuse_wrong_hash(claims: dict[str, Any], access_token: Any, algorithm: str) -> None:
    """OpenID Connect Core 1.0 §3.1.3.6: where the ID token names its access token, it must be this one."""
    named = claims.get("at_hash")
    if named is None:
        return
    hashes: dict[str, Callable[[bytes], Any]] = {"256": hashlib.sha256, "384": hashlib.sha384}
    digest = hashes.get(algorithm[-3:], hashlib.sha512)(str(access_token).encode()).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(named, str) or not hmac.compare_digest(named.encode(), expected):
        raise NotBelieved("at_hash")


def same_person(idp: IdentityProvider, found: words.Word, user_id: str) -> User:
    """The user who began, if the provider speaks of the same one. Refuses with `NotBelieved`."""
    identity = ExternalIdentity.objects.filter(idp=idp, subject=found.claims.subject).select_related("user").first()
    if identity is None or str(identity.user_id) != user_id:
        raise NotBelieved("somebody else")
    return identity.user
