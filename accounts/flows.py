"""A sign-in that is on its way through somebody else's pages: kept here, found again by the browser that began it.

The browser holds a random mark in a cookie for ten minutes: a Lax one, since a Strict one does not come back from
another site; and where the answer is a POST (`posted`, SAML), with which a Lax one does not come either, another with
SameSite=None. Neither is worth anything without an answer of the provider. The cache holds, under a digest of the
flow's state (SAML: the question's id), what was begun and by which mark. A flow is spent once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from accounts.session_store import StoreDown
from governance import tenancy

SECONDS = 600
RESULT_SECONDS = 300


class FlowOver(ValidationError):
    """No such flow for this browser: never begun, over, spent, another browser's or another provider's."""

    def __init__(self, why: str) -> None:
        super().__init__(
            _("This sign-in took too long, or was begun in another window. Please begin again."), code="flow_over"
        )
        self.why = why


def new_mark() -> str:
    """256 random bits for the cookie."""
    return secrets.token_urlsafe(32)


def begin(state: str, *, mark: str, provider: str, **content: Any) -> None:
    """Keep what was begun with this state by the browser with this mark. Refuses with `StoreDown`."""
    kept = {"mark": _digest(mark), "provider": provider, **content}
    _told(lambda: cache.set(_key("flow", state), kept, timeout=SECONDS))


def spend(state: str, *, mark: str, provider: str) -> dict[str, Any]:
    """What was begun, this once. Refuses with `FlowOver`; another's attempt does not spend it."""
    key = _key("flow", state)
    kept: dict[str, Any] | None = _told(lambda: cache.get(key)) if state and mark else None
    if kept is None:
        raise FlowOver("unknown state" if mark else "no cookie")
    if not hmac.compare_digest(kept["mark"], _digest(mark)):
        raise FlowOver("another browser")
    if kept["provider"] != provider:
        raise FlowOver("another provider's state")
    if not _told(lambda: cache.delete(key)):  # one of two that come together finds it gone
        raise FlowOver("spent")
    return kept


def keep_result(mark: str, **content: Any) -> str:
    """Keep what came of a flow for the page it is shown on or completed on; answers the handle of it."""
    handle = secrets.token_urlsafe(32)
    kept = {"mark": _digest(mark), **content}
    _told(lambda: cache.set(_key("result", handle), kept, timeout=RESULT_SECONDS))
    return handle


def result(handle: str, *, mark: str, once: bool = False) -> dict[str, Any]:
    """What came of a flow, for the same browser. Refuses with `FlowOver`."""
    key = _key("result", handle)
    kept: dict[str, Any] | None = _told(lambda: cache.get(key)) if handle and mark else None
    if kept is None or not hmac.compare_digest(kept["mark"], _digest(mark)):
        raise FlowOver("unknown result")
    if once and not _told(lambda: cache.delete(key)):
        raise FlowOver("spent")
    return kept


def mark_of(cookies: Mapping[str, str], *, posted: bool = False) -> str:
    """The mark a browser brought; "" when it brought none."""
    return cookies.get(cookie_name(posted=posted), "")


def cookie_name(*, posted: bool = False) -> str:
    """What the cookie with the mark is called."""
    return f"{settings.FLOW_COOKIE_NAME}-posted" if posted else str(settings.FLOW_COOKIE_NAME)


def cookie(*, posted: bool = False) -> dict[str, Any]:
    """How the mark is set, as `set_cookie` takes it. Browsers take SameSite=None from secure cookies only."""
    return {
        "key": cookie_name(posted=posted),
        "max_age": SECONDS,
        "samesite": "None" if posted else "Lax",
        "secure": posted or settings.SESSION_COOKIE_SECURE,
        "httponly": True,
        "path": "/",
    }


def _key(kind: str, name: str) -> str:
    return f"sso:{kind}:{tenancy.current_id()}:{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _told(act: Any) -> Any:
    try:
        return act()
    except RedisError as down:
        raise StoreDown from down
