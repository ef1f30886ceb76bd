"""Numbers read from the database when Prometheus asks, the same from whichever process answers."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit import outbox
from governance import tenancy
from verso.operations import heartbeats


class Clockwork(Collector):
    """The outbox, and how long ago beat and worker were last seen."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per number."""
        now = timezone.now()
        with tenancy.across():
            backlog = outbox.backlog(at=now)
        late = (now - backlog.oldest_due_at).total_seconds() if backlog.oldest_due_at else 0.0
        yield GaugeMetricFamily("verso_outbox_waiting", "Messages that wait, due or not", backlog.waiting)
        yield GaugeMetricFamily("verso_outbox_parked", "Dead letters that wait for staff", backlog.parked)
        yield GaugeMetricFamily("verso_outbox_oldest_due_seconds", "How long the oldest due message waits", late)
        seen = heartbeats.last()
        if seen is not None:
            age = (now - seen).total_seconds()
            yield GaugeMetricFamily("verso_heartbeat_age_seconds", "Since beat and worker were last seen", age)


def registry() -> CollectorRegistry:
    """The database's numbers by themselves."""
    collected = CollectorRegistry(auto_describe=False)
    collected.register(Clockwork())
    return collected
