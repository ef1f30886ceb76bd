"""The secret in a customer's manage link.

The token is an HMAC (128 bits of it) under a key held outside the database, over the appointment's id and a generation
number; the database keeps the token's SHA-256 only. So a mail can be written again from the appointment alone, and a
dump of the database opens no booking. Raising the generation retires every older link.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from uuid import UUID

from django.conf import settings

_SALT = b"scheduling.manage-link.v1"


def token(appointment_id: UUID, generation: int, secret: str = "") -> str:  # nosec B107 - empty means SECRET_KEY
    """The token of one generation: 22 URL-safe characters."""
    key = hmac.digest((secret or settings.SECRET_KEY).encode(), _SALT, "sha256")
    mac = hmac.digest(key, appointment_id.bytes + generation.to_bytes(4, "big"), "sha256")
    return base64.urlsafe_b64encode(mac[:16]).rstrip(b"=").decode()


def tokens(appointment_id: UUID, generation: int) -> Iterator[str]:
    """The token under the present secret, then under each retired one that is still honoured."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield token(appointment_id, generation, secret)


def digest(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
