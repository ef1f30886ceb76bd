"""Staff see the appointments of their own tenant, and change them through the verbs only."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Tenant, User
from scheduling.models import Appointment, Service
from tests.factories.scheduling import make_booking, make_service, on, providers_of


@pytest.fixture
def service(tenant: Tenant) -> Service:
    return make_service(tenant, providers=2, slug="consultation", name="Consultation")


@pytest.fixture
def booked(service: Service) -> Appointment:
    day = timezone.now().date() + timedelta(days=3)
    return make_booking(service, start=on(day, "10:00"), at=timezone.now()).appointment


@pytest.fixture
def desk(receptionist: User, enter: Callable[..., Client]) -> Client:
    return enter(receptionist)


def test_every_page_of_the_desk_opens(desk: Client, booked: Appointment) -> None:
    day = booked.starts_at.date()
    for address in (
        reverse("admin:index"),
        reverse("admin:scheduling_appointment_changelist"),
        reverse("admin:scheduling_appointment_changelist") + "?q=vera",
        reverse("admin:scheduling_appointment_change", args=[booked.pk]),
        reverse("admin:scheduling_appointment_calendar") + f"?on={day}",
        reverse("admin:scheduling_appointment_calendar") + f"?view=week&on={day}",
        reverse("admin:scheduling_appointment_book"),
        reverse("admin:scheduling_appointment_book") + "?service=consultation",
        reverse("admin:scheduling_appointment_book") + f"?service=consultation&start={day}T12:00Z&q=vera",
        reverse("admin:scheduling_appointment_cancel", args=[booked.pk]),
        reverse("admin:scheduling_appointment_reschedule", args=[booked.pk]),
        reverse("admin:scheduling_service_changelist"),
        reverse("admin:scheduling_service_change", args=[booked.service_id]),
        reverse("admin:scheduling_bookable_changelist"),
        reverse("admin:scheduling_bookable_change", args=[providers_of(booked.service)[0].pk]),
        reverse("admin:scheduling_dateoverride_changelist"),
    ):
        answer = desk.get(address)
        assert answer.status_code == 200, address
