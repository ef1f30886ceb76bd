"""Messages as visitors send them."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from cms import messages
from cms.models import ContactMessage

WORDS = "Do you have room for a wheelchair in the small treatment room?"


def receive_message(
    text: str = WORDS, *, request_id: UUID | None = None, at: datetime | None = None, **typed: Any
) -> ContactMessage:
    """A visitor's message, received through the verb."""
    given = {"name": "Ada Winter", "email": "ada@example.net", "subject": "A wheelchair", "locale": "en"} | typed
    return messages.receive(text, request_id=request_id or uuid4(), at=at or timezone.now(), **given).message
