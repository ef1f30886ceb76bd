"""Every address is closed to all but verified staff until its view says otherwise."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import gate
from accounts.admin_site import cards_for, dashboard_card
from accounts.middleware import GateMiddleware
from accounts.models import User
from tests.factories import accounts as people


def views(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[Callable[..., Any]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback


def ask(view: Callable[..., Any], user: User) -> HttpResponse | None:
    request: HttpRequest = RequestFactory().get("/somewhere/")
    request.user = user
    return GateMiddleware(lambda request: HttpResponse()).process_view(request, view, (), {})  # type: ignore


def test_every_closed_address_leads_strangers_to_sign_in(tenant: object) -> None:
    from django.contrib.auth.models import AnonymousUser

    marks = {gate.Mark.ENTRANCE, gate.Mark.SIGNED_IN, gate.Mark.STAFF}
    closed = [view for view in views() if gate.verdict_for(view) in marks]
    assert len(closed) > 40
    answers = {getattr(view, "__name__", str(view)): ask(view, AnonymousUser()) for view in closed}
    assert {answer.url for answer in answers.values()} == {"/account/login/?next=/somewhere/"}


def test_what_is_for_programs_asks_strangers_and_sessions_for_a_token(tenant: object, owner: User) -> None:
    for view in [view for view in views() if gate.verdict_for(view) is gate.Mark.TOKEN]:
        assert ask(view, owner).status_code == 401
    assert gate.judge(gate.Mark.TOKEN, owner) is gate.Verdict.SIGN_IN


def test_an_unmarked_view_is_for_verified_staff(owner: User, visitor: User) -> None:
    def forgotten(request: HttpRequest) -> HttpResponse:
        return HttpResponse("secret")

    assert gate.verdict_for(forgotten) is gate.Mark.STAFF
    assert not gate.is_marked(forgotten)
    owner.assurance_level = 1
    assert ask(forgotten, owner).url == "/account/two_factor/setup/?next=/somewhere/"
    people.enrol(owner)
    assert ask(forgotten, owner).url == "/account/verify/?next=/somewhere/"
    owner.assurance_level = 2
    assert ask(forgotten, owner) is None
    with pytest.raises(Exception, match="for staff"):
        ask(forgotten, visitor)


def test_a_stale_form_leads_back_to_its_page_and_is_not_sent(client: Client, tenant: object) -> None:
    home = {"referer": "http://testserver/account/password/"}
    assert client.post("/account/password/", headers=home).url == "/account/login/?next=/account/password/"
    foreign = {"referer": "https://evil.example/x/"}
    assert client.post("/account/password/", headers=foreign).url == "/account/login/?next=/"


def test_public_pages_make_no_session_and_set_no_cookie(client: Client, tenant: object) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert not answer.cookies
    assert Session.objects.count() == 0


def test_private_pages_are_kept_nowhere(enter: Callable[..., Client], owner: User) -> None:
    assert enter(owner).get("/account/")["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_the_door_costs_three_queries(enter: Callable[..., Client], owner: User) -> None:
    """The session, the user, their roles."""
    client = enter(owner)
    client.get("/account/logout/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/account/logout/")
    asked = [q["sql"] for q in queries if q["sql"].startswith("SELECT") and "set_config" not in q["sql"]]
    assert len(asked) <= 3, asked


def test_a_card_is_drawn_for_those_who_may_see_it(
    enter: Callable[..., Client], owner: User, receptionist: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.admin_site._cards", {})

    @dashboard_card("late", order=2, permission="audit.view_event", template="account/sign_out.html")
    def late(request: HttpRequest) -> dict[str, Any]:
        return {}

    @dashboard_card("early", order=1, permission="accounts.enter_admin", template="account/sign_out.html")
    def early(request: HttpRequest) -> dict[str, Any]:
        return {}

    assert [card.name for card in cards_for(owner)] == ["early", "late"]
    assert [card.name for card in cards_for(receptionist)] == ["early"]
    shown = enter(receptionist).get("/admin/")
    assert [card["name"] for card in shown.context["cards"]] == ["early"]


STOCK = ["_base", "_base_focus", "_wizard_actions", "_wizard_forms", "core/login", "core/setup", "core/otp_required"]
STOCK += ["core/backup_tokens", "core/setup_complete", "core/phone_register", "profile/profile", "profile/disable"]


@pytest.mark.parametrize("name", STOCK)
def test_no_page_of_a_package_is_left_that_loads_from_elsewhere(name: str, settings: Any) -> None:
    template = get_template(f"two_factor/{name}.html")
    assert template.origin.name.startswith(str(settings.ROOT))
    assert "//" not in template.template.source
