"""Server-side sessions in the shared cache. A store that is down closes the door instead of losing the visitor.

A session is stored under a digest of its key, here and in `accounts.session_table`: whoever reads the store cannot come
in with what they find there.
"""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any, TypeVar

from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.utils.crypto import get_random_string
from redis.exceptions import RedisError

Act = TypeVar("Act", bound=Callable[..., Any])


class StoreDown(RuntimeError):
    """Sessions cannot be read or written at this moment."""


def digest(key: str) -> str:
    """What stands for a session's key wherever something is kept about it. Keys are random: no salt is needed."""
    return sha256(key.encode()).hexdigest()


def _closing(act: Act) -> Act:
    @wraps(act)
    def closed(*args: Any, **kwargs: Any) -> Any:
        try:
            return act(*args, **kwargs)
        except RedisError as down:
            raise StoreDown from down

    return closed  # type: ignore[return-value]


class SessionStore(CacheStore):
    """Django's cache sessions under digests; a failing cache raises `StoreDown` instead of passing for an empty one."""

    @property
    def cache_key(self) -> str:
        """Where this session lies."""
        return self.cache_key_prefix + digest(self._get_or_create_session_key())  # type: ignore[attr-defined]

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

    @_closing
    def exists(self, session_key: str | None) -> bool:
        """Whether a session lies under this key."""
        return bool(session_key) and super().exists(digest(str(session_key)))

    @_closing
    def delete(self, session_key: str | None = None) -> None:
        """Forget the session under this key, or this one."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest(key))

    save = _closing(CacheStore.save)
    create = _closing(CacheStore.create)
