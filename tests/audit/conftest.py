"""What the stories of the outbox share: a handler of their own, and a moment."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.conf import settings
from django.utils import timezone

from audit import breakers, outbox
from audit.models import OutboxMessage

# What only PostgreSQL has is told on PostgreSQL only; there is nothing to skip elsewhere.
collect_ignore_glob = [] if "postgresql" in settings.DATABASES["default"]["ENGINE"] else ["test_postgresql_*.py"]


@pytest.fixture
def now() -> datetime:
    """The moment the story happens."""
    return timezone.now()


@pytest.fixture
def told() -> list[OutboxMessage]:
    """What the handler of the story has been told."""
    return []


@pytest.fixture
def handle(told: list[OutboxMessage]) -> Iterator[Callable[..., None]]:
    """`handle(function)` lets a function deliver messages of kind `audit.story`; until then they are just noted."""
    known = dict(outbox._handlers)

    def use(function: outbox.Handler) -> None:
        outbox._handlers["audit.story"] = function

    use(told.append)
    yield use
    outbox._handlers.clear()
    outbox._handlers.update(known)
    breakers.to.cache_clear()
