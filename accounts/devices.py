"""Browsers somebody came in with before, known by a random cookie of which a digest per user is kept.

Signing in from a browser that is new to an account is told to its owner by mail; `is_known` lets throttling treat a
guess from the owner's own browser apart from everybody else's.
"""

import re
import secrets
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from accounts.models import AuthSession, KnownDevice, User
from audit import context, outbox

if TYPE_CHECKING:
    from django.http import HttpRequest

BYTES = 32
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{43}")


def _cookie(request: "HttpRequest") -> str:
    value = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    return value if WELL_FORMED.fullmatch(value) else ""


def _digest(user: User, value: str) -> str:
    """Salted with the user, so that two accounts used in one browser cannot be told to share it."""
    return sha256(b"verso.device" + user.pk.bytes + value.encode()).hexdigest()


def is_known(request: "HttpRequest", user: User | None) -> bool:
    """Whether this user came in with this browser before, in the active tenant."""
    value = _cookie(request)
    return bool(value and user and KnownDevice.objects.filter(user=user, digest=_digest(user, value)).exists())


def is_hidden(request: "HttpRequest") -> bool:
    """Whether the browser keeps the cookie back: it does on a form sent from another site (SAML's answer)."""
    is_from_elsewhere = request.headers.get("Sec-Fetch-Site") == "cross-site"
    return is_from_elsewhere and request.method == "POST" and request.path.startswith("/sso/")


def recognise(request: "HttpRequest", session: AuthSession, *, is_first: bool, at: datetime) -> bool:
    """Know the browser of a session from now on; whether it is new. A new one is told, but not an account's very first.

    The cookie leaves with the answer: `accounts.middleware` sets what `request.device_cookie` says, for another year.
    """
    user, value = session.user, _cookie(request) or secrets.token_urlsafe(BYTES)
    agent = context.current().user_agent
    with transaction.atomic():
        device, is_new = KnownDevice.objects.get_or_create(
            user=user,
            digest=_digest(user, value),
            defaults={"user_agent": agent, "first_seen_at": at, "last_seen_at": at},
        )
        if not is_new:
            KnownDevice.objects.filter(pk=device.pk).update(user_agent=agent, last_seen_at=at)
        AuthSession.objects.filter(pk=session.pk).update(device=device)
        session.device = device
        if is_new and not is_first:
            outbox.post("accounts.new_device", about=session)
    request.device_cookie = value  # type: ignore[attr-defined]
    return is_new
