"""Opening an account, moving to another address, forgetting the password: in a browser, each page reads well."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Tenant, User
from tests.accounts.by_code import NEW, deliver, sent_code
from tests.browser.test_accessibility import WINDOWS, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "somebody.with.a.rather.long.name.of.their.own@department.of.long.addresses.example.org"


def enter_code(page: Page) -> None:
    page.get_by_label("Code from the mail").fill(sent_code().lower())
    page.keyboard.press("Enter")


def choose(page: Page, *labels: str, new: str) -> None:
    for label in labels:
        page.get_by_label(label, exact=True).fill(new)


@pytest.mark.parametrize("window", WINDOWS, ids=["wide and light", "narrow and dark"])
def test_the_whole_way_without_a_violation(
    tenant: Tenant, open_page: Callable[..., Page], window: dict[str, Any]
) -> None:
    page, faults = open_page(**window), {}

    def look(name: str) -> None:
        if found := [*violations(page), *(["wider than its window"] if overflow(page) > 0 else [])]:
            faults[name] = found

    page.goto("/account/login/")
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_role("heading", name="Create an account")).to_be_visible()
    look("sign-up")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("sign-up, refused")
    page.get_by_label("Your name").fill("Nora New")
    page.get_by_label("E-mail").fill(LONG)
    choose(page, "Password", "Password, once more", new=NEW)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    look("code")
    page.get_by_label("Code from the mail").fill("BBBB-BBBB")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    look("code, refused")
    enter_code(page)
    expect(page.get_by_text("Your account is open.")).to_be_visible()
    look("account")

    page.get_by_role("link", name="Change it").first.click()
    expect(page.get_by_role("heading", name="E-mail address")).to_be_visible()
    look("address")
    page.get_by_label("New e-mail address").fill("nora@example.org")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    enter_code(page)
    expect(page.get_by_text("Your e-mail address is changed.")).to_be_visible()
    assert [message.to for message in deliver()] == [[LONG]]
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/")

    page.goto("/account/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("heading", name="Forgot your password?")).to_be_visible()
    look("forgotten")
    page.get_by_label("E-mail").fill("nora@example.org")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    enter_code(page)
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    look("new password")
    choose(page, "New password", "New password, once more", new=NEW[::-1])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    page.goto("/account/password/reset/choose/")
    expect(page.get_by_role("heading", name="Forgot your password?")).to_be_visible()
    assert faults == {}
    assert User.objects.get().check_password(NEW[::-1])
