"""A visitor books a time."""

from datetime import timedelta

import pytest

from accounts.models import Tenant
from audit.models import Event, OutboxMessage
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import VERA, make_booking, make_service, morning, providers_of

pytestmark = pytest.mark.django_db


def test_it_stands_with_its_time_its_link_its_entry_and_its_message(tenant: Tenant) -> None:
    service = make_service(tenant, buffer_before_minutes=15, buffer_after_minutes=10)
    ana = providers_of(service)[0]

    booked = make_booking(service, start=morning(), note="A window seat, please.")

    appointment = Appointment.objects.by_token(booked.token).get()
    assert (appointment.status, appointment.starts_at, appointment.ends_at) == (
        "confirmed",
        morning(),
        morning() + timedelta(hours=1),
    )
    assert (appointment.customer.name, appointment.customer.email) == (VERA.name, VERA.email)
    assert (appointment.note, appointment.display_zone, appointment.sequence) == (
        "A window seat, please.",
        "Europe/Madrid",
        0,
    )
    taken = Allocation.objects.get(appointment=appointment)
    assert (taken.bookable, taken.state) == (ana, "confirmed")
    assert (taken.blocked_start, taken.blocked_end) == (
        morning() - timedelta(minutes=15),
        morning() + timedelta(hours=1, minutes=10),
    )
    entry = Event.objects.get(action="scheduling.appointment.booked")
    assert entry.object_id == str(appointment.pk)
    message = OutboxMessage.objects.get()
    assert (message.kind, message.about_id, message.payload) == (
        "scheduling.confirmation",
        str(appointment.pk),
        {"version": 1, "sequence": 0},
    )
