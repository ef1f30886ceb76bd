"""An act leaves one immutable event in its own transaction, or none."""

import hashlib
import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Tenant
from audit import canonical, context, ledger, reading
from audit.models import Event, EventOrigin, EventPerson, Pending
from governance import people, tenancy
from governance.models import Person
from tests.factories.audit import SUBJECT, at_once, make_event
from tests.factories.governance import make_person


class Undone(Exception):
    """Rolls a transaction back."""


@pytest.mark.django_db
def test_nothing_is_written_for_somebody_who_may_act_no_longer() -> None:
    def no() -> None:
        raise Undone

    with context.acting(confirm=no), pytest.raises(Undone):
        ledger.record("scheduling.appointment.booked", SUBJECT)
    assert Event.objects.count() == 0


@pytest.mark.guarantee
@pytest.mark.django_db
def test_an_act_leaves_an_event_a_marker_and_whom_it_concerns() -> None:
    actor = context.Actor("user", "u-1")
    with context.acting(tenant_id="t-1", actor=actor, request_id="req-12345", trace_id="ab", door="admin"):
        uid = ledger.record(
            "scheduling.appointment.booked",
            SUBJECT,
            changes={"state": [None, "confirmed"]},
            people=["p-2", "p-1", "p-1"],
        )
    event = Event.objects.get()
    assert event.content == {
        "v": 1,
        "uid": uid,
        "tenant": "t-1",
        "at": canonical.instant(event.occurred_at),
        "action": "scheduling.appointment.booked",
        "outcome": "success",
        "actor": {"kind": "user", "id": "u-1"},
        "door": "admin",
        "object": {"type": SUBJECT.type, "id": SUBJECT.id},
        "people": ["p-1", "p-2"],
        "request": "req-12345",
        "trace": "ab",
        "changes": {"state": [None, "confirmed"]},
    }
    assert bytes(event.body) == canonical.body(event.content)
    assert event.is_authentic
    assert (str(event.uid), event.tenant, event.action, event.outcome, event.reason) == (
        uid,
        "t-1",
        "scheduling.appointment.booked",
        "success",
        "",
    )
    assert (event.actor_kind, event.actor_id, event.door, event.request_id) == ("user", "u-1", "admin", "req-12345")
    assert (event.object_type, event.object_id) == SUBJECT
    assert [pending.event_id for pending in Pending.objects.all()] == [event.pk]
    assert sorted(row.person for row in EventPerson.objects.all()) == ["p-1", "p-2"]
    assert not EventOrigin.objects.exists()


@pytest.mark.django_db
def test_an_event_knows_where_it_came_from_until_retention_forgets_it() -> None:
    with context.acting(client_ip="192.0.2.7", user_agent="Browser/1"):
        event = make_event()
    origin = event.origin
    said = canonical.body({"agent": origin.agent, "ip": origin.ip})
    assert (origin.ip, origin.agent) == ("192.0.2.7", "Browser/1")
    assert event.content["origin"] == hashlib.sha256(bytes(origin.salt) + said).hexdigest()
    assert b"192.0.2.7" not in bytes(event.body)
    EventOrigin.objects.all().delete()
    assert Event.objects.get().is_authentic


@pytest.mark.django_db
def test_an_act_that_is_rolled_back_leaves_nothing() -> None:
    with pytest.raises(Undone), transaction.atomic():
        ledger.record("scheduling.appointment.booked", people=["p-1"])
        raise Undone
    assert (Event.objects.count(), Pending.objects.count(), EventPerson.objects.count()) == (0, 0, 0)


@pytest.mark.django_db
def test_one_call_to_the_database_is_enough_on_postgresql() -> None:
    with context.acting(client_ip="192.0.2.7"), CaptureQueriesContext(connection) as asked:
        ledger.record("scheduling.appointment.booked", SUBJECT, people=["p-1"])
    assert len(asked) == {"postgresql": 1, "sqlite": 4}[connection.vendor]


@pytest.mark.django_db
def test_words_no_database_can_hold_do_not_break_a_verb() -> None:
    event = make_event("story.told", reason="nul \0 and half \ud800" + "x" * 500, changes={"a\0": ["\0", "\ud800"]})
    assert event.reason == ("nul \ufffd and half \ufffd" + "x" * 500)[:200]
    assert event.content["changes"] == {"a\ufffd": ["\ufffd", "\ufffd"]}


# --- values about a person ------------------------------------------------------------------------------------------
def test_a_personal_value_is_kept_under_its_persons_key(tenant: Tenant) -> None:
    person = make_person(name="Ana Sol")
    event = make_event("people.corrected", person, changes={"name": ["–", ledger.Personal(person, "Ana Sol")]})
    kept = event.content["changes"]["name"][1]
    assert kept.keys() == {"person", "sealed"}
    assert kept["person"] == str(person.pk)
    assert b"Ana" not in bytes(event.body)
    assert reading.changes(event) == [("name", "–", "Ana Sol")]


def test_a_personal_value_opens_in_its_own_event_and_place_only(tenant: Tenant) -> None:
    person = make_person()
    event = make_event(changes={"name": [None, ledger.Personal(person, "Ana Sol")]})
    moved = json.loads(bytes(event.body))
    moved["changes"] = {"email": moved["changes"]["name"]}
    event.body = canonical.body(moved)
    assert reading.changes(event) == [("email", "", "unreadable")]


def test_an_erased_persons_event_still_proves_itself_and_says_when(tenant: Tenant) -> None:
    person = make_person()
    event = make_event(changes={"name": [None, ledger.Personal(person, "Ana Sol")]})
    people.erase(person, by=None, at=timezone.now())
    kept = Event.objects.get(pk=event.pk)
    assert kept.is_authentic
    assert reading.changes(kept)[0].after.startswith("erased on ")


def test_a_value_whose_person_is_gone_is_withheld_rather_than_told(tenant: Tenant) -> None:
    event = make_event(changes={"name": [None, ledger.Personal("01890000-0000-7000-8000-00000000dead", "Ana Sol")]})
    assert event.content["changes"]["name"][1] == {"person": "01890000-0000-7000-8000-00000000dead", "withheld": True}
    assert reading.changes(event) == [("name", "", "withheld")]


def test_a_value_of_another_tenant_is_not_opened(tenant: Tenant, second_tenant: Tenant) -> None:
    person = make_person()
    event = make_event(changes={"name": [None, ledger.Personal(person, "Ana Sol")]})
    with tenancy.within(second_tenant):
        assert reading.changes(event) == [("name", "", "unreadable")]


# --- many at once ---------------------------------------------------------------------------------------------------
@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_writers_do_not_wait_for_each_other_and_none_is_lost() -> None:
    def write() -> int:
        for _turn in range(25):
            with transaction.atomic():
                ledger.record("scheduling.appointment.booked", SUBJECT, people=["p-1"])
        return 25

    assert at_once(*[write] * 6) == [25] * 6
    assert (Event.objects.count(), Pending.objects.count(), EventPerson.objects.count()) == (150, 150, 150)
    assert all(event.is_authentic for event in Event.objects.all())


@pytest.mark.django_db
def test_people_are_persons_or_their_ids(tenant: Tenant) -> None:
    person: Person = make_person()
    event = make_event(people=[person, str(person.pk)])
    assert event.content["people"] == [str(person.pk)]
    assert list(Event.objects.concerning(str(person.pk)).filter(action=event.action)) == [event]
    assert not Event.objects.concerning("somebody-else").exists()
