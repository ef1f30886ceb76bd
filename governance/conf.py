"""Governance's settings, with their defaults."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    # How long a process believes a host, a tenant's row and an unwrapped key before it looks again, in seconds.
    "TENANT_CACHE_SECONDS": 2.0,
    "KEY_CACHE_SECONDS": 300.0,
    "KEY_CACHE_SIZE": 4096,
    # How long a person already loaded may be read before the erase epoch is asked again, in seconds.
    "ERASE_EPOCH_SECONDS": 2.0,
    "KEY_PROVIDER": "file",
    "KEY_FILE": "",
    "KEY_FILE_MAY_LIE_IN_TREE": True,
}


def get(name: str) -> Any:
    """The setting, or its default."""
    return getattr(settings, name, DEFAULTS[name])


def key_file() -> Path:
    """Where the file provider keeps the key-encryption keys."""
    return _path(get("KEY_FILE"), settings.DATA_DIR)


@lru_cache(maxsize=8)
def _path(named: str, data_dir: Path) -> Path:
    return Path(named or data_dir / "keys" / "kek.json")
