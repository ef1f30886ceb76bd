"""The main job against the demo as it really runs, by plain HTTP; afterwards its logs are searched for all of it."""

import html
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest

from tests.operations.running import Demo, until

pytestmark = pytest.mark.operations

TYPED = {
    "name": "Wilhelmina Canary",
    "email": "wilhelmina.canary@mail.example",
    "phone": "+34 600 555 123",
    "note": "My left knee hurts since Tuesday",
}
PASSWORD = "correct-horse-battery-staple"
INPUT = re.compile(r"<input[^>]*>")


class Visitor:
    """A browser without a window: cookies, forms, redirects."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def ask(self, address: str, **typed: str) -> tuple[int, str, str]:
        """GET, or POST what was typed; status, final address and page."""
        data = urlencode(typed).encode() if typed else None
        request = urllib.request.Request(urljoin(self.base, address), data, {"Origin": self.base})
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.url or "", refusal.read().decode(errors="replace")


def hidden(page: str) -> dict[str, str]:
    """What the forms of a page carry along unseen."""
    found = {}
    for tag in INPUT.findall(page):
        kept = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if kept.get("type") == "hidden" and "name" in kept:
            found[kept["name"]] = html.unescape(kept.get("value", ""))
    return found


def told(demo: Demo) -> list[dict[str, Any]]:
    """The lines of the log that are JSON, as web, worker and beat wrote them."""
    words = (line.partition("| ")[2] for line in demo.said().splitlines())
    return [json.loads(line) for line in words if line.startswith("{")]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path / "data")
    yield running
    running.clean()


def test_book_by_mail_and_link_and_find_nothing_of_it_in_the_logs(demo: Demo) -> None:
    demo.start(LOG_FORMAT="json", LOG_LEVEL="DEBUG")
    visitor = Visitor(f"http://localhost:{demo.port}")

    _status, _address, week = visitor.ask("/book/online-follow-up/")
    starts = re.findall(r'name="start"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="start"', week)
    start = html.unescape("".join(starts[-1]))
    query = urlencode({"start": start, "with": "any"})
    status, _address, form = visitor.ask(f"/book/online-follow-up/details/?{query}")
    assert status == 200
    fields = {**hidden(form), **TYPED, "accept_terms": "on"}
    status, manage, page = visitor.ask("/book/online-follow-up/", **fields)
    assert (status, "/b/" in manage) == (200, True), re.sub(r"<[^>]+>|\s+", " ", page)[:2000]
    token = manage.rstrip("/").rpartition("/")[2]

    def mails() -> list[str]:
        texts = [mail.read_text() for mail in (demo.data / "mail").glob("*")]
        return [text for text in texts if TYPED["email"] in text]

    until(lambda: len(mails()) == 1)
    assert all(word in mails()[0] for word in ("text/calendar", "REQUEST", token[:20]))

    _status, _address, own = visitor.ask(f"/b/{token}/cancel/")
    status, _address, _page = visitor.ask(f"/b/{token}/cancel/", **hidden(own), reason=TYPED["note"])
    assert status == 200
    until(lambda: len(mails()) == 2)

    _status, _address, door = visitor.ask("/account/login/")
    wrong = {"auth-username": TYPED["email"], "auth-password": PASSWORD, "login_view-current_step": "auth"}
    visitor.ask("/account/login/", **(hidden(door) | wrong))
    visitor.ask(f"/nowhere/{token}/?email={TYPED['email']}")
    visitor.ask("/b/" + "x" * 22 + "/?phone=" + TYPED["phone"].replace(" ", "%20"))

    canaries = {**TYPED, "token": token, "password": PASSWORD, "surname": "Canary", "query": "phone="}

    assert [name for name, canary in canaries.items() if canary.lower() in demo.said().lower()] == []
    booking = next(line for line in told(demo) if line.get("status") == 303 and "/book/" in line.get("route", ""))
    assert booking["route"] == "/book/<slug:slug>/"
    assert {"request_id", "trace_id", "tenant", "duration_ms", "method"} <= booking.keys()
    assert [route for line in told(demo) if (route := line.get("route", "")).startswith("/b/<")]
    assert {line["logger"].partition(".")[0] for line in told(demo)} >= {"verso", "celery", "gunicorn"}
