"""Counts of what is not written one by one, window by window: in Redis where the cache lies, else in this process.

Redis counts for every process together and outlives them; this process counts for itself. What was counted stays until
`forget`, in Redis for at most a week.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, NamedTuple, Protocol

import redis
from django.conf import settings

KEPT_SECONDS = 7 * 86_400
CLAIM_SECONDS = 120
MOST_HERE = 10_000  # things one process counts at a time


class Flood(NamedTuple):
    """What is counted together: an action that ended alike for one network, aimed at one user or at none."""

    tenant: str
    action: str
    outcome: str
    user: str
    network: str


Counted = tuple[int, Flood, int]


class Full(Exception):
    """There is no room to count anything else here."""


class Counts(Protocol):
    """Where the counts lie. A window is its number since 1970."""

    def add(self, flood: Flood, window: int) -> int:
        """One more; answers how many there are now."""

    def counted(self, *, before: int) -> list[Counted]:
        """Everything counted in windows before this one."""

    def forget(self, flood: Flood, window: int) -> None:
        """It has been told; its count is over."""

    def claimed(self) -> Any:
        """A block nobody else is in at this moment; gives False where somebody is."""


class InThisProcess:
    """Counts in memory, bounded. Refuses with `Full` rather than forget."""

    is_shared = False

    def __init__(self) -> None:
        self._counts: dict[tuple[int, Flood], int] = {}
        self._lock, self._claim = threading.Lock(), threading.Lock()

    def add(self, flood: Flood, window: int) -> int:
        """One more, under the lock."""
        with self._lock:
            if (window, flood) not in self._counts and len(self._counts) >= MOST_HERE:
                raise Full
            count = self._counts[window, flood] = self._counts.get((window, flood), 0) + 1
        return count

    def counted(self, *, before: int) -> list[Counted]:
        """A copy; costs nothing while the oldest is still of this window."""
        with self._lock:
            if next(iter(self._counts), (before,))[0] >= before:
                return []
            return [(window, flood, count) for (window, flood), count in self._counts.items() if window < before]

    def forget(self, flood: Flood, window: int) -> None:
        """Make room."""
        with self._lock:
            self._counts.pop((window, flood), None)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """One thread at a time; the others go on."""
        mine = self._claim.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                self._claim.release()


class InRedis:
    """One hash per window, whose fields are the floods. One round trip to count; raises `redis.RedisError`."""

    is_shared = True

    def __init__(self, url: str) -> None:
        self._redis: Any = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=2, socket_connect_timeout=1, protocol=3
        )

    def add(self, flood: Flood, window: int) -> int:
        """Counted, listed and given its term in one transaction of Redis."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(self._name(window), json.dumps(flood), 1)
            pipe.expire(self._name(window), KEPT_SECONDS)
            pipe.sadd(self._name("windows"), window)
            return int(pipe.execute()[0])

    def counted(self, *, before: int) -> list[Counted]:
        """Window by window, the oldest first."""
        windows = sorted(int(window) for window in self._redis.smembers(self._name("windows")))
        return [counted for window in windows if window < before for counted in self._in(window)]

    def _in(self, window: int) -> list[Counted]:
        fields = self._redis.hgetall(self._name(window))
        if not fields:  # all told, or waited for a week
            self._redis.srem(self._name("windows"), window)
        return [(window, Flood(*json.loads(field)), int(count)) for field, count in fields.items()]

    def forget(self, flood: Flood, window: int) -> None:
        """The last field takes the hash with it."""
        self._redis.hdel(self._name(window), json.dumps(flood))

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Whoever sets the claim; it runs out by itself if its holder dies."""
        claim = self._redis.lock(self._name("claim"), timeout=CLAIM_SECONDS)
        mine = bool(claim.acquire(blocking=False))
        try:
            yield mine
        finally:
            if mine:
                with suppress(redis.exceptions.LockError):  # it ran out while its holder was at work
                    claim.release()

    def _name(self, part: int | str) -> str:
        return f"verso:floods:{part}"


@cache
def store() -> InThisProcess | InRedis:
    """Where this house counts."""
    default = settings.CACHES["default"]
    return InRedis(default["LOCATION"]) if "redis" in default["BACKEND"].lower() else InThisProcess()
