"""What is measured over HTTP, under the same server, workers and client as the floor."""

import http.cookiejar
import itertools
import json
import re
import statistics
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.utils import timezone

from verso.operations.bench import client
from verso.operations.bench.figures import Figure, at_least, at_most, timed

HOST = "bench-0.localhost"
CSRF = "b" * 32
PASSWORD = "four unrelated quiet words"  # nosec B105 - of seeded people on a scratch database
MEMBER = "visitor@bench.example"


TURNS, SECONDS = 12, 0.7


def in_turn(asked: dict[str, tuple[int, bytes]]) -> dict[str, list[client.Load]]:
    """Short bursts of each (a port and a request), over and over, so that the machine's moods hit all alike.

    Nobody always goes first: each turn begins with the next. A first burst of each does not count.
    """
    loads: dict[str, list[client.Load]] = {name: [] for name in asked}
    for port, request in asked.values():
        client.burst(port, itertools.repeat(request).__next__, seconds=2)
    names = list(asked)
    for turn in range(TURNS):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            port, request = asked[name]
            loads[name].append(client.burst(port, itertools.repeat(request).__next__, seconds=SECONDS))
    return loads


def openings(port: int, floor_port: int, provider: str) -> Iterator[Figure]:
    """A week of ten providers, and a day of one, as shares of the rate of the constant view beside them."""
    on = (timezone.now() + timedelta(days=20)).date()
    week = f"/book/service-0/openings.json?from={on}&to={on + timedelta(days=6)}&tz=UTC&with=any"
    day = f"/book/service-0/openings.json?from={on}&to={on}&tz=UTC&with={provider}"
    loads = in_turn(
        {
            "floor": (floor_port, client.get("/", HOST)),
            "week": (port, client.get(week, HOST)),
            "day": (port, client.get(day, HOST)),
        }
    )
    yield Figure("floor: a constant view, bare Django", f"{_rate(loads['floor']):.0f}/s")
    yield _share("openings: a week, 10 providers / floor", loads["week"], loads["floor"], 0.10)
    yield _share("openings: a day, 1 provider / floor", loads["day"], loads["floor"], 0.15)


def _rate(loads: list[client.Load]) -> float:
    return statistics.median(load.rate for load in loads)


def _share(what: str, loads: list[client.Load], floor: list[client.Load], bound: float) -> Figure:
    """The median of the turns' ratios."""
    statuses = sum((load.statuses for load in loads), Counter[int]())
    if set(statuses) != {200}:
        return Figure(what, str(dict(statuses)), f">= {bound}", reached=False)
    share = statistics.median(load.rate / base.rate for load, base in zip(loads, floor, strict=True))
    return at_least(what, share, bound, f"  ({_rate(loads):.0f}/s)")


def starts(port: int, days: int, after: int = 0) -> list[str]:
    """The free starts of the next days, each once per provider who is free."""
    found: list[str] = []
    first = (timezone.now() + timedelta(days=after)).date()
    for offset in range(0, days, 60):
        lo = first + timedelta(days=offset)
        query = f"from={lo}&to={lo + timedelta(days=59)}&tz=UTC&with=any"
        url = f"http://127.0.0.1:{port}/book/service-0/openings.json?{query}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": HOST})) as answer:  # nosec B310 - loopback
            found += [one["start"] for one in json.load(answer)["openings"] for _who in one["with"]]
    return found


def booking(start: str, number: int, with_: str = "any") -> bytes:
    """One visitor's POST."""
    form = {
        "csrfmiddlewaretoken": CSRF,
        "start": start,
        "with": with_,
        "name": f"Person {number}",
        "email": f"person-{number}@bench.example",
        "phone": "",
        "timezone": "UTC",
        "note": "",
        "accept_terms": "on",
        "request_id": f"00000000-0000-4000-8000-{number:012d}",
    }
    return client.post("/book/service-0/", HOST, urllib.parse.urlencode(form), f"csrftoken={CSRF}")


def bookings(port: int) -> client.Load:
    """Bookings as fast as two workers take them, each of an opening of its own."""
    requests = _bookings(starts(port, 300, after=2))
    client.burst(port, lambda: next(requests, None), seconds=2)
    return client.burst(port, lambda: next(requests, None), seconds=6)


def _bookings(free: list[str]) -> Iterator[bytes]:
    return (booking(start, number) for number, start in zip(itertools.count(1), free, strict=False))


def race(port: int, start: str, provider: str) -> Figure:
    """Fifty at once for the one opening of one provider."""
    requests = iter([booking(start, 900_000 + number, provider) for number in range(50)])
    load = client.burst(port, lambda: next(requests, None), connections=50, seconds=30)
    met = ", ".join(f"{times} x {status}" for status, times in sorted(load.statuses.items()))
    won = load.statuses[303] == 1 and load.statuses[409] == 49 and load.seconds < 3
    return Figure(
        "booking: fifty at once for one opening", f"{met}, {load.seconds:.2f} s", "1 x 303, 49 x 409, < 3 s", won
    )


def sign_in(port: int, hash_once: Callable[[], object]) -> Figure:
    """p95 of the POST that checks a password and opens a session, beyond that of the hashing itself.

    Turn by turn, so that the machine's moods hit both alike.
    """
    _sign_in(port)
    turns = [(_sign_in(port), timed(hash_once)) for _turn in range(60)]
    p95, hashing = (statistics.quantiles(spent, n=20)[-1] for spent in zip(*turns, strict=True))
    return at_most("sign-in: p95 beyond hashing", (p95 - hashing) * 1000, 25, " ms")


def _sign_in(port: int) -> float:
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), _Stay())
    page, host = f"http://127.0.0.1:{port}/account/login/", {"Host": HOST}
    with opener.open(urllib.request.Request(page, headers=host)) as answer:
        hidden = dict(
            re.findall(r'name="(csrfmiddlewaretoken|[\w-]*current_step)" value="([^"]*)"', answer.read().decode())
        )
    form = {**hidden, "auth-username": MEMBER, "auth-password": PASSWORD}
    data = urllib.parse.urlencode(form).encode()
    started = time.perf_counter()
    with opener.open(urllib.request.Request(page, data, host)) as answer:
        if answer.status != 302:
            raise RuntimeError(f"Signing in answered {answer.status}.")
    return time.perf_counter() - started


class _Stay(urllib.request.HTTPRedirectHandler):
    """Do not follow a redirect: hand it back."""

    def http_error_302(self, req, fp, code, msg, headers):  # type: ignore[no-untyped-def]
        return fp
