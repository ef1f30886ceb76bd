"""Server-side sessions in the shared cache. A store that is down closes the door instead of losing the visitor."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.utils.crypto import get_random_string
from redis.exceptions import RedisError

Act = TypeVar("Act", bound=Callable[..., Any])


class StoreDown(RuntimeError):
    """Sessions cannot be read or written at this moment."""


def _closing(act: Act) -> Act:
    @wraps(act)
    def closed(*args: Any, **kwargs: Any) -> Any:
        try:
            return act(*args, **kwargs)
        except RedisError as down:
            raise StoreDown from down

    return closed  # type: ignore[return-value]


class SessionStore(CacheStore):
    """Django's cache sessions, but a failing cache raises `StoreDown` instead of passing for an empty session."""

    @_closing
    def load(self) -> dict[str, Any]:
        """The stored session, or a fresh empty one when there is none under this key."""
        data = self._cache.get(self.cache_key)  # type: ignore[attr-defined]
        if data is not None:
            return dict(data)
        self._session_key = None
        return {}

    def _get_new_session_key(self) -> str:
        """A random key. Whether somebody has it already is decided where it is taken: `create` adds, or tries again."""
        return get_random_string(32, VALID_KEY_CHARS)

    save = _closing(CacheStore.save)
    create = _closing(CacheStore.create)
    exists = _closing(CacheStore.exists)
    delete = _closing(CacheStore.delete)
