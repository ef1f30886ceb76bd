"""Many at once, each in a thread with a database connection of its own (no pool in between)."""

import copy
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NamedTuple

from django.db import connection


class Race(NamedTuple):
    """What each runner brought home (an answer or an exception), and how long it all took."""

    results: list[Any]
    seconds: float
    connections: int

    def kinds(self) -> Counter[str]:
        """How many of each kind of answer."""
        return Counter(type(result).__name__ for result in self.results)


def race(runners: Sequence[Callable[[], Any]]) -> Race:
    """Start all at the same instant, once every one of them is connected."""
    start, identities = threading.Barrier(len(runners) + 1), []

    def run(runner: Callable[[], Any]) -> Any:
        _connect(identities)
        try:
            start.wait(timeout=60)
            return runner()
        except Exception as error:  # noqa: BLE001 - what a runner raises is its result
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runners)) as pool:
        futures = [pool.submit(copy_context().run, run, runner) for runner in runners]
        start.wait(timeout=60)
        begun = time.perf_counter()
        results = [future.result(timeout=120) for future in futures]
        seconds = time.perf_counter() - begun
    return Race(results, seconds, len(set(identities)))


def _connect(identities: list[int]) -> None:
    """A connection for this thread alone, bypassing the pool."""
    connection.settings_dict = copy.deepcopy(connection.settings_dict)
    connection.settings_dict.get("OPTIONS", {}).pop("pool", None)
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            identities.append(cursor.fetchone()[0])
    else:
        identities.append(id(connection.connection))
