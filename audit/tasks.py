"""Celery's door: the frame travels in message headers, and the outbox is delivered here."""

import threading
from contextlib import ExitStack
from typing import Any

import structlog
from celery import shared_task
from celery.signals import beat_init, before_task_publish, task_failure, task_postrun, task_prerun
from django.db import transaction
from django.utils import timezone

from audit import context, floods, ledger, outbox

HEADER = "acting"
log = structlog.get_logger(__name__)
_open: dict[str, ExitStack] = {}
_publishing = threading.Lock()
_is_beat = False


@shared_task(ignore_result=True)
def deliver_outbox() -> None:
    """Deliver what is due, round after round until nothing is left."""
    while outbox.deliver(at=timezone.now(), limit=outbox.ROUND).total == outbox.ROUND:
        pass


@shared_task(ignore_result=True)
def sum_up_refusals() -> None:
    """Say how many refusals of strangers were only counted."""
    floods.sum_up(at=timezone.now())


def nudge_outbox() -> None:
    """Ask for a delivery right after commit, to save the wait for beat. Never raises; a dead broker costs nothing.

    Publishing happens aside, one at a time: whoever finds a nudge under way relies on it or on beat.
    """
    transaction.on_commit(_nudge_aside, robust=True)


def _nudge_aside() -> None:
    if _publishing.acquire(blocking=False):
        threading.Thread(target=_nudge, name="nudge-outbox", daemon=True).start()


def _nudge() -> None:
    try:
        deliver_outbox.apply_async(retry=False, expires=60)
    except Exception as error:  # noqa: BLE001 - whatever the broker's client raises, beat will come by
        log.warning("outbox.nudge_failed", error=type(error).__name__)
    finally:
        _publishing.release()


@before_task_publish.connect(dispatch_uid="audit.send_frame", weak=False)
def send_frame(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    """Write the frame in force into the message."""
    if headers is not None and HEADER not in headers:
        headers[HEADER] = {**context.current().headers(), "beat": _is_beat}


@task_prerun.connect(dispatch_uid="audit.enter_frame", weak=False)
def enter_frame(task_id: str, task: Any, **kwargs: Any) -> None:
    """Act in the frame the message brought; refusals are kept until the task is over."""
    headers = task.request.get(HEADER) or (task.request.headers or {}).get(HEADER) or {}
    stack = _open[task_id] = ExitStack()
    stack.enter_context(context.restored(context.from_headers(headers, door="beat" if headers.get("beat") else "task")))
    stack.enter_context(ledger.keeping_refusals())


@task_failure.connect(dispatch_uid="audit.note_failure", weak=False)
def note_failure(task_id: str, exception: BaseException, sender: Any = None, **kwargs: Any) -> None:
    """A task that broke is an act that failed; only the error's class is kept."""
    if task_id in _open:
        subject = ledger.Subject("celery.task", getattr(sender, "name", ""))
        ledger.refused("audit.task.failed", subject, reason=type(exception).__qualname__, outcome="failed")


@task_postrun.connect(dispatch_uid="audit.leave_frame", weak=False)
def leave_frame(task_id: str, **kwargs: Any) -> None:
    """Write the refusals and give the worker its own frame back."""
    stack = _open.pop(task_id, None)
    if stack is not None:
        stack.close()


@beat_init.connect(dispatch_uid="audit.is_beat", weak=False)
def is_beat(**kwargs: Any) -> None:
    """This process is the clock: what it publishes is marked so."""
    global _is_beat
    _is_beat = True
