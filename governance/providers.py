"""Who holds the key-encryption keys. `file` keeps them in one file, mode 0600, outside the database.

A provider wraps and unwraps the tenants' keys and gives out process secrets that must not lie in the database.
"""

import base64
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID, uuid4

from django.core.exceptions import ImproperlyConfigured

from governance import conf, sealing


class Wrapped(NamedTuple):
    """A key under a key-encryption key, and which version of that key wrapped it."""

    blob: bytes
    version: str


class Provider(Protocol):
    """Wraps keys for a context (tenant, subject, purpose) and opens them for that same context only."""

    name: str

    def wrap(self, dek: bytes, context: Mapping[str, str]) -> Wrapped:
        """The key, wrapped under the newest key-encryption key."""

    def unwrap(self, blob: bytes, context: Mapping[str, str]) -> bytes:
        """The key again. Refuses with `sealing.Unopenable`."""

    def rewrap(self, blob: bytes, context: Mapping[str, str]) -> Wrapped:
        """The same key under the newest key-encryption key."""

    def secret(self, name: str) -> bytes:
        """32 bytes for one purpose of this installation, the same in every process, never in the database."""


def _place(context: Mapping[str, str]) -> bytes:
    return sealing.bind(*(part for item in sorted(context.items()) for part in item))


class FileProvider:
    """Key-encryption keys in a JSON file made on first run. Refuses a file that others may read."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path
        held = _read_or_make(path)
        self._root = base64.b64decode(held["root"])
        self._keys = {UUID(key["id"]): (key["version"], base64.b64decode(key["key"])) for key in held["keys"]}
        self._newest = max(self._keys, key=lambda key_id: self._keys[key_id][0])

    def wrap(self, dek: bytes, context: Mapping[str, str]) -> Wrapped:
        version, key = self._keys[self._newest]
        blob = sealing.seal(sealing.cipher(key), dek, key_id=self._newest, generation=version, place=_place(context))
        return Wrapped(blob, str(version))

    def unwrap(self, blob: bytes, context: Mapping[str, str]) -> bytes:
        try:
            _, key = self._keys[sealing.Header.read(blob).key_id]
        except KeyError as error:
            raise sealing.Unopenable(f"{self._path.name} does not hold the key this was wrapped under") from error
        return sealing.unseal(sealing.cipher(key), blob, place=_place(context))

    def rewrap(self, blob: bytes, context: Mapping[str, str]) -> Wrapped:
        return self.wrap(self.unwrap(blob, context), context)

    def secret(self, name: str) -> bytes:
        return sealing.derive(self._root, name.encode())


def _fresh() -> dict[str, Any]:
    key = {"id": str(uuid4()), "version": 1, "key": base64.b64encode(sealing.new_key()).decode()}
    return {"format": 1, "root": base64.b64encode(sealing.new_key()).decode(), "keys": [key]}


def _make(path: Path) -> None:
    """Write a new key file in one step, so that processes that start together agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, scratch = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    with os.fdopen(handle, "w") as draft:
        json.dump(_fresh(), draft)
        draft.flush()
        os.fsync(draft.fileno())
    try:
        os.link(scratch, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        os.unlink(scratch)


def readable_by_others(path: Path) -> bool:
    """Whether anybody but the owner may open the file."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _read_or_make(path: Path) -> dict[str, Any]:
    if not path.exists():
        _make(path)
    if readable_by_others(path):
        raise ImproperlyConfigured(f"{path} holds the keys and others may read it: chmod 600 {path}")
    held: dict[str, Any] = json.loads(path.read_text())
    return held


NAMES = ("file",)


@lru_cache(maxsize=8)
def _file_provider(path: Path) -> FileProvider:
    return FileProvider(path)


def current() -> Provider:
    """The provider named by KEY_PROVIDER. Refuses names that nothing stands behind."""
    name = conf.get("KEY_PROVIDER")
    if name not in NAMES:
        raise ImproperlyConfigured(f"KEY_PROVIDER={name!r} is not available here. Choose one of: {', '.join(NAMES)}.")
    return _file_provider(conf.key_file())
