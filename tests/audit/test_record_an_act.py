"""An act leaves one immutable event in its own transaction, or none."""

import pytest
from django.db import transaction

from audit import context, ledger
from audit.models import Event, EventPerson, Pending


class Undone(Exception):
    """Rolls a transaction back."""


@pytest.mark.django_db
def test_an_act_leaves_an_event_and_a_pending_marker() -> None:
    actor = context.Actor("user", "u-1")
    with context.acting(tenant_id="t-1", actor=actor, request_id="req-12345", door="admin"):
        uid = ledger.record(
            "scheduling.appointment.booked",
            ledger.Subject("scheduling.appointment", "a-1"),
            changes={"state": [None, "confirmed"]},
            people=["p-1"],
        )
    event = Event.objects.get()
    assert event.content == {
        "v": 1,
        "uid": uid,
        "tenant": "t-1",
        "at": event.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "action": "scheduling.appointment.booked",
        "outcome": "success",
        "actor": {"kind": "user", "id": "u-1"},
        "door": "admin",
        "object": {"type": "scheduling.appointment", "id": "a-1"},
        "people": ["p-1"],
        "request": "req-12345",
        "changes": {"state": [None, "confirmed"]},
    }
    assert event.is_authentic
    assert [pending.event_id for pending in Pending.objects.all()] == [event.pk]
    assert [row.person for row in EventPerson.objects.all()] == ["p-1"]


@pytest.mark.django_db
def test_an_act_that_is_rolled_back_leaves_nothing() -> None:
    with pytest.raises(Undone), transaction.atomic():
        ledger.record("scheduling.appointment.booked")
        raise Undone
    assert not Event.objects.exists()
    assert not Pending.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_suite_can_empty_the_ledger_between_tests() -> None:
    ledger.record("scheduling.appointment.booked")
    assert Event.objects.count() == 1
