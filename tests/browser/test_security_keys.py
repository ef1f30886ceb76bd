"""Security keys in a real browser: Chromium's virtual authenticator plays the key."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import CDPSession, Page, expect

from accounts.models import SecurityKey, User
from tests.browser.test_policy_of_content import inline
from tests.factories import accounts as people

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ADD = "/account/two_factor/keys/add/"
USE = "Use your security key"
ACCOUNT = re.compile(r"^http://localhost:\d+/account/$")  # and not the sign-in page on the way there


@dataclass
class VirtualKey:
    """A key plugged into one window."""

    cdp: CDPSession
    id: str

    def credentials(self) -> list[dict[str, Any]]:
        held = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(held["credentials"])

    def take(self, credential: dict[str, Any], **changed: Any) -> None:
        """Hold a credential made elsewhere: what a copy of a key is."""
        self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential | changed})

    def stay_silent(self) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": False})


def plug_in(page: Page) -> VirtualKey:
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return VirtualKey(cdp, added["authenticatorId"])


def password_step(page: Page, user: User) -> None:
    page.goto("/account/login/?next=/account/")
    page.fill("[name=auth-username]", user.email)
    page.fill("[name=auth-password]", people.PASSWORD)
    page.get_by_role("button", name="Continue").click()


@pytest.fixture
def enrolled(open_page: Callable[..., Page], owner: User) -> Iterator[tuple[Page, VirtualKey]]:
    """The owner, led to enrol, has added a key in the browser."""
    page = open_page()
    key = plug_in(page)
    password_step(page, owner)
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Name of the key").fill("blue key")
    page.get_by_role("button", name="Add this key").click()
    expect(page.get_by_role("heading", name="Keep these codes")).to_be_visible()
    yield page, key


def test_enrol_and_sign_in(enrolled: tuple[Page, VirtualKey], owner: User) -> None:
    page, key = enrolled
    row = SecurityKey.objects.get(user=owner)
    assert (row.name, row.rp_id, len(key.credentials())) == ("blue key", "localhost", 1)
    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()
    password_step(page, owner)
    assert inline(page) == []
    page.get_by_role("button", name=USE).click()
    page.wait_for_url(ACCOUNT)
    expect(page.get_by_text("Keys and authenticator")).to_be_visible()
    assert SecurityKey.objects.get(user=owner).sign_count > row.sign_count


def test_several_keys_named_renamed_removed(enrolled: tuple[Page, VirtualKey], owner: User) -> None:
    page, first = enrolled
    first.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": first.id})
    plug_in(page)
    page.goto(ADD)
    page.get_by_label("Name of the key").fill("red key")
    page.get_by_role("button", name="Add this key").click()
    page.get_by_role("link", name="Rename red key").click()
    page.get_by_label("Name of the key").fill("green key")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("link", name="Remove blue key").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("It is removed.")).to_be_visible()
    assert [key.name for key in SecurityKey.objects.filter(user=owner)] == ["green key"]
    page.get_by_role("link", name="Remove green key").click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Go on to confirm").click()  # the proof was used up by the first removal
    page.get_by_role("button", name=USE).click()
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_text("Add another first")).to_be_visible()
    assert SecurityKey.objects.filter(user=owner).count() == 1


def test_another_persons_key_is_refused(
    enrolled: tuple[Page, VirtualKey], open_page: Callable[..., Page], manager: User
) -> None:
    _page, key = enrolled
    (stolen,) = key.credentials()
    theirs = open_page()
    other = plug_in(theirs)
    password_step(theirs, manager)
    theirs.get_by_role("link", name="Add a key").click()
    theirs.get_by_label("Name of the key").fill("manager's key")
    theirs.get_by_role("button", name="Add this key").click()
    expect(theirs.get_by_role("heading", name="Keep these codes")).to_be_visible()
    (mine,) = other.credentials()
    theirs.context.clear_cookies()
    # A browser that answers with the owner's credential to the manager's question: same name, another's secret.
    other.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": other.id})
    other.take(stolen, credentialId=mine["credentialId"], userHandle=mine["userHandle"])
    password_step(theirs, manager)
    theirs.get_by_role("button", name=USE).click()
    expect(theirs.get_by_role("alert").first).to_contain_text("did not answer as expected")
    theirs.goto("/account/")
    assert "/account/login/" in theirs.url


def test_a_copied_key_is_refused(
    enrolled: tuple[Page, VirtualKey], open_page: Callable[..., Page], owner: User
) -> None:
    page, key = enrolled
    (copied,) = key.credentials()
    page.context.clear_cookies()
    password_step(page, owner)
    page.get_by_role("button", name=USE).click()
    page.wait_for_url(ACCOUNT)
    thief = open_page()
    plug_in(thief).take(copied, signCount=1)
    password_step(thief, owner)
    thief.get_by_role("button", name=USE).click()
    expect(thief.get_by_role("alert").first).to_contain_text("did not answer as expected")
    thief.goto("/account/")
    assert "/account/login/" in thief.url


def test_a_replayed_answer_is_refused(
    enrolled: tuple[Page, VirtualKey], open_page: Callable[..., Page], owner: User
) -> None:
    page, _key = enrolled
    page.context.clear_cookies()
    password_step(page, owner)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    page.get_by_role("button", name=USE).click()
    page.wait_for_url(ACCOUNT)
    (said,) = [parse_qs(body)["key-answer"][0] for body in sent if "key-answer" in body]
    again = open_page()
    password_step(again, owner)
    expect(again.get_by_role("heading", name="One more step")).to_be_visible()
    again.evaluate(
        """said => { const form = document.querySelector("form[data-key]");
                     form.querySelector("[data-key-answer]").value = said; form.submit(); }""",
        said,
    )
    expect(again.get_by_role("alert").first).to_contain_text("did not answer as expected")
    again.goto("/account/")
    assert "/account/login/" in again.url


def test_a_key_that_verified_nobody_is_not_taken(open_page: Callable[..., Page], owner: User) -> None:
    page = open_page(user=owner)
    key = plug_in(page)
    key.stay_silent()
    page.goto(ADD)
    page.get_by_label("Name of the key").fill("blue key")
    page.get_by_role("button", name="Add this key").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing came of it")
    assert not SecurityKey.objects.exists()


def test_without_scripts_the_page_offers_the_other_ways(
    enrolled: tuple[Page, VirtualKey], open_page: Callable[..., Page], owner: User
) -> None:
    page = open_page(java_script_enabled=False)
    password_step(page, owner)
    expect(page.get_by_text("Security keys work only where the page may run JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name=USE)).to_be_hidden()
    page.get_by_role("button", name="Use a recovery code").click()
    expect(page.get_by_label("Recovery code")).to_be_visible()


def test_a_passkey_alone_signs_in(enrolled: tuple[Page, VirtualKey], owner: User) -> None:
    page, key = enrolled
    assert [credential["isResidentCredential"] for credential in key.credentials()] == [True]
    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/account/login/?next=/account/sessions/")
    page.get_by_role("link", name="Sign in with a passkey").click()
    assert inline(page) == []
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url("**/account/sessions/")
    expect(page.get_by_text("this one")).to_be_visible()
