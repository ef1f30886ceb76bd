"""Links in mails, followed in a real browser from a page of another site: who is signed in stays so."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts import passwords
from accounts.models import Tenant, User
from tests.factories import accounts as people
from tests.factories.scheduling import make_booking, make_service, morning

pytestmark = pytest.mark.browser


@pytest.fixture
def webmail() -> Iterator[Callable[[str], str]]:
    """`webmail(address)`: a page on another site (127.0.0.1, the house being on localhost) with that one link."""
    pages: list[bytes] = []

    class Letter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages[-1])

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Letter)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def with_link(address: str) -> str:
        pages.append(f'<!doctype html><title>mail</title><a href="{address}">read more</a>'.encode())
        return f"http://127.0.0.1:{server.server_port}/"

    yield with_link
    server.shutdown()
    server.server_close()
    thread.join()


def follow(page: Page, letter: str) -> None:
    page.goto(letter)
    page.get_by_role("link", name="read more").click()


def test_a_link_to_the_back_office_finds_them_signed_in(
    owner: User, open_page: Callable[..., Page], live_server: Any, webmail: Callable[[str], str]
) -> None:
    page = open_page(user=owner)
    page.context.clear_cookies()
    session = people.enter(owner).cookies["session"].value
    cookie = {"name": "session", "value": session, "url": live_server.url, "httpOnly": True, "sameSite": "Strict"}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    follow(page, webmail(f"{live_server.url}/admin/"))
    page.wait_for_url("**/admin/")
    expect(page.locator("#user-tools")).to_be_visible()
    follow(page, webmail(f"{live_server.url}/account/sessions/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Where you are signed in")


@pytest.mark.parametrize("js", [True, False])
def test_a_stranger_comes_to_the_sign_in_page(
    tenant: Tenant, open_page: Callable[..., Page], live_server: Any, webmail: Callable[[str], str], js: bool
) -> None:
    page = open_page(java_script_enabled=js)
    follow(page, webmail(f"{live_server.url}/admin/"))
    page.wait_for_url("**/account/login/?next=/admin/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_form_left_open_can_be_sent_after_a_mailed_link_was_followed(
    tenant: Tenant, open_page: Callable[..., Page], live_server: Any, webmail: Callable[[str], str]
) -> None:
    """The link must not replace the token of forms that stand open in other tabs."""
    form = open_page()
    form.goto("/account/login/")
    letter = form.context.new_page()
    follow(letter, webmail(f"{live_server.url}/contact/"))
    expect(letter.get_by_role("heading", level=1)).to_be_visible()
    form.get_by_label("E-mail").fill("nobody@demo.example")
    form.get_by_label("Password").fill("wrong password here")
    form.get_by_role("button", name="Continue").click()
    expect(form.get_by_text("This e-mail and password do not match").first).to_be_visible()


def test_a_customer_cancels_by_the_link_in_their_mail(
    tenant: Tenant, open_page: Callable[..., Page], live_server: Any, webmail: Callable[[str], str]
) -> None:
    booked = make_booking(make_service(tenant, cancel_notice_minutes=0), start=morning())
    page = open_page()
    follow(page, webmail(f"{live_server.url}/b/{booked.appointment.manage_token()}/"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith(f"/b/{booked.appointment.manage_token()}/")


def test_somebody_invited_chooses_their_password_by_the_link_in_their_mail(
    tenant: Tenant, visitor: User, open_page: Callable[..., Page], live_server: Any, webmail: Callable[[str], str]
) -> None:
    visitor.set_unusable_password()
    visitor.save()
    page = open_page()
    follow(page, webmail(f"{live_server.url}{passwords.welcome_path(visitor)}"))
    for label in ("New password", "New password confirmation"):
        page.get_by_label(label, exact=True).fill("seven sleepy quiet words")
    page.get_by_role("button").last.click()
    page.wait_for_url("**/account/login/")
