"""Places: how many guesses at a secret may be under way or have failed. One is taken *before* anything is hashed.

Counting afterwards lets a burst pass: everything that arrives together is tried. Here each try takes its place with
one atomic step in the shared cache, and a right secret gives back just what it took. Keys are digests of names.
"""

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from django.core.cache import cache

from accounts import conf


@dataclass(frozen=True, slots=True)
class Taken:
    """What one try took: seconds to `wait` (0: go ahead), whether proof is asked for, and what to give back."""

    wait: int = 0
    asks_proof: bool = False
    counted: tuple[str, ...] = ()
    paused: str = ""

    def give_back(self) -> None:
        """The secret was right, or was never looked at: the places are free again."""
        for key in self.counted:
            with suppress(ValueError):  # it ran out
                cache.decr(key)
        if self.paused:
            cache.delete(self.paused)


@dataclass(frozen=True, slots=True)
class Fixed:
    """So many places for a while. Proof is asked for beyond `quiet`; `places=0` asks, and never refuses."""

    name: str
    places: int = 0
    quiet: int = 0
    lasts: timedelta = conf.PLACES_FOR

    def take(self, *whose: str) -> Taken:
        """One place."""
        key, seconds = _key(self.name, *whose), _seconds(self.lasts)
        number = _count(key, seconds)
        full = bool(self.places) and number > self.places
        return Taken(seconds if full else 0, bool(self.quiet) and number > self.quiet, (key,))

    def clear(self, *whose: str) -> None:
        """All places are free again."""
        cache.delete(_key(self.name, *whose))


@dataclass(frozen=True, slots=True)
class Growing:
    """Some places at once, then one at a time with a pause that doubles: 2 s, 4 s … up to fifteen minutes.

    Proof is asked for beyond `quiet`; 0 never asks.
    """

    name: str
    places: int = 5
    quiet: int = 4
    lasts: timedelta = conf.GUESSES_FOR
    first: timedelta = conf.FIRST_PAUSE
    longest: timedelta = conf.LONGEST_PAUSE

    def take(self, *whose: str) -> Taken:
        """One place, or the turn once the last pause is over."""
        key, seconds = _key(self.name, *whose), _seconds(self.lasts)
        number = _count(key, seconds)
        if number < self.places:
            return Taken(0, bool(self.quiet) and number > self.quiet, (key,))
        pause, turns, now, longest = f"{key}:pause", f"{key}:turns", time.time(), _seconds(self.longest)
        if not cache.add(pause, now + longest, timeout=longest):
            return Taken(max(1, ceil(float(cache.get(pause) or now) - now)))
        length = min(_seconds(self.first) * 2 ** (min(_count(turns, seconds), 30) - 1), longest)
        cache.set(pause, now + length, timeout=length)
        cache.touch(key, seconds)
        cache.touch(turns, seconds)
        return Taken(0, bool(self.quiet), (key, turns), pause)

    def clear(self, *whose: str) -> None:
        """All places are free again, and no pause is left."""
        key = _key(self.name, *whose)
        cache.delete_many([key, f"{key}:pause", f"{key}:turns"])


def once(name: str, *whose: str, every: timedelta) -> bool:
    """Whether this has not happened for a while; it has now."""
    return bool(cache.add(_key(name, *whose), 1, timeout=max(1, _seconds(every))))


def tally(name: str, *, lasts: timedelta) -> int:
    """One more of these, counted from the first for as long as said."""
    return _count(_key(name), _seconds(lasts))


def told(name: str) -> int:
    """How many of these there were."""
    return int(cache.get(_key(name)) or 0)


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def _key(name: str, *whose: str) -> str:
    return f"places:{name}:{hashlib.sha256(chr(0).join(whose).encode('utf-8', 'surrogatepass')).hexdigest()}"


def _count(key: str, seconds: int) -> int:
    if cache.add(key, 1, timeout=seconds):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # it ran out between the two
        cache.set(key, 1, timeout=seconds)
        return 1
