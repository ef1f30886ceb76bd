"""Guesses at passwords and second factors: each takes its places *before* anything is hashed or looked at.

Places are counted for the address, its network, the tenant, and the account: there one bucket for all unknown devices,
which grows slower with each guess, and one for each known device, which no attacker reaches. Whoever is right gets
their places back. Places hold whatever `RATE_LIMITS` says. Without Redis each process counts for itself.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from axes.handlers.cache import AxesCacheHandler
from axes.signals import user_locked_out
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter
from redis.exceptions import RedisError

from accounts import bots, conf, devices, places, signin, throttling
from accounts.models import User, normalise_email
from accounts.session_store import StoreDown
from governance import tenancy

LOCKOUTS = Counter("verso_signin_lockouts_total", "Guesses refused because there was no place for them")


def attempted_email(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Which account an attempt is about, for the lock: the e-mail as typed, in its one spelling."""
    given = credentials or {}
    return normalise_email(str(given.get("username") or given.get("email") or request.POST.get("auth-username", "")))


def _here() -> str:
    return str(tenancy.current_id_or_none())


def lockout_response(request: HttpRequest, *_others: Any) -> HttpResponse:
    """What axes answers while there is no place: the same for accounts that do not exist."""
    return throttling.too_many(request, getattr(request, "seconds_to_wait", int(conf.PLACES_FOR.total_seconds())))


def _device(request: HttpRequest) -> str:
    return request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")


def _comes_from_known_device(request: HttpRequest, email: str) -> bool:
    """Whether the owner of this e-mail came in with this browser before; asks as much for owners who do not exist."""
    if not _device(request):
        return False
    return devices.is_known(request, User.objects.filter(email_key=email).first() or User())


class Buckets(NamedTuple):
    """Whose places a guess at one kind of secret takes."""

    address: places.Fixed
    neighbourhood: places.Fixed
    tenant: places.Fixed
    unknown_device: places.Growing
    known_device: places.Fixed


PASSWORD = Buckets(
    address=places.Fixed("password:address", places=60, quiet=20),
    neighbourhood=places.Fixed("password:neighbourhood", places=300, quiet=100),
    tenant=places.Fixed("password:tenant", quiet=300),
    unknown_device=places.Growing("password:unknown"),
    known_device=places.Fixed("password:known", places=10),
)
# Whoever guesses here has shown a right password: no robot is kept away by a proof any more.
FACTOR = Buckets(
    address=places.Fixed("factor:address", places=60),
    neighbourhood=places.Fixed("factor:neighbourhood", places=300),
    tenant=places.Fixed("factor:tenant"),
    unknown_device=places.Growing("factor:unknown", quiet=0),
    known_device=places.Fixed("factor:known", places=10),
)
LOCKED = "lockouts"


class Try(NamedTuple):
    """One guess: seconds to wait (0: it may be looked at), and what it took."""

    wait: int
    taken: tuple[places.Taken, ...]

    def give_back(self) -> None:
        """It was no guess: the secret was right."""
        for place in self.taken:
            place.give_back()


def take_places(request: HttpRequest, buckets: Buckets, whose: str, *, is_known: bool) -> Try:
    """Take this guess's places, or say how long to wait.

    A known device has a bucket of its own, which nobody without its cookie reaches: an attacker locks nobody out of
    the browser they always use. Refuses with `StoreDown` where nothing can be counted.
    """
    tenant = _here()
    try:
        if is_known:
            place = buckets.known_device.take(tenant, whose, _device(request))
            return Try(place.wait, (place,))
        return _take_as_stranger(request, buckets, tenant, whose)
    except RedisError as down:
        raise StoreDown from down


def _take_as_stranger(request: HttpRequest, buckets: Buckets, tenant: str, whose: str) -> Try:
    taken: list[places.Taken] = []
    for bucket, names in (
        (buckets.address, (str(throttling.address_of(request)),)),
        (buckets.neighbourhood, (throttling.neighbourhood(request),)),
        (buckets.tenant, (tenant,)),
        (buckets.unknown_device, (tenant, whose)),
    ):
        place = bucket.take(*names)
        if place.wait:  # who does not wait goes on using up the places of their address
            return Try(place.wait, ())
        taken.append(place)
    if any(place.asks_proof for place in taken) and not _is_let_through(request):
        taken[-1].give_back()  # nothing will be looked at
        return Try(int(conf.UNPROVED_EVERY.total_seconds()), ())
    return Try(0, tuple(taken))


def _is_let_through(request: HttpRequest) -> bool:
    """Proof of work; or patience, for browsers without scripts."""
    return bots.has_proved(request) or places.once("unproved", throttling.client_ip(request), every=conf.UNPROVED_EVERY)


def factor_wait(request: HttpRequest, user: User) -> int:
    """Take a place for one second factor, in buckets of its own; seconds to wait when there is none."""
    attempt = take_places(request, FACTOR, str(user.pk), is_known=devices.is_known(request, user))
    request.factor_try = attempt  # type: ignore[attr-defined]
    if attempt.wait and note_lockout("factor", str(user.pk), seconds=attempt.wait):
        signin.note_failure(user.email, what="accounts.factor.locked", reason="too many wrong codes")
    return attempt.wait


def factor_right(request: HttpRequest) -> None:
    """The factor was right: its place is free again."""
    attempt: Try | None = request.__dict__.pop("factor_try", None)
    if attempt is not None:
        attempt.give_back()


def note_lockout(kind: str, whose: str, *, seconds: int) -> bool:
    """Count a refusal for the operator's alarm, once for each pause; whether this was the first one of it."""
    LOCKOUTS.inc()
    try:
        first = places.once(f"{kind}:told", _here(), whose, every=max(conf.UNPROVED_EVERY, timedelta(seconds=seconds)))
        if first:
            places.tally(LOCKED, lasts=timedelta(hours=1))
    except RedisError as down:
        raise StoreDown from down
    return first


def lockouts() -> int:
    """How often places were used up in about the last hour, over all tenants."""
    return places.told(LOCKED)


def is_refused(request: HttpRequest) -> bool:
    """Whether this request's password was not looked at for want of a place."""
    attempt: Try | None = request.__dict__.get("password_try")
    return attempt is not None and attempt.wait > 0


def give_back(request: HttpRequest) -> None:
    """The password was right: its attempt was no guess, and its places are free again."""
    attempt: Try | None = request.__dict__.pop("password_try", None)
    if attempt is not None:
        attempt.give_back()


class ReservingHandler(AxesCacheHandler):
    """Axes' part in every sign-in, but each attempt takes its places *before* the password is hashed.

    Stock axes counts afterwards, so of a burst that arrives together every guess is tried; its database handler keeps
    what was posted, passwords included; and one address's guesses lock everybody out who shares the e-mail. This one
    keeps numbers only.
    """

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Take places for this attempt; locked when there was none left."""
        email = attempted_email(request, credentials)
        attempt = take_places(request, PASSWORD, email, is_known=_comes_from_known_device(request, email))
        request.password_try = attempt  # type: ignore[attr-defined]
        request.seconds_to_wait = attempt.wait  # type: ignore[attr-defined]
        return attempt.wait > 0

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Nobody asks: `is_locked` decides."""
        return 0

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        """The places stay taken. A refusal for want of one is told, once for each pause."""
        if request is None or not request.axes_locked_out:  # type: ignore[attr-defined]
            return
        request.axes_credentials = credentials  # type: ignore[attr-defined]
        seconds: int = request.seconds_to_wait  # type: ignore[attr-defined]
        if note_lockout("password", attempted_email(request, credentials), seconds=seconds):
            user_locked_out.send("axes", request=request, username="", ip_address="")

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        """Whoever came in has the places of their own kind of device back, those of other guesses included."""
        tenant, email = _here(), normalise_email(user.email)
        for buckets, whose in ((PASSWORD, email), (FACTOR, str(user.pk))):
            if devices.is_known(request, user):
                buckets.known_device.clear(tenant, whose, _device(request))
            else:
                buckets.unknown_device.clear(tenant, whose)

    def user_logged_out(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        """Changes nothing."""
