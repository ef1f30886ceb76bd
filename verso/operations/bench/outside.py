"""What is measured over HTTP, under the same server, workers and client as the floor."""

import http.cookiejar
import json
import re
import statistics
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

from django.utils import timezone

from verso.operations.bench import client
from verso.operations.bench.figures import Figure, at_least, at_most, timed

HOST = "bench-0.localhost"
CSRF = "b" * 32
PASSWORD = "four unrelated quiet words"  # nosec B105 - of seeded people on a scratch database
MEMBER = "visitor@bench.example"


def warm(port: int, request: bytes) -> client.Load:
    """Two seconds that do not count, then four that do."""
    client.burst(port, lambda: request, seconds=2)
    return client.burst(port, lambda: request)


def floor(port: int) -> client.Load:
    """The constant view."""
    return warm(port, client.get("/", HOST))


def openings(port: int, base: client.Load, provider: str) -> list[Figure]:
    """A week of ten providers, and a day of one, as shares of the floor's rate."""
    on = (timezone.now() + timedelta(days=20)).date()
    week = f"/book/service-0/openings.json?from={on}&to={on + timedelta(days=6)}&tz=UTC&with=any"
    day = f"/book/service-0/openings.json?from={on}&to={on}&tz=UTC&with={provider}"
    return [
        _share("openings: a week, 10 providers / floor", warm(port, client.get(week, HOST)), base, 0.10),
        _share("openings: a day, 1 provider / floor", warm(port, client.get(day, HOST)), base, 0.15),
    ]


def _share(what: str, load: client.Load, base: client.Load, bound: float) -> Figure:
    if set(load.statuses) != {200}:
        return Figure(what, str(dict(load.statuses)), f">= {bound}", reached=False)
    return at_least(what, load.rate / base.rate, bound, f"  ({load.rate:.0f}/s)")


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
    return (booking(start, number) for number, start in zip(count(1), free, strict=False))


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
