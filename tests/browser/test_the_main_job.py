"""The main job, in a real browser: book, get the mail, move, cancel; the desk and the ledger see each of these acts.

Told with and without JavaScript. Everything goes through the pages a person would use.
"""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from icalendar import Calendar
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Tenant, User
from audit import outbox
from tests.factories import accounts as people
from tests.factories.scheduling import make_service

pytestmark = pytest.mark.browser


@pytest.fixture
def place(live_server: LiveServer, tenant: Tenant) -> str:
    """The address of a practice with one service, open every day."""
    make_service(
        tenant, name="Physiotherapy", slug="physiotherapy", cancel_notice_minutes=0, reschedule_notice_minutes=0
    )
    return str(live_server.url)


def choose_a_time(page: Page, *, which: int) -> str:
    """Pick the opening with that number of a week; its UTC instant."""
    opening = page.locator("label:has(input[name=start])").nth(which)
    opening.click()
    picked = opening.locator("input")
    expect(picked).to_be_checked()
    return picked.get_attribute("value") or ""


def delivered() -> list[EmailMultiAlternatives]:
    """The mails that left since the last look."""
    mail.outbox.clear()
    outbox.deliver(at=timezone.now())
    return list(mail.outbox)  # type: ignore[arg-type]


def invitation(letter: EmailMultiAlternatives) -> Calendar:
    """The calendar object a mail program would act on."""
    parts = [part for part in letter.message().walk() if part.get_content_type() == "text/calendar"]
    return Calendar.from_ical(parts[0].get_payload(decode=True))


@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_visitor_books_moves_and_cancels(open_page: Callable[..., Page], place: str, scripted: bool) -> None:
    page = open_page(java_script_enabled=scripted)
    page.goto(place)
    page.get_by_role("link", name=re.compile("book", re.I)).first.click()
    page.locator("main").get_by_role("link", name=re.compile("Physiotherapy")).first.click()
    chosen = choose_a_time(page, which=3)
    page.get_by_role("button", name="Continue").click()

    page.get_by_label("Your name").fill("Vera Visitor")
    page.get_by_label(re.compile("^E-mail")).fill("not an address")
    page.get_by_role("button", name="Book this appointment").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Vera Visitor")
    page.get_by_label(re.compile("^E-mail")).fill("vera@visitor.example")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Book this appointment").click()

    expect(page).to_have_url(re.compile(r"/b/[\w-]+/$"))
    manage = page.url
    (letter,) = delivered()
    assert letter.to == ["vera@visitor.example"]
    assert manage.rsplit("/b/")[1] in letter.body
    first = invitation(letter)
    (event,) = first.walk("VEVENT")
    assert (first["METHOD"], f"{event.start:%Y-%m-%dT%H:%MZ}") == ("REQUEST", chosen)

    page.goto(manage)
    page.get_by_role("link", name="Change the time").click()
    later = choose_a_time(page, which=5)
    page.get_by_role("button", name="Move to this time").click()
    expect(page).to_have_url(manage)
    (letter,) = delivered()
    (moved,) = invitation(letter).walk("VEVENT")
    assert (moved["UID"], f"{moved.start:%Y-%m-%dT%H:%MZ}") == (event["UID"], later)
    assert moved["SEQUENCE"] > event["SEQUENCE"]

    page.get_by_role("link", name="Cancel the appointment").click()
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_role("link", name="Book again")).to_be_visible()
    (letter,) = delivered()
    assert invitation(letter)["METHOD"] == "CANCEL"


def sign_in(page: Page, place: str, user: User) -> None:
    """Password, then the authenticator's code, as a person types them."""
    device = people.enrol(user)
    page.goto(f"{place}/admin/")
    page.get_by_label(re.compile("^E-mail")).fill(user.email)
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.locator("input[name$=otp_token]").fill(people.code_for(device))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{place}/admin/")


def test_the_desk_sees_it_and_the_ledger_remembers(
    open_page: Callable[..., Page], place: str, receptionist: User, auditor: User
) -> None:
    visitor = open_page()
    visitor.goto(f"{place}/book/physiotherapy/")
    choose_a_time(visitor, which=0)
    visitor.get_by_role("button", name="Continue").click()
    visitor.get_by_label("Your name").fill("Vera Visitor")
    visitor.get_by_label(re.compile("^E-mail")).fill("vera@visitor.example")
    visitor.get_by_role("checkbox").check()
    visitor.get_by_role("button", name="Book this appointment").click()
    expect(visitor).to_have_url(re.compile(r"/b/[\w-]+/$"))

    desk = open_page()
    sign_in(desk, place, receptionist)
    desk.goto(f"{place}/admin/scheduling/appointment/?q=vera@visitor.example")
    expect(desk.locator("#result_list tbody tr")).to_have_count(1)
    expect(desk.locator("#result_list")).to_contain_text("Vera Visitor")
    desk.locator("#result_list tbody tr").get_by_role("link").first.click()
    desk.get_by_role("link", name="Cancel it").click()
    desk.get_by_label("Reason").fill("Ana is ill")
    desk.get_by_role("button", name="Cancel and tell the customer").click()
    expect(desk.locator("main, #content").first).to_contain_text("Cancelled. The customer is told by mail.")
    assert "Ana is ill" in delivered()[-1].body

    desk = open_page()
    sign_in(desk, place, auditor)
    desk.goto(f"{place}/admin/audit/event/")
    told = desk.locator("main table").first.inner_text()
    acts = ("appointment.booked", "appointment.cancelled", "accounts.session.started")
    assert [act for act in acts if act not in told] == []
