"""Audit's settings with their defaults, and the two parts named by dotted path: the MAC keys and the cipher.

`AUDIT_MAC_KEYS` names a class without arguments that offers `MacKeys`; `AUDIT_CIPHER` one that offers `Cipher`.
"""

from functools import cache
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.module_loading import import_string

DEFAULT_MAC_KEYS = "audit.conf.SecretKeyRing"


class MacKeys(Protocol):
    """The process keys that authenticate ledger bodies; held outside the database."""

    def current(self) -> tuple[str, bytes]:
        """Id and bytes of the key that new bodies are authenticated with."""

    def find(self, key_id: str) -> bytes | None:
        """The bytes of a key, old or new; None when it is not held here."""


class Cipher(Protocol):
    """Seals personal values under one person's key. Raises on a destroyed key rather than answering text."""

    def seal(self, person_id: str, plaintext: str, aad: bytes) -> str:
        """Ciphertext as text."""

    def open(self, person_id: str, token: str, aad: bytes) -> str:
        """The plaintext again."""


class SecretKeyRing:
    """MAC keys derived from `SECRET_KEY` (and `SECRET_KEY_FALLBACKS`) by HKDF-SHA-256, RFC 5869."""

    def current(self) -> tuple[str, bytes]:
        """Id and bytes of the key derived from the present `SECRET_KEY`."""
        return _derived(settings.SECRET_KEY)

    def find(self, key_id: str) -> bytes | None:
        """The key of that id, while the secret it comes from is still listed."""
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            known_id, key = _derived(secret)
            if known_id == key_id:
                return key
        return None


@cache
def _derived(secret: str) -> tuple[str, bytes]:
    def expand(info: bytes, length: int) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret.encode())

    return "secret-key:" + expand(b"verso/ledger/mac/id/1", 6).hex(), expand(b"verso/ledger/mac/key/1", 32)


@cache
def _part(path: str) -> Any:
    return import_string(path)()


def mac_keys() -> MacKeys:
    """The key ring named by `AUDIT_MAC_KEYS`."""
    keys: MacKeys = _part(getattr(settings, "AUDIT_MAC_KEYS", DEFAULT_MAC_KEYS))
    return keys


def cipher() -> Cipher | None:
    """The cipher named by `AUDIT_CIPHER`; None where nobody provides one, and personal values are then withheld."""
    path = getattr(settings, "AUDIT_CIPHER", "")
    return _part(path) if path else None


def values_permission() -> str:
    """What it takes to see personal values in the ledger opened."""
    return str(getattr(settings, "AUDIT_VALUES_PERMISSION", "audit.view_event"))


def outbox_attempts() -> int:
    """How often a message is tried before it is parked for staff."""
    return int(getattr(settings, "AUDIT_OUTBOX_ATTEMPTS", 10))


def outbox_backoff() -> tuple[int, int]:
    """First and longest pause between two tries, in seconds; each pause doubles the one before."""
    return int(getattr(settings, "AUDIT_OUTBOX_FIRST_PAUSE", 10)), int(
        getattr(settings, "AUDIT_OUTBOX_LONGEST_PAUSE", 3600)
    )


def outbox_lease() -> int:
    """Seconds after which a claimed message nobody finished may be claimed again."""
    return int(getattr(settings, "AUDIT_OUTBOX_LEASE", 300))


def flood_written() -> int:
    """How many alike refusals of strangers of one network are written one by one in a window."""
    return int(getattr(settings, "AUDIT_FLOOD_WRITTEN", 20))


def flood_seconds() -> int:
    """How long such a window is."""
    return int(getattr(settings, "AUDIT_FLOOD_SECONDS", 300))


def breaker_failures() -> int:
    """Failures in a row after which a destination is left alone."""
    return int(getattr(settings, "AUDIT_BREAKER_FAILURES", 5))


def breaker_pause() -> int:
    """Seconds a failing destination is left alone."""
    return int(getattr(settings, "AUDIT_BREAKER_PAUSE", 30))
