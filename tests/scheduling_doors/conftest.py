"""What the stories of the doors share: a service, a time, what a visitor types, and deliveries."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import Tenant
from audit import outbox
from scheduling import weeks
from scheduling.models import Service
from tests.factories.scheduling import make_service, on

ADDRESS = "/book/consultation/"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Limits count from nought in every story."""
    cache.clear()


@pytest.fixture
def service(tenant: Tenant) -> Service:
    """An hour on the hour with one person, every day from nine to five."""
    return make_service(tenant, slug="consultation", name="Consultation")


@pytest.fixture
def day() -> date:
    """Three days from now."""
    return timezone.now().date() + timedelta(days=3)


@pytest.fixture
def start(day: date) -> str:
    """Ten in the morning in Madrid on that day, as the contract writes it."""
    return weeks.value(on(day, "10:00"))


@pytest.fixture
def typed(start: str) -> dict[str, str]:
    """What Vera types."""
    return {
        "start": start,
        "with": "any",
        "name": "Vera Visitor",
        "email": "vera@visitor.example",
        "phone": "+34 600 000 001",
        "timezone": "Europe/Madrid",
        "note": "By the window, please",
        "accept_terms": "on",
        "request_id": "the-request",
    }


@pytest.fixture
def send(service: Service) -> Callable[..., Any]:
    """Book by POST, as a program that names its request; `send(typed, name="")` changes a field."""

    def post(typed: dict[str, str], client: Client | None = None, **changes: Any) -> Any:
        body = {**typed, **changes}
        return (client or Client()).post(ADDRESS, body, headers={"Idempotency-Key": body["request_id"]})

    return post


def deliver() -> Any:
    """Deliver what waits in the outbox."""
    return outbox.deliver(at=timezone.now() + timedelta(seconds=1))


def starts_in(page: str) -> list[str]:
    """The instants offered on a page."""
    return re.findall(r'name="start"[^>]* value="([0-9TZ:-]+)"', page)


def hidden_in(page: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
