"""Signing in with a SAML provider in a real browser: its answer is a POST from another site, and cookies are Strict."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import saml, saml_metadata
from accounts.models import AuthSession, IdentityProvider, Tenant
from audit.models import Event
from tests.factories.sso import make_idp, map_group
from tests.sso.saml_idp import MFA, SamlIdp, make_keys
from tests.sso.saml_site import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="needs xmlsec1"),
]
SIGN_IN = "Sign in at Corp"


@pytest.fixture
def corp(
    live_server: LiveServer,
    tenant: Tenant,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[IdentityProvider]:
    """The provider, on another site than ours: 127.0.0.1 beside localhost."""
    monkeypatch.setattr(saml, "KEY_BITS", 2048)
    there = SamlIdp(make_keys(tmp_path_factory.mktemp("corp")), context=MFA)
    with serving(there, sp=f"{live_server.url}/sso/corp/saml") as provider:
        row = make_idp("corp", protocol="saml", metadata=provider.metadata(), issuer="", mfa_evidence=[MFA])
        map_group(row, "desk", "receptionist")
        yield row


def sign_in(page: Page, *, scripted: bool = True) -> None:
    """At the provider's own page, which sends its answer by itself where it may run scripts."""
    page.get_by_role("button", name=SIGN_IN).click()
    if not scripted:
        page.get_by_role("button", name="Go on").click()


def cookies(page: Page) -> dict[str, str]:
    return {cookie["name"]: cookie["sameSite"] for cookie in page.context.cookies() if cookie["domain"] == "localhost"}


@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_our_page_to_theirs_and_back(
    corp: IdentityProvider, open_page: Callable[..., Page], scripted: bool
) -> None:
    page = open_page(java_script_enabled=scripted)
    page.goto("/account/login/?next=/account/sessions/")
    page.get_by_role("link", name="Continue with Corp").click()
    expect(page).to_have_url(re.compile(r"^http://127\.0\.0\.1:"))
    sign_in(page, scripted=scripted)
    expect(page).to_have_url(re.compile(r"^http://localhost:\d+/account/sessions/$"))
    expect(page.get_by_text("this one")).to_be_visible()
    assert cookies(page)["session"] == "Strict"
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()


def test_proving_oneself_anew(corp: IdentityProvider, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/sso/corp/saml/start/?next=/account/")
    sign_in(page)
    expect(page).to_have_url(re.compile("/account/$"))
    page.goto("/sso/corp/saml/start/?why=verify&next=/account/sessions/")
    sign_in(page)
    expect(page).to_have_url(re.compile("/account/sessions/$"))
    assert Event.objects.filter(action="accounts.session.verified").exists()


def test_leaving_at_the_provider_ends_the_session_here(corp: IdentityProvider, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/sso/corp/saml/start/?next=/account/")
    sign_in(page)
    expect(page).to_have_url(re.compile("/account/$"))
    page.goto(f"{saml_metadata.read(corp.metadata).entity_id.removesuffix('/metadata')}/leave")
    expect(page.get_by_role("heading", name="Signed out at Corp")).to_be_visible()
    assert AuthSession.objects.filter(ended_at=None, idp=corp).count() == 0
    page.goto("/account/")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_somebody_refused_reads_why(corp: IdentityProvider, open_page: Callable[..., Page]) -> None:
    IdentityProvider.objects.update(allowed_domains=["other.example"])
    page = open_page()
    page.goto("/sso/corp/saml/start/")
    sign_in(page)
    expect(page.get_by_text("not meant for your e-mail address")).to_be_visible()
    assert "session" not in cookies(page)
