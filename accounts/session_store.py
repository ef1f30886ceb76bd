"""Server-side sessions in the shared cache. A store that is down closes the door instead of losing the visitor.

A session is stored under a digest of its key and sealed by the key itself, here and in `accounts.session_table`:
whoever reads the store can neither come in with what they find there nor read what a form or a code left in it.
"""

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, CreateError, SessionBase, UpdateError
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.utils.crypto import get_random_string
from redis.exceptions import RedisError

from governance import sealing

PURPOSE = b"verso/accounts/session"
NO_KEY_OF_OURS = UUID(int=0)

Act = TypeVar("Act", bound=Callable[..., Any])


class StoreDown(RuntimeError):
    """Sessions cannot be read or written at this moment."""


def digest(key: str) -> str:
    """What stands for a session's key wherever something is kept about it. Keys are random: no salt is needed."""
    return sha256(key.encode()).hexdigest()


def _cipher(key: str | None) -> AESGCM:
    """Only the browser that brings the key opens what lies under it."""
    return sealing.cipher(sealing.derive((key or "").encode(), PURPOSE))


class Sealed(SessionBase):
    """What a session holds, as text that only its key opens. What does not open is an empty session."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Sealed for this session."""
        plain = self.serializer().dumps(session_dict)
        with_cipher = _cipher(self._get_or_create_session_key())  # type: ignore[attr-defined]
        sealed = sealing.seal(with_cipher, plain, key_id=NO_KEY_OF_OURS, generation=1, place=PURPOSE)
        return base64.b64encode(sealed).decode()

    def decode(self, session_data: Any) -> dict[str, Any]:
        """The opened session."""
        try:
            sealed = base64.b64decode(session_data, validate=True)
            plain = sealing.unseal(_cipher(self.session_key), sealed, place=PURPOSE)
        except (sealing.Unopenable, binascii.Error, TypeError, ValueError):
            return {}
        return dict(self.serializer().loads(plain))


def _closing(act: Act) -> Act:
    @wraps(act)
    def closed(*args: Any, **kwargs: Any) -> Any:
        try:
            return act(*args, **kwargs)
        except RedisError as down:
            raise StoreDown from down

    return closed  # type: ignore[return-value]


class SessionStore(Sealed, CacheStore):
    """Django's cache sessions under digests; a failing cache raises `StoreDown` instead of passing for an empty one."""

    @property
    def cache_key(self) -> str:
        """Where this session lies."""
        return self.cache_key_prefix + digest(self._get_or_create_session_key())  # type: ignore[attr-defined]

    @_closing
    def load(self) -> dict[str, Any]:
        """The stored session, or a fresh empty one when there is none under this key."""
        kept = self._cache.get(self.cache_key)  # type: ignore[attr-defined]
        if kept is not None:
            return self.decode(kept)
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

    @_closing
    def save(self, must_create: bool = False) -> None:
        """Keep it. Refuses with `CreateError` a key that is taken, with `UpdateError` a session ended meanwhile."""
        if self.session_key is None:
            return self.create()
        if not must_create and self._cache.get(self.cache_key) is None:  # type: ignore[attr-defined]
            raise UpdateError
        keep = self._cache.add if must_create else self._cache.set  # type: ignore[attr-defined]
        sealed = self.encode(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        if not keep(self.cache_key, sealed, self.get_expiry_age()) and must_create:
            raise CreateError
        return None

    create = _closing(CacheStore.create)
