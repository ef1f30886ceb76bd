"""A real browser before a real server. `open_page(scheme="dark", width=320)` hands out a fresh window each time.

Every window keeps what the browser complained about in `page.complaints`; a story that ends with complaints fails.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import Tenant, User
from tests.factories import accounts as people

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Chromium reports an answer of 4xx or 5xx as an error of its own; the stories ask for those on purpose.
EXPECTED = "Failed to load resource: the server responded with a status of"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the whole run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this very thread
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
            yield chromium
            chromium.close()


@pytest.fixture
def open_page(browser: Browser, live_server: Any, tenant: Tenant) -> Iterator[Callable[..., Page]]:
    """`open_page(user=receptionist, width=320)`: a window on the tenant's site, signed in as somebody if named."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(kind: str, words: str) -> None:
        if not words.startswith(EXPECTED):
            complaints.append(f"{kind}: {words}")

    def opened(*, width: int = 1280, scheme: Any = "light", user: User | None = None, **options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 800}, color_scheme=scheme, **options
        )
        contexts.append(context)
        if user is not None:
            session = people.enter(user).cookies["session"].value
            context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda said: note(said.type, said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: note("script", str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
