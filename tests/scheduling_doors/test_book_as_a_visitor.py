"""A visitor chooses a service and a time, gives their details, and has an appointment."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Tenant
from scheduling import weeks
from scheduling.models import Appointment, Service
from tests.factories.scheduling import make_service

FORM = {
    "with": "any",
    "name": "Vera Visitor",
    "email": "vera@visitor.example",
    "phone": "+34 600 000 001",
    "timezone": "Europe/Madrid",
    "note": "By the window, please",
    "accept_terms": "on",
}


@pytest.fixture
def service(tenant: Tenant) -> Service:
    return make_service(tenant, providers=2, slug="consultation", name="Consultation")


@pytest.fixture
def start(service: Service) -> str:
    """The second opening three days from now."""
    day = timezone.now().date() + timedelta(days=3)
    page = Client().get(f"/book/consultation/?from={day}&tz=Europe/Madrid").content.decode()
    return re.findall(r'name="start" required value="([^"]+)"', page)[1]


def typed(start: str, **changes: str) -> dict[str, str]:
    return {**FORM, "start": start, "request_id": f"request-{start}", **changes}


def test_the_services_are_listed_to_read_and_to_choose(service: Service, client: Client) -> None:
    for address in ("/services/", "/book/"):
        page = client.get(address)
        assert page.status_code == 200
        assert 'href="/book/consultation/"' in page.content.decode()
        assert not page.cookies


def test_from_the_list_to_the_appointment(service: Service, start: str, client: Client) -> None:
    details = client.get("/book/consultation/details/", {"start": start, "with": "any", "tz": "Europe/Madrid"})
    assert details.status_code == 200
    assert "kept for you until" in details.content.decode()
    assert set(details.cookies) == {"hold", "csrftoken"}
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', details.content.decode()))
    booked = client.post("/book/consultation/", {**FORM, **{k: unescape(v) for k, v in fields.items()}})
    assert booked.status_code == 303
    assert re.fullmatch(r"/b/[\w-]{22}/", booked["Location"])
    page = client.get(booked["Location"])
    assert page.status_code == 200
    appointment = Appointment.objects.get()
    assert appointment.status == "confirmed"
    assert weeks.value(appointment.starts_at) == start
    assert mail.outbox == []
