"""The frame of whoever asked travels with a task; a dead broker costs the asker nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from celery.signals import task_postrun
from django.db import transaction
from django.utils import timezone

from accounts.models import Tenant
from audit import context, ledger, outbox, tasks
from audit.models import Event, OutboxMessage
from tests.factories.audit import make_message
from verso.celery import app

QUEUE = "audit-story"
seen: list[context.Acting] = []
finished = threading.Semaphore(0)


@app.task(name="tests.audit.look_around", ignore_result=True)
def look_around() -> None:
    """Notes the frame it runs in."""
    seen.append(context.current())


@app.task(name="tests.audit.break_down", ignore_result=True)
def break_down() -> None:
    """Does something, notes a refusal and breaks, inside one transaction."""
    with transaction.atomic():
        ledger.record("story.done")
        ledger.refused("story.refused", reason="too_late")
        raise RuntimeError("ana@example.org")


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """A real worker on the configured broker, in a thread of its own."""
    seen.clear()

    def done(**kwargs: Any) -> None:
        finished.release()

    task_postrun.connect(done, weak=False, dispatch_uid="story")
    with start_worker(app, pool="solo", queues=[QUEUE], perform_ping_check=False, shutdown_timeout=30):
        yield
    task_postrun.disconnect(dispatch_uid="story")


def send(task: Any, count: int = 1) -> None:
    for _turn in range(count):
        task.apply_async(queue=QUEUE)
    for _turn in range(count):
        assert finished.acquire(timeout=30)


FRAME = {
    "actor": context.Actor("user", "u-1"),
    "on_behalf_of": "user:u-2",
    "request_id": "req-12345",
    "trace_id": "ab",
    "client_ip": "192.0.2.7",
    "user_agent": "Browser/1",
}


def test_a_task_acts_in_the_frame_of_whoever_asked(worker: None, tenant: Tenant) -> None:
    with context.acting(**FRAME, door="web", across_tenants=True):
        send(look_around)
    assert seen == [context.Acting(**FRAME, tenant_id=str(tenant.pk), door="task", across_tenants=False)]


def test_a_worker_forgets_one_frame_before_the_next(worker: None, tenant: Tenant) -> None:
    with context.acting(**FRAME):
        send(look_around)
    with context.restored(context.Acting()):
        send(look_around)
    assert seen[1] == context.Acting(door="task")


def test_what_the_clock_asks_for_comes_through_its_own_door(
    worker: None, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_is_beat", True)
    send(look_around)
    assert seen[0].door == "beat"


def test_a_task_that_breaks_leaves_its_refusal_and_its_failure(worker: None, tenant: Tenant) -> None:
    with context.acting(**FRAME):
        send(break_down)
    events = Event.objects.filter(request_id="req-12345").order_by("id")
    assert [(event.action, event.outcome, event.reason, event.actor_id, event.door) for event in events] == [
        ("story.refused", "refused", "too_late", "u-1", "task"),
        ("audit.task.failed", "failed", "RuntimeError", "u-1", "task"),
    ]


def test_the_delivery_task_tells_everybody(
    worker: None, tenant: Tenant, handle: Callable[..., None], told: list[OutboxMessage]
) -> None:
    for _letter in range(3):
        make_message(about=tenant)
    send(tasks.deliver_outbox)
    assert len(told) == 3
    assert set(OutboxMessage.objects.values_list("state", flat=True)) == {"delivered"}


# --- nudging --------------------------------------------------------------------------------------------------------
@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was asked of the broker."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.deliver_outbox, "apply_async", lambda **options: asked.append(options))
    return asked


def wait_until_quiet() -> None:
    assert tasks._publishing.acquire(timeout=10)
    tasks._publishing.release()


@pytest.mark.django_db(transaction=True)
def test_a_nudge_waits_for_the_commit(nudges: list[dict[str, Any]]) -> None:
    with transaction.atomic():
        tasks.nudge_outbox()
        wait_until_quiet()
        assert nudges == []
    wait_until_quiet()
    assert nudges == [{"retry": False, "expires": 60}]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_act_nudges_nobody(nudges: list[dict[str, Any]]) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tasks.nudge_outbox()
        raise ZeroDivisionError
    wait_until_quiet()
    assert nudges == []


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("silent", [False, True], ids=["refusing", "silent"])
def test_a_dead_broker_neither_breaks_nor_delays_nor_loses_anything(
    tenant: Tenant, silent: bool, monkeypatch: pytest.MonkeyPatch, handle: Callable[..., None], told: list[Any]
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if silent:
            listener.listen()  # accepts, and never says a word
        port = listener.getsockname()[1]
        broken = app.connection_for_write(
            url=f"redis://127.0.0.1:{port}/0", transport="redis", transport_options={"socket_timeout": 30}
        )
        asked = tasks.deliver_outbox.apply_async
        monkeypatch.setattr(tasks.deliver_outbox, "apply_async", lambda **options: asked(**options, connection=broken))
        with transaction.atomic():
            make_message(about=tenant)
            tasks.nudge_outbox()
        if silent:
            assert tasks._publishing.locked()  # the nudge still waits for its broker; we do not wait for it
        assert OutboxMessage.objects.get().state == "waiting"
        assert outbox.deliver(at=timezone.now()).sent == 1
        assert len(told) == 1
    wait_until_quiet()
