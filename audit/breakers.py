"""One circuit breaker per destination outside the house: after some failures in a row it is left alone for a while.

`breakers.call("smtp", send, message)`; while the breaker is open `Open` is raised at once, and the outbox waits without
counting the try. `verso_breaker_open{destination}` is 1 while a destination is left alone by this process.
"""

from collections.abc import Callable
from functools import lru_cache
from smtplib import SMTPRecipientsRefused
from typing import Any, ParamSpec, TypeVar

import pybreaker
from prometheus_client import Counter, Gauge

from audit import conf

Open = pybreaker.CircuitBreakerError
P = ParamSpec("P")
T = TypeVar("T")

OPEN = Gauge("verso_breaker_open", "1 while a destination is left alone", ["destination"], multiprocess_mode="livemax")
FAILURES = Counter("verso_breaker_failures_total", "Failed calls to a destination", ["destination"])


class _Metrics(pybreaker.CircuitBreakerListener):
    def state_change(self, cb: pybreaker.CircuitBreaker, old_state: Any, new_state: Any) -> None:
        OPEN.labels(cb.name or "").set(1 if new_state.name == pybreaker.STATE_OPEN else 0)

    def failure(self, cb: pybreaker.CircuitBreaker, exc: BaseException) -> None:
        FAILURES.labels(cb.name or "").inc()


@lru_cache(maxsize=512)
def to(destination: str) -> pybreaker.CircuitBreaker:
    """The breaker of one destination in this process."""
    OPEN.labels(destination).set(0)
    return pybreaker.CircuitBreaker(
        fail_max=conf.breaker_failures(),
        reset_timeout=conf.breaker_pause(),
        name=destination,
        listeners=[_Metrics()],
        exclude=[SMTPRecipientsRefused],  # says something of an address that somebody typed, nothing of the server
        throw_new_error_on_trip=False,
    )


def call(destination: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call something outside the house. Refuses with `Open` while that destination is left alone."""
    answer: T = to(destination).call(function, *args, **kwargs)
    return answer
