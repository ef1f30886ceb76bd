"""Signing in at another organisation's provider, in a real browser, with Strict session cookies, on two sites.

The provider is on 127.0.0.1 and we are on localhost: to the browser these are different sites.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import AuthSession, IdentityProvider, Tenant, User
from audit.models import Event
from tests.factories.sso import map_group
from tests.sso import certified, walking

pytestmark = [pytest.mark.browser, pytest.mark.node]


@pytest.fixture
def acme(live_server: LiveServer, tenant: Tenant) -> Iterator[IdentityProvider]:
    """The certified provider, which knows this very server."""
    home = live_server.url
    with certified.running(
        redirects=f"{home}{walking.CALLBACK}",
        after=f"{home}/account/login/",
        logout=f"{home}/sso/acme/oidc/backchannel-logout/",
    ) as issuer:
        assert "//127.0.0.1:" in issuer
        assert "//localhost:" in home
        idp = walking.provider(issuer, certified.SECRET, mfa_evidence=["mfa"])
        map_group(idp, "desk", "receptionist")
        yield idp


def sign_in(page: Page, *, name: str = "ada", mfa: bool = True) -> None:
    """At the provider's own page."""
    page.get_by_label("Name").fill(name)
    if mfa:
        page.get_by_label("with a second factor").check()
    page.get_by_role("button", name="Sign in at Acme").click()


def session_cookies(page: Page) -> dict[str, str]:
    return {cookie["name"]: cookie["sameSite"] for cookie in page.context.cookies() if cookie["domain"] == "localhost"}


@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_our_page_to_theirs_and_back(
    acme: IdentityProvider, open_page: Callable[..., Page], scripted: bool
) -> None:
    page = open_page(java_script_enabled=scripted)
    page.goto("/account/login/?next=/account/")
    page.get_by_role("link", name="Continue with Acme").click()
    expect(page).to_have_url(re.compile(r"^http://127\.0\.0\.1:"))
    sign_in(page)
    expect(page).to_have_url(re.compile(r"^http://localhost:\d+/account/$"))
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    kept = session_cookies(page)
    assert (kept["session"], kept["flow"]) == ("Strict", "Lax")
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()


def test_a_second_time_nothing_is_asked(acme: IdentityProvider, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/sso/acme/oidc/start/?next=/account/")
    sign_in(page)
    expect(page).to_have_url(re.compile("/account/$"))
    page.context.clear_cookies(domain="localhost")
    page.goto("/sso/acme/oidc/start/?next=/account/")
    expect(page).to_have_url(re.compile(r"localhost:\d+/account/$"))


def test_somebody_refused_reads_why(acme: IdentityProvider, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/sso/acme/oidc/start/")
    sign_in(page, name="eve")
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    expect(page.get_by_text("not meant for your e-mail address")).to_be_visible()
    assert "session" not in session_cookies(page)


def test_proving_oneself_anew(acme: IdentityProvider, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/sso/acme/oidc/start/?next=/account/")
    sign_in(page)
    expect(page).to_have_url(re.compile("/account/$"))
    page.goto("/sso/acme/oidc/again/?next=/account/password/")
    sign_in(page)
    expect(page).to_have_url(re.compile("/account/password/$"))
    assert Event.objects.filter(action="accounts.session.verified").exists()


def test_staff_try_a_provider_and_stay_themselves(
    acme: IdentityProvider, owner: User, open_page: Callable[..., Page]
) -> None:
    IdentityProvider.objects.update(status="test")
    page = open_page(user=owner)
    page.goto(f"/admin/accounts/identityprovider/{acme.pk}/change/")
    page.get_by_role("link", name="Try it").click()
    sign_in(page)
    expect(page.get_by_text("Would come in")).to_be_visible()
    expect(page.get_by_text("ada@acme.example")).to_be_visible()
    assert not User.objects.filter(email="ada@acme.example").exists()
    page.get_by_role("link", name="Back to Acme").click()
    page.get_by_role("button", name="Go live").click()
    expect(page.get_by_text("Acme is now: live.")).to_be_visible()


def test_leaving_at_the_provider_ends_the_session_here(
    acme: IdentityProvider, open_page: Callable[..., Page], live_server: LiveServer
) -> None:
    """Out by its page: the provider tells us over the back-channel which session is over."""
    page = open_page()
    page.goto("/sso/acme/oidc/start/?next=/account/")
    sign_in(page)
    expect(page).to_have_url(re.compile("/account/$"))
    page.goto(f"{acme.issuer}/session/end")
    page.get_by_role("button", name="Sign out at Acme").click()
    expect(page.get_by_text("Signed out at Acme")).to_be_visible()
    entry = Event.objects.filter(action="accounts.sso.logout_received").first()
    assert entry is not None
    assert AuthSession.objects.filter(ended_at=None, idp=acme).count() == 0
