"""Staff who may read the ledger see their tenant's events, page by page; nobody can change anything there."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Tenant, User
from audit import context, ledger
from audit.models import Event
from governance import people, tenancy
from tests.factories.audit import SUBJECT, at_once, make_event
from tests.factories.governance import make_person

Enter = Callable[..., Client]
LIST = "/admin/audit/event/"


@pytest.fixture
def reading(auditor: User, enter: Enter) -> Client:
    """A client in which the auditor reads, with a ledger that so far holds nothing of interest."""
    return enter(auditor)


def rows(client: Client, query: str = "") -> list[Event]:
    answer = client.get(LIST + query)
    assert answer.status_code == 200, answer.content
    found: list[Event] = answer.context["cl"].result_list
    return found


def told(client: Client, query: str) -> list[str]:
    """Actions of the stories' own events on a page, newest first."""
    return [event.action for event in rows(client, query) if event.action.startswith("story.")]


# --- finding --------------------------------------------------------------------------------------------------------
def test_an_auditor_sees_what_happened_here_and_only_here(
    tenant: Tenant, second_tenant: Tenant, reading: Client
) -> None:
    make_event("story.here")
    with tenancy.within(second_tenant):
        elsewhere = make_event("story.elsewhere")
    with context.acting(tenant_id=""):
        make_event("story.platform")
    assert told(reading, "") == ["story.here"]
    assert reading.get(reverse("admin:audit_event_change", args=[elsewhere.pk])).status_code in (302, 404)


@pytest.fixture
def two(tenant: Tenant, manager: User) -> tuple[Event, Event]:
    """Two events that differ in everything one can look for."""
    with context.acting(actor=context.Actor("user", str(manager.pk)), request_id="req-first"):
        first = make_event("story.first", people=["p-1"])
    second = make_event("story.second", ledger.Subject("cms.entry", "7"), outcome="refused", reason="too_late")
    return first, second


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("action=story.first", ["story.first"]),
        ("action=story.", ["story.second", "story.first"]),
        ("action=story", []),
        ("actor=manager@demo.example", ["story.first"]),
        ("actor=nobody@demo.example", []),
        ("actor=system&action=story.", ["story.second"]),
        (f"object={SUBJECT.id}", ["story.first"]),
        (f"object={SUBJECT.type}&action=story.", ["story.first"]),
        ("object=7", ["story.second"]),
        ("person=p-1", ["story.first"]),
        ("person=p-2", []),
        ("outcome=refused&action=story.", ["story.second"]),
        ("request=req-first", ["story.first"]),
        ("start=2020-01-01T00:00&action=story.", ["story.second", "story.first"]),
        ("end=2020-01-01T00:00", []),
        ("action=story.&unknown=1&o=1.2&q=x&p=7&all=", ["story.second", "story.first"]),
    ],
)
def test_events_are_found_by(query: str, expected: list[str], two: tuple[Event, Event], reading: Client) -> None:
    assert told(reading, f"?{query}") == expected


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("start=yesterday", "Enter a valid date/time."),
        ("outcome=perhaps", "Select a valid choice."),
        ("start=2026-01-02T00:00&end=2026-01-01T00:00", "The end is before the beginning."),
        ("action=%00", "Null characters are not allowed."),
        ("action=" + "x" * 101, "at most 100 characters"),
    ],
)
def test_what_cannot_be_looked_for_is_said_beside_its_field(
    query: str, words: str, two: tuple[Event, Event], reading: Client
) -> None:
    answer = reading.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert answer.context["cl"].result_list == []


@pytest.mark.parametrize(
    "key", ["", "x", "1", "-", "1-", "9" * 30 + "-1", "1-" + "9" * 30, "٣-٣", "9" * 18 + "-1", "-1--1"]
)
@pytest.mark.parametrize("way", ["older", "newer"])
def test_a_nonsense_page_is_no_error(way: str, key: str, two: tuple[Event, Event], reading: Client) -> None:
    assert reading.get(LIST, {way: key}).status_code == 200


# --- paging ---------------------------------------------------------------------------------------------------------
def test_pages_follow_each_other_without_gap_or_repetition(tenant: Tenant, reading: Client) -> None:
    made = [make_event(f"story.{number:03}").action for number in range(120)]
    query, pages = "?action=story.", []
    for _turn in range(3):
        answer = reading.get(LIST + query)
        pages.append([event.action for event in answer.context["cl"].result_list])
        query = answer.context["cl"].older_query
    assert query == ""
    assert [len(page) for page in pages] == [50, 50, 20]
    assert list(chain(*pages)) == made[::-1]
    back = answer.context["cl"].newer_query
    second = reading.get(LIST + back)
    assert [event.action for event in second.context["cl"].result_list] == pages[1]
    first = reading.get(LIST + second.context["cl"].newer_query)
    assert [event.action for event in first.context["cl"].result_list] == pages[0]
    assert first.context["cl"].newer_query == ""


def test_events_of_one_moment_keep_their_order(tenant: Tenant, reading: Client, monkeypatch: Any) -> None:
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    made = [make_event(f"story.{number:03}").action for number in range(60)]
    monkeypatch.undo()
    answer = reading.get(LIST + "?action=story.")
    rest = rows(reading, answer.context["cl"].older_query)
    assert [event.action for event in [*answer.context["cl"].result_list, *rest]] == made[::-1]


def test_a_list_costs_the_same_for_one_and_for_many(tenant: Tenant, reading: Client, manager: User) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            rows(reading, "?action=story.")
        return len(asked)

    def happen() -> None:
        with context.acting(actor=context.Actor("user", str(manager.pk))):
            make_event("story.told")

    happen()
    rows(reading, "?action=story.")
    alone = cost()
    for _turn in range(30):
        happen()
    assert cost() == alone


@pytest.mark.parametrize(
    "narrowed",
    [
        lambda events: events,
        lambda events: events.filter(action="story.told"),
        lambda events: events.filter(actor_id="u-1"),
        lambda events: events.filter(object_id="7"),
    ],
    ids=["all", "action", "actor", "object"],
)
def test_a_page_deep_down_is_reached_by_index(tenant: Tenant, narrowed: Callable[[Any], Any]) -> None:
    make_event("story.told")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    deep = narrowed(Event.objects.of_tenant(str(tenant.pk)).older_than(timezone.now(), 10**9)).newest_first()[:50]
    plan = deep.explain()
    assert re.search(r"event_(time|action|actor|object)", plan), plan
    assert not re.search(r"\bSort\b|TEMP B-TREE", plan.replace("Incremental Sort", "")), plan


# --- one event ------------------------------------------------------------------------------------------------------
def page(client: Client, event: Event) -> str:
    answer = client.get(reverse("admin:audit_event_change", args=[event.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_event_shows_before_and_after_and_who(tenant: Tenant, manager: User, enter: Enter) -> None:
    person = make_person(name="Ana Sol")
    with context.acting(actor=context.Actor("user", str(manager.pk)), client_ip="192.0.2.7", user_agent="Browser/1"):
        event = make_event(
            "story.told",
            changes={
                "state": ["held", "confirmed"],
                "name": [ledger.Personal(person, "Ana Sol"), ledger.Personal(person, "<b>Ana</b>")],
            },
            people=[person],
        )
    shown = page(enter(manager), event)
    for words in ("held", "confirmed", "Ana Sol", "&lt;b&gt;Ana&lt;/b&gt;", str(manager), "192.0.2.7", "Browser/1"):
        assert words in shown
    assert str(person.pk) in shown
    assert "<b>Ana</b>" not in shown
    assert "awaiting its seal" in shown


def test_an_erased_persons_values_are_gone_and_say_when(tenant: Tenant, manager: User, enter: Enter) -> None:
    person = make_person(name="Ana Sol")
    event = make_event("story.told", changes={"name": [None, ledger.Personal(person, "Ana Sol")]})
    people.erase(person, by=None, at=timezone.now() - timedelta(days=1))
    shown = page(enter(manager), event)
    assert "erased on" in shown
    assert "Ana Sol" not in shown
    assert not Event.objects.filter(action=READ).exists(), "nothing was read"


# --- whoever reads personal values is in the ledger, too -------------------------------------------------------------
READ = "audit.values.read"


@pytest.fixture
def about_ana(tenant: Tenant) -> Event:
    """Ana changed her name and a friend's."""
    ana, friend = make_person(name="Ana Sol"), make_person(name="Luz Mar")
    named = [ledger.Personal(ana, "Ana Sol"), ledger.Personal(friend, {"name": "Luz Mar"})]
    return make_event("story.told", changes={"name": named}, people=[ana, friend])


@pytest.mark.django_db(transaction=True)
def test_reading_values_is_noted_before_the_page_leaves(about_ana: Event, manager: User, enter: Enter) -> None:
    client, committed = enter(manager), []

    def look(sender: Any, **kwargs: Any) -> None:
        committed.extend(at_once(lambda: Event.objects.filter(action=READ).count()))

    request_finished.connect(look)
    shown = page(client, about_ana)
    request_finished.disconnect(look)
    assert "Ana Sol" in shown and "Luz Mar" in shown
    note = Event.objects.get(action=READ)
    assert (note.object_type, note.object_id) == ("audit.event", str(about_ana.uid))
    assert (note.actor_id, note.outcome, note.door) == (str(manager.pk), "success", "admin")
    assert note.content["people"] == about_ana.content["people"]
    assert committed == [1]


def test_every_reading_is_noted_but_the_note_itself_is_read_freely(
    about_ana: Event, manager: User, enter: Enter
) -> None:
    client = enter(manager)
    page(client, about_ana)
    page(client, about_ana)
    assert Event.objects.filter(action=READ).count() == 2
    page(client, Event.objects.filter(action=READ)[0])
    assert Event.objects.filter(action=READ).count() == 2


def test_an_event_without_personal_values_is_read_without_a_note(tenant: Tenant, manager: User, enter: Enter) -> None:
    page(enter(manager), make_event("story.told", changes={"state": ["held", "confirmed"]}, people=["p-1"]))
    assert not Event.objects.filter(action=READ).exists()


def test_a_reading_that_cannot_be_noted_is_not_granted(
    about_ana: Event, manager: User, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(manager)
    client.raise_request_exception = False

    def down(act: ledger.Act) -> None:
        raise DatabaseError("the ledger is gone")

    monkeypatch.setattr(ledger, "_write", down)
    answer = client.get(reverse("admin:audit_event_change", args=[about_ana.pk]))
    assert answer.status_code == 500
    assert b"Ana Sol" not in answer.content


def test_who_may_not_read_people_sees_that_something_is_hidden(about_ana: Event, reading: Client) -> None:
    shown = page(reading, about_ana)
    assert "Ana Sol" not in shown and "Luz Mar" not in shown
    assert "hidden" in shown
    assert "Personal values are shown with the permission governance.view_person." in shown
    assert not Event.objects.filter(action=READ).exists()


# --- nothing can be changed -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["owner", "auditor"])
@pytest.mark.parametrize("way", ["add/", "{pk}/delete/"])
def test_there_is_no_page_to_change_it(
    way: str, role: str, tenant: Tenant, enter: Enter, request: pytest.FixtureRequest
) -> None:
    event = make_event("story.told")
    client = enter(request.getfixturevalue(role))
    for method in (client.get, client.post):
        assert method(LIST + way.format(pk=event.pk), {"post": "yes"}).status_code == 403
    assert Event.objects.filter(pk=event.pk).exists()


def test_posting_to_an_events_page_changes_nothing(tenant: Tenant, owner: User, enter: Enter) -> None:
    event = make_event("story.told")
    client = enter(owner)
    assert client.post(f"{LIST}{event.pk}/change/", {"action": "story.untold"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    assert Event.objects.get(pk=event.pk).action == "story.told"


@pytest.mark.parametrize("role", ["receptionist", "visitor", "stranger"])
def test_who_may_not_read_the_ledger_does_not(role: str, enter: Enter, request: pytest.FixtureRequest) -> None:
    someone = request.getfixturevalue(role)
    event = make_event("story.told")
    client = enter(someone)
    for path in (LIST, f"{LIST}{event.pk}/change/"):
        answer = client.get(path)
        assert answer.status_code in (302, 403)
        assert b"story.told" not in answer.content


def test_nobody_at_all_is_sent_to_sign_in(tenant: Tenant, client: Client) -> None:
    assert client.get(LIST).status_code == 302


def test_an_event_offers_no_history_of_its_own(tenant: Tenant, reading: Client) -> None:
    event = make_event("story.here")
    page = reading.get(f"{LIST}{event.pk}/change/")
    assert (page.status_code, f"{LIST}{event.pk}/history/" in page.text) == (200, False)
