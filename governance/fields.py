"""Field defaults offered to every app."""

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """A time-ordered random id (RFC 9562 §5.7)."""
    return uuid.UUID(int=_uuid7().int)
