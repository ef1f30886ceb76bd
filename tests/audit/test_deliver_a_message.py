"""A message left in a transaction is delivered afterwards: once when all goes well, again when not, never forgotten."""

from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts.models import Tenant
from audit import breakers, conf, context, outbox
from audit.models import Event, OutboxMessage
from governance import tenancy
from tests.factories.audit import at_once, make_message

State = OutboxMessage.State
Handle = Callable[[outbox.Handler], None]
HOUR = timedelta(hours=1)


def only() -> OutboxMessage:
    return OutboxMessage.objects.get()


def failing(message: OutboxMessage) -> None:
    raise ConnectionError("550 no such user ana@example.org")


@pytest.fixture(autouse=True)
def _handled(handle: Handle) -> None:
    """Every story has its handler."""


# --- posting --------------------------------------------------------------------------------------------------------
def test_a_message_keeps_who_asked_and_where(tenant: Tenant, now: datetime) -> None:
    with context.acting(actor=context.Actor("user", "u-1"), request_id="req-12345", trace_id="ab"):
        outbox.post("audit.story", about=tenant, due_at=now, key="one", payload={"version": 2})
    kept = only()
    assert (kept.tenant, kept.kind, kept.about_type, kept.about_id) == (
        str(tenant.pk),
        "audit.story",
        "accounts.tenant",
        str(tenant.pk),
    )
    assert (kept.payload, kept.key, kept.state, kept.due_at, kept.attempts) == (
        {"version": 2},
        "one",
        State.WAITING,
        now,
        0,
    )
    assert (kept.actor_kind, kept.actor_id, kept.request_id, kept.trace_id) == ("user", "u-1", "req-12345", "ab")


def test_a_message_of_a_rolled_back_act_was_never_there(tenant: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.post("audit.story", about=tenant)
        raise ZeroDivisionError
    assert not OutboxMessage.objects.exists()


def test_the_same_key_is_posted_once_per_tenant_and_kind(tenant: Tenant, second_tenant: Tenant) -> None:
    for _turn in range(3):
        outbox.post("audit.story", about=tenant, key="one")
    outbox.post("audit.story", about=tenant, key="two")
    outbox.post("audit.other", about=tenant, key="one")
    with tenancy.within(second_tenant):
        outbox.post("audit.story", about=tenant, key="one")
    assert OutboxMessage.objects.count() == 4
    with pytest.raises(IntegrityError):
        twin = OutboxMessage.objects.get(key="two")
        twin.pk = None
        twin.save()


def test_messages_without_a_key_are_all_kept(tenant: Tenant) -> None:
    for _turn in range(3):
        outbox.post("audit.story", about=tenant)
    assert OutboxMessage.objects.count() == 3


def test_two_handlers_for_one_kind_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"audit\.story is already delivered by"):
        outbox.handler("audit.story")(failing)


# --- delivering -----------------------------------------------------------------------------------------------------
def test_a_due_message_is_delivered_in_its_tenant(
    tenant: Tenant, second_tenant: Tenant, now: datetime, handle: Handle
) -> None:
    seen: list[tuple[Any, ...]] = []
    handle(lambda message: seen.append((tenancy.current_id(), context.current().who(), context.current().request_id)))
    with context.acting(request_id="req-12345", actor=context.Actor("user", "u-1")):
        make_message(about=tenant)
    with tenancy.within(second_tenant):
        assert outbox.deliver(at=now + HOUR) == outbox.Delivered(sent=1)
        assert tenancy.current_id() == second_tenant.pk
    assert seen == [(tenant.pk, context.SYSTEM, "req-12345")]
    assert (only().state, only().finished_at, only().attempts, only().claim) == (State.DELIVERED, now + HOUR, 1, "")


def test_a_message_is_not_delivered_twice_nor_before_its_time(
    tenant: Tenant, now: datetime, told: list[OutboxMessage]
) -> None:
    make_message(about=tenant, due_at=now + HOUR)
    assert outbox.deliver(at=now).total == 0
    assert outbox.deliver(at=now + HOUR).sent == 1
    assert outbox.deliver(at=now + 2 * HOUR).total == 0
    assert len(told) == 1


def test_the_oldest_come_first_and_no_more_than_asked(tenant: Tenant, now: datetime, told: list[OutboxMessage]) -> None:
    for hours in (2, 1, 3):
        make_message(about=tenant, due_at=now - hours * HOUR, payload={"hours": hours})
    assert outbox.deliver(at=now, limit=2).sent == 2
    assert [message.payload["hours"] for message in told] == [3, 2]


def test_what_nobody_wants_any_more_is_put_away(tenant: Tenant, now: datetime, handle: Handle) -> None:
    def send(message: OutboxMessage) -> None:
        raise outbox.NoLongerWanted

    handle(send)
    make_message(about=tenant)
    assert outbox.deliver(at=now + HOUR) == outbox.Delivered(unwanted=1)
    assert (only().state, only().finished_at) == (State.UNWANTED, now + HOUR)


def test_a_failure_is_tried_again_later_and_says_nothing_personal(
    tenant: Tenant, now: datetime, handle: Handle, told: list[OutboxMessage]
) -> None:
    handle(failing)
    make_message(about=tenant, due_at=now)
    assert outbox.deliver(at=now) == outbox.Delivered(postponed=1)
    kept = only()
    assert (kept.state, kept.attempts, kept.claim, kept.leased_until) == (State.WAITING, 1, "", None)
    assert kept.error == f"builtins.ConnectionError in {__name__}.failing"
    assert timedelta(seconds=9) <= kept.due_at - now <= timedelta(seconds=11)
    handle(told.append)
    assert outbox.deliver(at=now + timedelta(seconds=12)).sent == 1
    assert (only().state, only().error) == (State.DELIVERED, "")


def test_pauses_double_up_to_an_hour() -> None:
    seconds = [outbox.pause_after(tries).total_seconds() for tries in range(1, 12)]
    for expected, pause in zip([10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600], seconds, strict=True):
        assert expected * 0.9 <= pause <= expected * 1.1


def test_a_kind_nobody_delivers_is_tried_again(tenant: Tenant, now: datetime) -> None:
    make_message("audit.unheard_of", about=tenant)
    assert outbox.deliver(at=now + HOUR) == outbox.Delivered(postponed=1)
    assert only().error == "audit.outbox.NoHandler in audit.outbox._unknown"


def test_one_bad_message_does_not_hold_up_the_rest(tenant: Tenant, now: datetime, handle: Handle) -> None:
    sent: list[int] = []

    def send(message: OutboxMessage) -> None:
        sent.append(10 // message.payload["by"])

    handle(send)
    for by in (1, 0, 2):
        make_message(about=tenant, payload={"by": by})
    assert outbox.deliver(at=now + HOUR) == outbox.Delivered(sent=2, postponed=1)
    assert sent == [10, 5]


# --- dead letters ---------------------------------------------------------------------------------------------------
def fail_to_the_end(now: datetime) -> datetime:
    """Try until nothing is left to try; answers the moment after."""
    for _turn in range(20):
        outbox.deliver(at=now)
        now += 2 * HOUR
    return now


def test_after_ten_tries_a_message_is_parked_and_the_ledger_says_so(
    tenant: Tenant, now: datetime, handle: Handle
) -> None:
    handle(failing)
    make_message(about=tenant)
    fail_to_the_end(now + HOUR)
    kept = only()
    assert (kept.state, kept.attempts, kept.is_parked) == (State.PARKED, 10, True)
    event = Event.objects.get(action="audit.outbox.parked")
    assert (event.tenant, event.outcome, event.object_id) == (str(tenant.pk), "failed", str(kept.pk))
    assert event.reason == kept.error
    assert outbox.waiting_and_parked() == {"waiting": 0, "parked": 1}


def test_a_dead_letter_can_be_retried_and_then_arrives(
    tenant: Tenant, now: datetime, handle: Handle, told: list[OutboxMessage]
) -> None:
    handle(failing)
    make_message(about=tenant)
    later = fail_to_the_end(now + HOUR)
    outbox.retry(only(), by=None, at=later)
    assert (only().state, only().attempts, only().due_at, only().finished_at) == (State.WAITING, 0, later, None)
    assert Event.objects.filter(action="audit.outbox.retried", object_id=str(only().pk)).count() == 1
    handle(told.append)
    assert outbox.deliver(at=later).sent == 1
    assert len(told) == 1


@pytest.mark.parametrize("state", [State.WAITING, State.DELIVERED, State.UNWANTED])
def test_only_dead_letters_can_be_retried(tenant: Tenant, now: datetime, state: str) -> None:
    message = make_message(about=tenant)
    OutboxMessage.objects.update(state=state)
    with pytest.raises(outbox.NotParked) as refusal:
        outbox.retry(message, by=None, at=now)
    assert refusal.value.messages == ["This message is not a dead letter."]
    assert not Event.objects.filter(action="audit.outbox.retried").exists()


# --- a destination that is down --------------------------------------------------------------------------------------
def test_a_broken_destination_is_left_alone_and_costs_no_tries(tenant: Tenant, now: datetime, handle: Handle) -> None:
    calls: list[OutboxMessage] = []

    def refuse(message: OutboxMessage) -> None:
        calls.append(message)
        raise ConnectionError

    handle(lambda message: breakers.call("story-mail", refuse, message))
    for _letter in range(8):
        make_message(about=tenant)
    assert outbox.deliver(at=now + HOUR) == outbox.Delivered(postponed=8)
    assert len(calls) == 5
    assert sorted(OutboxMessage.objects.values_list("attempts", flat=True)) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert breakers.OPEN.labels("story-mail")._value.get() == 1


def test_addresses_that_are_refused_do_not_close_the_way_to_the_server() -> None:
    def refused() -> None:
        raise SMTPRecipientsRefused({"nobody@visitor.example": (550, b"no such mailbox")})

    for _letter in range(conf.breaker_failures() + 1):
        with pytest.raises(SMTPRecipientsRefused):
            breakers.call("a mail server", refused)
    assert breakers.call("a mail server", lambda: "sent") == "sent"


# --- several at once ------------------------------------------------------------------------------------------------
@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_many_deliverers_tell_everybody_exactly_once(tenant: Tenant, now: datetime, handle: Handle) -> None:
    sent: list[int] = []
    handle(lambda message: sent.append(message.pk))
    for _letter in range(60):
        make_message(about=tenant)
    rounds = at_once(*[lambda: outbox.deliver(at=now + HOUR)] * 4)
    assert sum(done.sent for done in rounds) == 60
    assert sorted(sent) == sorted(OutboxMessage.objects.values_list("pk", flat=True))
    assert set(OutboxMessage.objects.values_list("state", "attempts")) == {("delivered", 1)}


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_the_same_key_posted_at_once_is_kept_once(tenant: Tenant) -> None:
    def post() -> None:
        with tenancy.within(tenant), transaction.atomic():
            outbox.post("audit.story", about=tenant, key="one")

    assert at_once(*[post] * 6) == [None] * 6
    assert OutboxMessage.objects.count() == 1


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_a_deliverer_that_dies_midway_leaves_the_message_to_the_next(
    tenant: Tenant, now: datetime, handle: Handle, told: list[OutboxMessage]
) -> None:
    class Killed(BaseException):
        """As kill -9: nothing is caught, nothing is marked."""

    def die(message: OutboxMessage) -> None:
        raise Killed

    make_message(about=tenant)
    handle(die)
    later = now + HOUR
    with pytest.raises(Killed):
        outbox.deliver(at=later)
    assert (only().state, only().attempts) == (State.WAITING, 1)
    handle(told.append)
    assert outbox.deliver(at=later + timedelta(seconds=299)).total == 0
    assert outbox.deliver(at=later + timedelta(seconds=300)).sent == 1
    assert (only().state, only().attempts, len(told)) == (State.DELIVERED, 2, 1)


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_a_deliverer_whose_lease_is_over_changes_nothing(tenant: Tenant, now: datetime, handle: Handle) -> None:
    later = now + HOUR
    turns: list[OutboxMessage] = []

    def slow(message: OutboxMessage) -> None:
        turns.append(message)
        if len(turns) == 1:
            assert outbox.deliver(at=later + HOUR).sent == 1
            raise ConnectionError

    handle(slow)
    make_message(about=tenant)
    outbox.deliver(at=later)
    assert (only().state, only().finished_at, only().error) == (State.DELIVERED, later + HOUR, "")


# --- the operator's door --------------------------------------------------------------------------------------------
def test_the_command_delivers_what_is_due(tenant: Tenant, told: list[OutboxMessage], capsys: Any) -> None:
    for _letter in range(3):
        make_message(about=tenant)
    call_command("deliver_outbox", "--json", "--limit", "2")
    assert capsys.readouterr().out == '{"sent": 2, "unwanted": 0, "postponed": 0, "parked": 0}\n'
    call_command("deliver_outbox")
    assert capsys.readouterr().out == "sent: 1\nunwanted: 0\npostponed: 0\nparked: 0\n"
    assert len(told) == 3
