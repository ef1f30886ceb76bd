"""The browser proves by itself that it is no robot; where it cannot, the form works all the same."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts import bots

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TYPED = {"name": "Ada Winter", "email": "ada@example.net", "subject": "A wheelchair", "message": "Is there room?"}


@pytest.fixture
def proven(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[bool]:
    """What each form sent was worth."""
    settings.CONTACT_MINIMUM_SECONDS = 0
    seen: list[bool] = []
    judge = bots._spend
    monkeypatch.setattr(bots, "_spend", lambda proof: seen.append(judge(proof)) or seen[-1])
    return seen


def fill_in(page: Page) -> None:
    for name, words in TYPED.items():
        page.fill(f"[name={name}]", words)


def send(page: Page) -> None:
    page.get_by_role("button", name="Send message").click()
    page.wait_for_url("**/contact/thanks/")


def test_a_form_filled_in_brings_its_proof(open_page: Callable[..., Page], proven: list[bool]) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/contact/")
    assert not [url for url in asked if "challenge" in url]  # looking costs nothing
    fill_in(page)
    expect(page.locator("[name=altcha]")).not_to_have_value("", timeout=30_000)
    expect(page.get_by_role("status")).to_be_empty()  # nobody is disturbed while typing
    send(page)
    assert proven == [True]
    assert page.context.cookies() == [] or {c["name"] for c in page.context.cookies()} <= {"csrftoken"}


def test_a_form_sent_at_once_waits_for_its_proof(open_page: Callable[..., Page], proven: list[bool]) -> None:
    page = open_page()
    page.goto("/contact/")
    page.evaluate(
        "typed => { for (const [name, words] of Object.entries(typed)) "
        "document.querySelector(`[name=${name}]`).value = words; }",
        TYPED,
    )
    send(page)
    assert proven == [True]


def test_without_scripts_the_form_works(open_page: Callable[..., Page], proven: list[bool]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/contact/")
    expect(page.locator("main noscript")).to_have_count(1)
    fill_in(page)
    send(page)
    assert proven == [False]


def test_where_no_challenge_comes_the_form_is_sent_without(open_page: Callable[..., Page], proven: list[bool]) -> None:
    page = open_page()
    page.route("**/account/challenge/", lambda route: route.fulfill(status=503, body="{}"))
    page.goto("/contact/")
    fill_in(page)
    send(page)
    assert proven == [False]
