"""Events and messages, made the way the house makes them."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from audit import context, ledger, outbox
from audit.models import Event, OutboxMessage

SUBJECT = ledger.Subject("scheduling.appointment", "01890000-0000-7000-8000-000000000001")


def make_event(action: str = "scheduling.appointment.booked", obj: Any = SUBJECT, **options: Any) -> Event:
    """An event, recorded in the frame in force."""
    return Event.objects.get(uid=ledger.record(action, obj, **options))


def make_message(kind: str = "audit.story", *, about: Any, **options: Any) -> OutboxMessage:
    """A message, posted in the frame in force."""
    outbox.post(kind, about=about, **options)
    return OutboxMessage.objects.latest("id")


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run each work in a thread with its own connection, all starting together; answers or errors, in order."""
    barrier, answers = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answers[place] = work()
        except Exception as error:  # noqa: BLE001 - the story looks at what went wrong
            answers[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def system(**changes: Any) -> Any:
    """A frame without tenant, as a worker has it."""
    return context.restored(context.Acting(**changes))
