"""Every public page reads well for everybody (axe-core, WCAG 2.2 AA), in light and dark, on wide and narrow screens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Tenant, User
from cms.views import errors
from governance import tenancy
from scheduling import weeks
from tests.factories.cms import receive_message
from tests.factories.scheduling import make_booking, make_service, on

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}}
PUBLIC = ("/", "/services/", "/book/", "/contact/", "/contact/thanks/", "/privacy/", "/account/login/", "/nothing/")
OWN = ("", "profile/", "data/", "close/", "closed/")
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


@pytest.mark.parametrize("window", WINDOWS, ids=["wide and light", "narrow and dark"])
def test_every_page_on_the_way_to_an_appointment_has_no_violation(
    tenant: Tenant, open_page: Callable[..., Page], window: dict[str, Any]
) -> None:
    service = make_service(tenant, slug="physiotherapy", cancel_notice_minutes=0, reschedule_notice_minutes=0)
    page, faults = open_page(**window), {}

    def look(name: str) -> None:
        if found := [*violations(page), *(["wider than its window"] if overflow(page) > 0 else [])]:
            faults[name] = found

    first = timezone.now().date() + timedelta(days=7)
    taken = make_booking(service, start=on(first, "10:00"), at=timezone.now())
    page.goto(f"/book/physiotherapy/?from={first}")
    look("the week")
    page.goto(f"/book/physiotherapy/?from={first + timedelta(days=900)}")
    look("a week with nothing free")
    page.goto("/book/physiotherapy/?from=nonsense")
    look("a week nobody can show")
    page.goto(f"/book/physiotherapy/details/?start={weeks.value(on(first, '10:00'))}")
    look("a time somebody has taken")
    page.goto(f"/book/physiotherapy/details/?start={weeks.value(on(first, '11:00'))}")
    look("the form")
    page.get_by_role("button", name="Book this appointment").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("the form with its errors")
    for path in ("", "reschedule/", "cancel/"):
        page.goto(f"/b/{taken.token}/{path}")
        look(f"the customer's own page, {path or 'as it stands'}")
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_role("link", name="Book again")).to_be_visible()
    look("a cancelled appointment")
    assert faults == {}


@pytest.mark.parametrize("status", sorted(errors.PAGES))
def test_error_pages_have_no_violation(
    tenant: Tenant, open_page: Callable[..., Page], rf: RequestFactory, status: int
) -> None:
    drawn = errors.server_error(rf.get("/")) if status == 500 else errors.page(rf.get("/"), status, retry_after=30)
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
    page.locator("#errors").wait_for()  # the proof of work is made first
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


@pytest.mark.parametrize("window", WINDOWS, ids=["wide and light", "narrow and dark"])
def test_the_pages_about_oneself_have_no_violation_and_fit_the_window(
    tenant: Tenant, receptionist: User, open_page: Callable[..., Page], window: dict[str, Any]
) -> None:
    receive_message("Is there a ramp?" + "x" * 300, name="Receptionist", email=receptionist.email)
    page, faults = open_page(user=receptionist, **window), {}
    for path in OWN:
        assert page.goto(f"/account/{path}").ok  # type: ignore[union-attr]
        if found := [*violations(page), *(["wider than its window"] if overflow(page) > 0 else [])]:
            faults[path] = found
    assert faults == {}
