"""The contact form at its address: whatever is refused, nothing typed is lost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Tenant
from cms import conf
from cms.forms import ContactForm, stamp
from cms.models import ContactMessage

TYPED = {
    "name": "Ada Winter",
    "email": "ada@example.net",
    "subject": "A wheelchair",
    "message": "Do you have room for a wheelchair?",
}


@pytest.fixture(autouse=True)
def quiet_line() -> None:
    """Nobody has written from this address yet."""
    cache.clear()


def handed_out(seconds_ago: float = 60) -> str:
    """The stamp of a form handed out a while ago."""
    at = timezone.now()
    return stamp(ContactForm(at=at).request_id, at=at - timedelta(seconds=seconds_ago))


def send(client: Client, **changes: Any) -> HttpResponse:
    return client.post("/contact/", {"stamp": handed_out(), **TYPED, **changes})


def assert_kept(page: HttpResponse, status: int) -> None:
    """The answer is the form again, with what was typed, and nothing was stored."""
    html = page.content.decode()
    assert page.status_code == status
    assert 'value="ada@example.net"' in html
    assert "Do you have room for a wheelchair?" in html
    assert not ContactMessage.objects.exists()


def test_a_message_is_received_and_answered_by_a_redirect(client: Client, tenant: Tenant) -> None:
    answer = send(client)
    assert (answer.status_code, answer["Location"]) == (303, "/contact/thanks/")
    assert [m.text for m in ContactMessage.objects.all()] == [TYPED["message"]]
    thanks = client.get(answer["Location"])
    assert thanks.status_code == 200
    assert "ada@example.net" not in thanks.content.decode()


@pytest.mark.parametrize("field", ["name", "subject"])
@pytest.mark.parametrize("sign", ["\r\n", "\x00", "\u2028"])
def test_what_will_stand_in_a_mails_head_has_one_line(client: Client, tenant: Tenant, field: str, sign: str) -> None:
    assert_kept(send(client, **{field: f"Ada{sign}Bcc: eve@example.net"}), 422)


def test_a_form_as_a_browser_sends_it_is_received(client: Client, tenant: Tenant, settings: Any) -> None:
    settings.CONTACT_MINIMUM_SECONDS = 0
    form = client.get("/contact/").content.decode()
    sealed = re.search(r'name="stamp" value="([^"]+)"', form)
    assert sealed
    assert send(client, stamp=sealed[1]).status_code == 303
    assert send(client, stamp=sealed[1]).status_code == 303
    assert ContactMessage.objects.count() == 1


def test_the_language_spoken_on_the_page_is_kept_for_the_answer(client: Client, tenant: Tenant) -> None:
    client.post("/contact/", {"stamp": handed_out(), **TYPED}, headers={"accept-language": "es-MX,es;q=0.9"})
    assert ContactMessage.objects.get().locale == "es"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": ""}, "What is it about? – This field is required."),
        ({"name": "x" * 121}, "Your name – Ensure this value has at most 120 characters"),
        ({"website": "https://spam.example"}, "Please leave the field “website” empty"),
        ({"stamp": ""}, "Please check your message and send it once more."),
        ({"stamp": "tampered:with:it"}, "Please check your message and send it once more."),
        ({"subject": "null\x00byte"}, "Null characters are not allowed."),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(
    client: Client, tenant: Tenant, changes: dict[str, str], words: str
) -> None:
    page = send(client, **changes)
    assert_kept(page, 422)
    assert words in page.content.decode()
    assert 'role="alert"' in page.content.decode()


def test_a_robots_haste_is_refused_once_and_its_stamp_renewed(client: Client, tenant: Tenant, settings: Any) -> None:
    assert_kept(send(client, stamp=handed_out(seconds_ago=0)), 422)
    assert conf.get("CONTACT_MINIMUM_SECONDS") == 2


def test_too_many_from_one_address_wait_with_their_text(client: Client, tenant: Tenant, settings: Any) -> None:
    settings.CONTACT_RATE = "0/10m"
    page = send(client)
    assert_kept(page, 429)
    assert 0 < int(page["Retry-After"]) <= 600


def test_a_wrong_token_is_refused_in_plain_words(tenant: Tenant) -> None:
    page = Client(enforce_csrf_checks=True).post("/contact/", {"stamp": handed_out(), **TYPED})
    assert page.status_code == 403
    assert "open for too long" in page.content.decode()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_get_a_page_that_helps(client: Client, tenant: Tenant, method: str) -> None:
    page = getattr(client, method)("/contact/")
    assert page.status_code == 405
    assert page["Allow"] == "GET, HEAD, POST"
    assert "does not work that way" in page.content.decode()
