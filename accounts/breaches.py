"""Passwords known from breaches: the bundled list, and a range service that is told five hex digits and no more.

`HIBP_URL` names a service that speaks Have I Been Pwned's range protocol (k-anonymity): it is asked for all hashes
that begin with the first five of forty digits, pads its answer, and learns nothing else. Without the setting nobody
is asked. A service that is down or slow holds nobody up: the answer is then `None`, and the bundled list alone speaks.
"""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from urllib.parse import urlsplit

import httpx
import structlog
from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator

from accounts import conf
from audit import breakers

log = structlog.get_logger(__name__)
DESTINATION = "breaches"
PREFIX = 5
HEADERS = {"Add-Padding": "true", "User-Agent": "Verso"}


class Unanswered(RuntimeError):
    """The range service gave no usable answer in time."""


def is_asked() -> bool:
    """Whether a range service is configured."""
    return bool(settings.HIBP_URL)


def is_known(password: str) -> bool | None:
    """Whether a breach holds this password, by the range service; None when it cannot be asked or does not answer."""
    if not is_asked():
        return None
    digest = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
    try:
        return digest[PREFIX:] in breakers.call(DESTINATION, _range, digest[:PREFIX])
    except (Unanswered, breakers.Open) as silent:
        log.warning("breaches.unanswered", error=type(silent).__name__)
        return None


def is_common(password: str) -> bool:
    """Whether the bundled list of some 20,000 passwords holds it, as typed or dressed up a little."""
    word = password.casefold().strip()
    return any(form in _bundled() for form in (word, _undressed(word), _once(word), _once(_undressed(word))) if form)


def _undressed(word: str) -> str:
    """Without the digits and signs people put around a word."""
    return word.strip("0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ")


def _once(word: str) -> str:
    """`abcabcabc` as `abc`: a word said over and over is that word."""
    period = (word + word).find(word, 1)
    return word[:period] if 0 < period < len(word) else word


@cache
def _bundled() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def _range(prefix: str) -> frozenset[str]:
    """The rest of every known hash that begins so. Refuses with `Unanswered` after `BREACH_SECONDS`, come what may."""
    try:
        return _others().submit(_fetch, _address(prefix)).result(timeout=conf.BREACH_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise Unanswered(type(error).__name__) from error


def _address(prefix: str) -> str:
    base = settings.HIBP_URL.rstrip("/")
    return f"{base}/{prefix}" if urlsplit(base).path else f"{base}/range/{prefix}"


def _fetch(address: str) -> frozenset[str]:
    """Read one answer. httpx counts each wait by itself, so a drip could last: whoever asked has left by then."""
    deadline = time.monotonic() + 2 * conf.BREACH_SECONDS
    client = httpx.Client(timeout=conf.BREACH_SECONDS, headers=HEADERS, follow_redirects=False, trust_env=False)
    with client, client.stream("GET", address) as response:
        if response.status_code != httpx.codes.OK:
            raise Unanswered(f"status {response.status_code}")
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > conf.BREACH_BYTES or time.monotonic() > deadline:
                raise ValueError("more than a range answer holds, or slower than anybody waits")
    lines = (line.partition(":") for line in body.decode("ascii").splitlines())
    return frozenset(suffix.strip().upper() for suffix, _colon, count in lines if int(count or 0) > 0)


@cache
def _others() -> ThreadPoolExecutor:
    """Threads that wait for the service, so that who signs in need not wait longer than promised."""
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="breaches")
