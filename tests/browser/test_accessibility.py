"""Every public page reads well for everybody (axe-core, WCAG 2.2 AA), in light and dark, on wide and narrow screens."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import RequestFactory
from playwright.sync_api import Page

from accounts.models import Tenant, User
from cms.views import errors
from governance import tenancy
from tests.factories.cms import receive_message
from tests.factories.scheduling import make_service

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}}
PUBLIC = ("/", "/services/", "/book/", "/contact/", "/contact/thanks/", "/privacy/", "/account/login/", "/nothing/")
STAFF = ("/admin/", "/admin/cms/contactmessage/")
WINDOWS = ({"width": 1280, "scheme": "light"}, {"width": 320, "scheme": "dark"})


def violations(page: Page) -> list[str]:
    """What axe-core finds, one line each."""
    found: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def overflow(page: Page) -> int:
    """Pixels by which a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("window", WINDOWS, ids=["wide and light", "narrow and dark"])
def test_public_pages_have_no_violation_and_fit_the_window(
    tenant: Tenant, open_page: Callable[..., Page], window: dict[str, Any]
) -> None:
    make_service(tenant, name="Physiotherapy", slug="physiotherapy")
    page = open_page(**window)
    faults = {}
    for path in PUBLIC:
        page.goto(path)
        if found := [*violations(page), *(["wider than its window"] if overflow(page) > 0 else [])]:
            faults[path] = found
    assert faults == {}


@pytest.mark.parametrize("status", sorted(errors.PAGES))
def test_error_pages_have_no_violation(
    tenant: Tenant, open_page: Callable[..., Page], rf: RequestFactory, status: int
) -> None:
    drawn = errors.server_error(rf.get("/")) if status == 500 else errors.page(rf.get("/"), status, retry_after="30")
    page = open_page(width=320)
    page.route("**/as-it-happens", lambda route: route.fulfill(status=status, body=drawn.text, headers=drawn.headers))
    page.goto("/as-it-happens")
    assert page.locator("h1").inner_text() == str(errors.PAGES[status][1])
    assert page.locator("main a.button").count() >= 1
    assert (violations(page), overflow(page)) == ([], 0)


def test_a_refused_form_leads_to_its_fields(tenant: Tenant, open_page: Callable[..., Page]) -> None:
    page = open_page(width=320)
    page.goto("/contact/")
    page.get_by_label("Your name").fill("Ada Winter")
    page.get_by_label("Your e-mail").fill("not an address")
    page.get_by_role("button", name="Send message").click()
    assert violations(page) == []
    assert page.evaluate("document.activeElement.id") == "errors"
    page.get_by_role("link", name="Your e-mail").click()
    assert page.evaluate("document.activeElement.id || location.hash") in ("id_email", "#id_email")
    assert page.get_by_label("Your name").input_value() == "Ada Winter"


def test_the_keyboard_reaches_the_content_first(tenant: Tenant, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("colour", ["#ffee00", "#000000", "#ffffff", "#777777"])
def test_any_brand_colour_stays_readable(tenant: Tenant, open_page: Callable[..., Page], colour: str) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(brand_colour=colour, accent_colour=colour)
    tenancy.forget()
    for scheme in ("light", "dark"):
        page = open_page(scheme=scheme)
        page.goto("/")
        assert violations(page) == []


@pytest.mark.parametrize("window", WINDOWS, ids=["wide and light", "narrow and dark"])
def test_the_back_offices_first_pages_have_no_violation(
    tenant: Tenant, receptionist: User, open_page: Callable[..., Page], window: dict[str, Any]
) -> None:
    message = receive_message()
    page = open_page(user=receptionist, bypass_csp=True, **window)  # axe writes inline styles while it measures
    faults = {}
    for path in (*STAFF, f"/admin/cms/contactmessage/{message.pk}/change/"):
        assert page.goto(path).ok  # type: ignore[union-attr]
        if found := violations(page):
            faults[path] = found
    assert faults == {}
