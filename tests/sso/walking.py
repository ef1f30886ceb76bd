"""How stories walk to a provider and back, and what a refusal looks like."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from django.utils import timezone

from accounts import identity_providers
from accounts.models import IdentityProvider
from audit.models import Event
from tests.factories.sso import make_idp
from tests.sso.forger import Forger

START, CALLBACK = "/sso/acme/oidc/start/", "/sso/acme/oidc/callback/"


def provider(issuer: str, secret: str, **fields: Any) -> IdentityProvider:
    """A live provider with its secret sealed, as the verb leaves it."""
    idp = make_idp(**{"issuer": issuer, **fields})
    return identity_providers.define(idp, by=None, at=timezone.now(), secret=secret)


def asked(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def begin(client: Client, forger: Forger, *, query: str = "", start: str = START) -> dict[str, str]:
    """Set out; the forger learns what an honest provider would."""
    answer = client.get(start + query)
    assert answer.status_code == 302, answer.content
    sent = asked(answer.url)
    forger.nonce, forger.challenge = sent["nonce"], sent["code_challenge"]
    return sent


def come_back(client: Client, sent: dict[str, str], **changes: Any) -> Any:
    """Back with a code and the state, changed where named; None leaves a parameter out."""
    query = {"code": "code-1", "state": sent["state"], **changes}
    return client.get(f"{CALLBACK}?{urlencode({k: v for k, v in query.items() if v is not None})}")


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def refusals() -> list[tuple[str, str]]:
    """What the ledger says was refused at this door."""
    rows = Event.objects.filter(action__startswith="accounts.sso.").exclude(outcome="success").order_by("id")
    return [(row.action, row.reason) for row in rows]


def assert_refused(client: Client, answer: Any, why: str) -> None:
    """A page, an entry, no session, no 5xx."""
    assert (answer.status_code, "You are not signed in" in answer.text) == (403, True), answer.content
    assert refusals()[-1:] == [("accounts.sso.refused", why)], refusals()
    assert not is_signed_in(client)
    assert "no-store" in answer["Cache-Control"]
