"""Leaving at the provider as well: here first, in any case; then with a signed request, where it takes one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuthSession, IdentityProvider, User
from audit.models import Event
from tests.factories import accounts as people
from tests.factories.sso import make_idp
from tests.sso import walking
from tests.sso.forger import Forger
from tests.sso.saml_idp import ACS, MFA, SamlIdp, inflated, needs_xmlsec1

SIGN_OUT, SLO = "/sso/corp/saml/sign-out/", "/sso/corp/saml/slo/"
Ask = Callable[..., tuple[str, str]]


@pytest.fixture
def ada(client: Client, provider: SamlIdp, ask: Ask) -> str:
    """She came in by SAML; what the provider knows of us."""
    provider.context = MFA
    location, metadata = ask()
    assert client.post(ACS, {"SAMLResponse": provider.answer(metadata, location)}).status_code == 200
    return metadata


def is_left(client: Client) -> bool:
    return not walking.is_signed_in(client) and not AuthSession.objects.filter(ended_at=None).exists()


@needs_xmlsec1
def test_the_provider_is_asked_signed_for_this_very_session(client: Client, provider: SamlIdp, ada: str) -> None:
    kept = AuthSession.objects.get()
    assert f'action="{SIGN_OUT}"' in client.get("/account/").text
    left = client.post(SIGN_OUT)
    assert (left.status_code, is_left(client)) == (200, True)
    onward = left.context["onward"]
    assert onward.startswith("https://idp.example/slo?SAMLRequest=")
    heard = provider.heard_logout(ada, onward)  # its signature is checked there
    assert (heard.name_id.text, [one.text for one in heard.session_index]) == ("s-1", [kept.idp_session])
    assert "LogoutRequest" in inflated(onward)
    assert Event.objects.filter(action="accounts.session.ended").get().reason == "signed out, at the provider too"


@needs_xmlsec1
def test_its_answer_lands_on_a_page_and_ends_nothing_more(client: Client, provider: SamlIdp, ada: str) -> None:
    answered = provider.logout_response(ada, client.post(SIGN_OUT).context["onward"])
    page = client.get(f"{SLO}?{answered}")
    assert (page.status_code, "You are signed out" in page.text) == (200, True)
    for forged in ({"SAMLResponse": "nonsense"}, {"SAMLResponse": "\0"}, {}):
        assert client.get(SLO, forged).status_code == 200
        assert client.post(SLO, forged).status_code == 200


@needs_xmlsec1
def test_a_forged_answer_signs_nobody_out(client: Client, ada: str) -> None:
    client.get(SLO, {"SAMLResponse": "nonsense"})
    assert walking.is_signed_in(client)


@needs_xmlsec1
@pytest.mark.parametrize("left_at", ["", "javascript:alert(1)//", "http://idp.example/slo"])
def test_a_provider_without_such_an_address_is_left_here_alone(
    client: Client, corp: IdentityProvider, provider: SamlIdp, ada: str, left_at: str
) -> None:
    without = SamlIdp(provider.folder, leaves_at="").metadata()
    metadata = corp.metadata.replace("https://idp.example/slo", left_at) if left_at else without
    IdentityProvider.objects.update(metadata=metadata)
    left = client.post(SIGN_OUT)
    assert (left.status_code, left.context["onward"], is_left(client)) == (200, "/account/login/", True)


@needs_xmlsec1
def test_whatever_became_of_the_provider_one_leaves_here(client: Client, ada: str) -> None:
    IdentityProvider.objects.update(status="draft")
    assert SIGN_OUT not in client.get("/account/").text
    assert client.post(SIGN_OUT).status_code == 404
    assert is_left(client)


def test_a_session_that_came_otherwise_is_only_left_here(corp: IdentityProvider, visitor: User) -> None:
    client = people.enter(visitor, level=1)
    assert SIGN_OUT not in client.get("/account/").text
    assert client.post(SIGN_OUT).context["onward"] == "/account/login/"
    assert not walking.is_signed_in(client)


def test_strangers_and_other_methods(client: Client, corp: IdentityProvider, visitor: User) -> None:
    assert client.post(SIGN_OUT).url.startswith("/account/login/")
    assert people.enter(visitor, level=1).get(SIGN_OUT).status_code == 405


# --- OpenID Connect --------------------------------------------------------------------------------------------------
def came(client: Client, liar: Forger) -> Any:
    return walking.come_back(client, walking.begin(client, liar))


def test_openid_connect_offers_the_same(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    liar.claims = {"amr": ["mfa"]}
    came(client, liar)
    assert 'action="/sso/acme/oidc/sign-out/"' in client.get("/account/").text
    left = client.post("/sso/acme/oidc/sign-out/")
    assert left.context["onward"].startswith(f"{liar.issuer}/end?client_id=verso&")
    assert is_left(client)


def test_a_provider_that_is_down_keeps_nobody_in(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    came(client, liar)
    IdentityProvider.objects.update(issuer="http://127.0.0.1:9")
    assert client.post("/sso/acme/oidc/sign-out/").context["onward"] == "/account/login/"
    assert is_left(client)


def test_nothing_is_offered_to_those_who_came_by_password(tenant: object, visitor: User) -> None:
    make_idp()
    assert "sign-out" not in people.enter(visitor, level=1).get("/account/").text
