"""The outbox: whom to tell, kept in the caller's transaction and delivered afterwards."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

Handler = Callable[[Any], None]
_handlers: dict[str, Handler] = {}


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register what delivers messages of `kind`."""

    def register(deliver: Handler) -> Handler:
        _handlers[kind] = deliver
        return deliver

    return register


def post(
    kind: str,
    *,
    about: models.Model,
    due_at: datetime | None = None,
    key: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Leave a message in the caller's transaction."""
