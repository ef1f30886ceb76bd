"""Beat sends a task every half minute and a worker runs it: one sign says that both live, and the queue between."""

from datetime import datetime, timedelta

from verso.operations.models import Heartbeat

QUEUE = "queue"
EVERY = 30.0  # seconds
LATE = timedelta(minutes=3)


def note(*, at: datetime) -> Heartbeat:
    """Write down that beat, queue and worker work."""
    beat, _is_new = Heartbeat.objects.update_or_create(name=QUEUE, defaults={"seen_at": at})
    return beat


def last() -> datetime | None:
    """When they last did."""
    return Heartbeat.objects.filter(name=QUEUE).values_list("seen_at", flat=True).first()
