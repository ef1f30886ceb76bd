"""Where a visit ends: on paper, at a time somebody else was faster for, at the desk's telephone, and in the inbox."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Tenant, User
from cms.models import ContactMessage
from scheduling import weeks
from scheduling.models import Appointment, Service
from tests.browser.test_accessibility import overflow
from tests.factories.scheduling import make_booking, make_service, on

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


@pytest.fixture
def day() -> date:
    """A day next week."""
    return timezone.now().date() + timedelta(days=7)


@pytest.fixture
def service(tenant: Tenant) -> Service:
    return make_service(tenant, name="Physiotherapy", slug="physiotherapy")


def test_a_confirmation_prints_its_facts_and_nothing_to_press(open_page: Open, service: Service, day: date) -> None:
    booked = make_booking(service, start=on(day, "10:00"), at=timezone.now())
    page = open_page()
    page.goto(f"/b/{booked.token}/")
    page.emulate_media(media="print")
    for hidden in (".site-nav", ".skip-link", ".site-footer__links", ".languages", "main .button", ".no-print"):
        assert [part.is_visible() for part in page.locator(hidden).all()] == [False] * page.locator(hidden).count()
        assert page.locator(hidden).count()
    ticket = page.locator(".ticket")
    for fact in ("10:00–11:00", "Physiotherapy", "Europe/Madrid", booked.appointment.ical_uid[:8].upper()):
        expect(ticket.get_by_text(re.compile(re.escape(fact))).first).to_be_visible()
    expect(page.locator(".wordmark__name")).to_be_visible()


def test_the_slower_of_two_keeps_what_they_typed(open_page: Open, service: Service, day: date) -> None:
    """The slower one had the time kept, looked at a later one in a second tab, and so let go of the first."""
    start = weeks.value(on(day, "10:00"))
    form = f"/book/physiotherapy/details/?start={start}"
    slow, fast = open_page(width=360, scheme="dark"), open_page()
    typed = {"Your name": "Vera Visitor", "E-mail": "vera@visitor.example", "Phone": "+34 600 100 200"}
    slow.goto(form)
    for label, words in typed.items():
        slow.get_by_label(re.compile(f"^{label}")).fill(words)
    slow.get_by_label(re.compile("^Anything we should know")).fill("The left knee")
    slow.get_by_role("checkbox").check()
    slow.context.new_page().goto(f"/book/physiotherapy/details/?start={weeks.value(on(day, '15:00'))}")

    fast.goto(f"/book/physiotherapy/?from={day}")
    first_time = fast.locator(".opening").first.bounding_box()
    assert first_time is not None
    assert first_time["y"] < 450, "free times begin in the upper half of the window"
    fast.locator(f"label:has(input[value='{start}'])").click()
    fast.get_by_role("button", name="Continue").click()
    fast.get_by_label("Your name").fill("Quick Quentin")
    fast.get_by_label(re.compile("^E-mail")).fill("quentin@visitor.example")
    fast.get_by_role("checkbox").check()
    fast.get_by_role("button", name="Book this appointment").click()
    expect(fast).to_have_url(re.compile(r"/b/[\w-]+/$"))

    with slow.expect_response(lambda answer: answer.request.method == "POST") as answered:
        slow.get_by_role("button", name="Book this appointment").click()
    assert answered.value.status == 409
    expect(slow.get_by_role("alert")).to_contain_text("What you typed is still here.")
    expect(slow.locator(".site-header")).to_be_visible()
    assert overflow(slow) <= 0
    for label, words in typed.items():
        expect(slow.get_by_label(re.compile(f"^{label}"))).to_have_value(words)
    expect(slow.get_by_label(re.compile("^Anything we should know"))).to_have_value("The left knee")
    expect(slow.get_by_role("checkbox")).to_be_checked()
    nearest = slow.locator("#nearest label.opening")
    expect(nearest).to_have_count(5)
    nearest.first.click()
    slow.get_by_role("button", name="Book this appointment").click()
    expect(slow).to_have_url(re.compile(r"/b/[\w-]+/$"))


def test_the_desk_books_by_telephone_on_a_narrow_screen(
    open_page: Open, service: Service, day: date, receptionist: User
) -> None:
    page = open_page(user=receptionist, width=360)
    page.goto("/admin/scheduling/appointment/")
    page.get_by_role("link", name="Book for a customer").click()
    page.get_by_role("link", name="Physiotherapy").click()
    page.get_by_label("From").fill(day.isoformat())
    page.get_by_role("button", name="Show").click()
    assert overflow(page) <= 0
    page.locator(f"label:has(input[value='{weeks.value(on(day, '11:00'))}'])").click()
    page.get_by_role("button", name="Continue").click()
    assert overflow(page) <= 0
    page.get_by_label("Name").fill("Ada Winter")
    page.get_by_label("E-mail").fill("ada@example.net")
    page.get_by_role("button", name="Book and tell the customer").click()
    expect(page.locator("ul.messagelist")).to_be_visible()
    assert overflow(page) <= 0
    booked = Appointment.objects.get(starts_at=on(day, "11:00"))
    assert (booked.status, booked.customer.name) == ("confirmed", "Ada Winter")  # type: ignore[union-attr]


def test_a_message_is_sent_from_a_narrow_dark_screen(tenant: Tenant, open_page: Open, settings: Any) -> None:
    settings.CONTACT_MINIMUM_SECONDS = 0
    page = open_page(width=360, scheme="dark")
    page.goto("/contact/")
    page.get_by_label("Your name").fill("Ada Winter")
    page.get_by_role("button", name="Send message").click()
    page.locator("#errors").wait_for()  # the proof of work is made first
    edge = "field => getComputedStyle(field).borderTopColor"
    refused, accepted = page.get_by_label("Your e-mail").evaluate(edge), page.get_by_label("Your name").evaluate(edge)
    assert refused != accepted, "a refused field looks different"
    page.get_by_label("Your e-mail").fill("ada@example.net")
    page.get_by_label("What is it about?").fill("A wheelchair")
    page.get_by_label("Your message").fill("Do you have room for a wheelchair?")
    assert overflow(page) <= 0
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, your message is with us")
    assert overflow(page) <= 0
    kept = ContactMessage.objects.get()
    assert (kept.subject, kept.text) == ("A wheelchair", "Do you have room for a wheelchair?")
