"""Whoever reads the ledger, the outbox or the configuration changes reads words first, and codes beside them."""

import ast
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import Tenant, User
from audit import context, outbox, wording
from audit.ledger import Subject
from audit.models import Event
from tests.factories.audit import SUBJECT, make_event, make_message
from tests.factories.scheduling import make_service
from tests.house.source import modules

Enter = Callable[..., Client]
LEDGER, OUTBOX, CHANGES = "/admin/audit/event/", "/admin/audit/outboxmessage/", "/admin/audit/logentry/"


@pytest.fixture
def reading(auditor: User, enter: Enter) -> Client:
    return enter(auditor)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("scheduling.appointment.booked", "Booked"),
        ("scheduling.service.changed", "Changed"),
        ("accounts.tenantdomain.created", "Added"),
        ("story.never_heard_of", "Never heard of"),
        ("", ""),
    ],
)
def test_a_code_is_said_in_words(code: str, words: str) -> None:
    assert wording.of(code) == words


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("scheduling.appointment", "Appointment"),
        ("web.route", "Page"),
        ("story.unknown", "story.unknown"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_kind_is_said_in_words(label: str, words: str) -> None:
    assert wording.kind(label) == words


def test_ids_are_shortened_to_the_end_that_differs() -> None:
    assert wording.short("01890000-0000-7000-8000-0000000000a1") == "…000000a1"
    assert wording.short("7") == "7"


def test_the_ledger_says_what_happened_to_what_and_by_whom(tenant: Tenant, manager: User, reading: Client) -> None:
    with context.acting(actor=context.Actor("customer", "01890000-0000-7000-8000-00000000beef"), door="web"):
        make_event("scheduling.appointment.cancelled")
    with context.acting(actor=context.Actor("user", str(manager.pk)), door="admin"):
        event = make_event("accounts.signin.failed", manager, outcome="failed")
    page = reading.get(LEDGER).text
    for words in ("Cancelled", "Appointment", "the customer", "…0000beef", "Sign-in failed", "failed", "back office"):
        assert words in page
    assert f"User {manager}" in page
    assert '<code class="code">scheduling.appointment.cancelled</code>' in page
    assert f">{SUBJECT.id}<" not in page
    one = reading.get(f"{LEDGER}{event.pk}/change/").text
    assert "<h1>Sign-in failed</h1>" in one
    assert str(manager.pk) in one
    assert event.occurred_at.isoformat() in one


def test_the_ledgers_filter_knows_every_named_act(tenant: Tenant, reading: Client) -> None:
    page = reading.get(LEDGER).text
    assert '<option value="scheduling.appointment.booked" label="Booked"></option>' in page
    assert '<details class="ledger-filters">' in page
    assert '<details class="ledger-filters" open>' in reading.get(LEDGER, {"outcome": "failed"}).text


def test_in_spanish_the_words_are_spanish(tenant: Tenant) -> None:
    with translation.override("es"):
        assert wording.of("scheduling.appointment.booked") != "Booked"


def test_the_outbox_says_what_is_told_and_about_what(tenant: Tenant, reading: Client) -> None:
    message = make_message(kind="cms.notice", about=tenant)
    page = reading.get(OUTBOX).text
    for words in ("Notice of a message, to a member", "Tenant", wording.short(str(tenant.pk)), "waiting"):
        assert words in page
    assert "<h1>Notice of a message, to a member</h1>" in reading.get(f"{OUTBOX}{message.pk}/change/").text


def test_configuration_changes_say_what_changed(tenant: Tenant, reading: Client) -> None:
    row = make_service(tenant)
    page = reading.get(CHANGES).text
    assert "Service <code" in page
    assert wording.short(str(row.pk)) in page
    assert "Added" in page


def acts_in_the_source() -> Iterator[tuple[str, str]]:
    """Every act the source writes out in full, `app.thing.done`, with the module that does."""
    for module, path in modules():
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
                first = call.args[0]
                if call.func.attr in ("record", "refused") and isinstance(first, ast.Constant):
                    yield str(first.value), module


def test_every_act_and_every_message_of_the_house_has_a_name() -> None:
    """A new one is named in its app's `acts.py`."""
    named = wording.acts()
    acts = {act: module for act, module in acts_in_the_source() if act.count(".") == 2 and "bench" not in module}
    assert len(acts) > 30
    assert {act: module for act, module in acts.items() if act not in named} == {}
    assert [kind for kind in outbox.kinds() if not wording.is_named(kind) and not kind.startswith("audit.")] == []


def test_an_odd_object_breaks_nothing(tenant: Tenant, reading: Client) -> None:
    for about in (Subject("web.route", "accounts:login"), Subject("story.thing"), None):
        make_event("story.odd", about)
    assert Event.objects.filter(action="story.odd").count() == 3
    assert reading.get(LEDGER).status_code == 200
