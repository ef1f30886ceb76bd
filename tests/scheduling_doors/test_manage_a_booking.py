"""With the link of their mail a customer sees, moves and cancels their own appointment, from any browser."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from accounts.models import Tenant
from audit.models import Event
from governance import people
from scheduling import bookings, weeks
from scheduling.bookings import Booked, Customer
from scheduling.models import Appointment, Service
from tests.factories.scheduling import make_booking, on
from tests.scheduling_doors.conftest import starts_in


@pytest.fixture
def booked(service: Service, day: date) -> Booked:
    """Vera comes at ten in three days."""
    return make_booking(service, start=on(day, "10:00"), at=timezone.now(), note="By the window")


@pytest.fixture
def address(booked: Booked) -> str:
    return f"/b/{booked.token}/"


def state(booked: Booked) -> tuple[Any, ...]:
    row = Appointment.objects.get(pk=booked.appointment.pk)
    return row.status, row.starts_at, row.version, row.sequence


def test_the_page_says_what_was_booked_and_changes_nothing(booked: Booked, address: str) -> None:
    before = state(booked)
    for path in ("", "cancel/", "reschedule/", "calendar.ics"):
        answer = Client(enforce_csrf_checks=True).get(address + path)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert not answer.cookies
    assert state(booked) == before
    page = Client().get(address).content.decode()
    assert "By the window" in page
    assert booked.appointment.ical_uid[:8].upper() in page


def test_nothing_about_the_person_is_shown_to_whoever_has_the_link(service: Service, day: date) -> None:
    """A stranger who types somebody's name and e-mail gets a link, and must not learn the rest."""
    people.recognise(name="Vera Visitor", email="vera@visitor.example", phone="+34600999888", at=timezone.now())
    stranger = Customer("Vera Visitor", "vera@visitor.example")
    booked = make_booking(service, start=on(day, "11:00"), at=timezone.now(), customer=stranger)
    page = Client().get(f"/b/{booked.token}/").content.decode()
    assert "999888" not in page.replace(" ", "")
    assert "vera@visitor.example" not in page


@pytest.mark.parametrize("path", ["", "cancel/", "reschedule/", "calendar.ics"])
def test_every_wrong_link_gets_the_same_answer(booked: Booked, second_tenant: Tenant, path: str) -> None:
    wrong = ["x", "A" * 22, booked.token[:-1], booked.token + "A", booked.token.swapcase(), "%00", "é" * 22, "x" * 3000]
    answers = [Client().get(f"/b/{token}/{path}") for token in wrong]
    answers.append(Client(headers={"host": "second.testserver"}).get(f"/b/{booked.token}/{path}"))
    assert {answer.status_code for answer in answers} == {404}
    bodies = {re.sub(r'href="[^"]*"', "", answer.content.decode()) for answer in answers[:-1]}
    assert len(bodies) == 1


def test_a_hold_has_no_link(service: Service, day: date) -> None:
    held = bookings.hold(service, start=on(day, "12:00"), by=None, at=timezone.now())
    assert Client().get(f"/b/{held.hold_token}/").status_code == 404


def test_cancelling_asks_once_more_and_then_cancels(booked: Booked, address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post(f"{address}cancel/", {"reason": "A cold"})
    assert (answer.status_code, answer["Location"]) == (303, address)
    row = Appointment.objects.get()
    assert (row.status, row.close_reason, row.sequence) == ("cancelled", "A cold", 1)
    page = browser.get(address).content.decode()
    assert "Your appointment is cancelled" in page
    assert "Cancel the appointment" not in page
    assert "/book/consultation/" in page


def test_the_ledger_names_the_customer_who_brought_the_link(booked: Booked, address: str, day: date) -> None:
    customer = str(booked.appointment.customer_id)
    Client().post(f"{address}reschedule/", {"start": weeks.value(on(day, "12:00"))})
    Client().post(f"{address}cancel/", {"reason": ""})
    for act in ("rescheduled", "cancelled"):
        event = Event.objects.get(action=f"scheduling.appointment.{act}")
        assert (event.actor_kind, event.actor_id, event.door) == ("customer", customer, "web")


def test_cancelling_twice_says_that_it_is_over(booked: Booked, address: str) -> None:
    Client().post(f"{address}cancel/")
    again = Client().post(f"{address}cancel/")
    assert again.status_code == 409
    assert "already over or was cancelled" in again.content.decode()
    assert Appointment.objects.get().sequence == 1


def test_within_the_notice_the_page_says_to_call(service: Service, booked: Booked, address: str) -> None:
    Service.objects.update(cancel_notice_minutes=10 * 1440, reschedule_notice_minutes=10 * 1440)
    page = Client().get(address).content.decode()
    assert "too close to the appointment" in page
    assert f"{address}cancel/" not in page
    refused = Client().post(f"{address}cancel/")
    assert refused.status_code == 409
    assert "too late" in refused.content.decode()
    moved = Client().post(
        f"{address}reschedule/", {"start": weeks.value(booked.appointment.starts_at + timedelta(days=1))}
    )
    assert moved.status_code == 409
    assert Appointment.objects.get().status == "confirmed"


def test_a_reason_with_line_breaks_is_refused_kindly(booked: Booked, address: str) -> None:
    answer = Client().post(f"{address}cancel/", {"reason": "a\r\nBcc: b@c.example"})
    assert answer.status_code == 422
    assert Appointment.objects.get().status == "confirmed"


def test_moving_to_another_opening(booked: Booked, address: str, day: date) -> None:
    page = Client().get(f"{address}reschedule/", {"from": day.isoformat()}).content.decode()
    offered = starts_in(page)
    assert weeks.value(booked.appointment.starts_at) not in offered
    answer = Client(enforce_csrf_checks=True).post(f"{address}reschedule/", {"start": offered[0]})
    assert (answer.status_code, answer["Location"]) == (303, address)
    row = Appointment.objects.get()
    assert (weeks.value(row.starts_at), row.status, row.sequence) == (offered[0], "confirmed", 1)


def test_moving_to_a_taken_time_keeps_the_old_one(service: Service, booked: Booked, address: str, day: date) -> None:
    make_booking(service, start=on(day, "12:00"), at=timezone.now())
    before = state(booked)
    answer = Client().post(f"{address}reschedule/", {"start": weeks.value(on(day, "12:00"))})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This time has just been taken." in page
    assert page.count("nearest free times") >= 1
    assert state(booked) == before


@pytest.mark.parametrize(
    "start", ["", "soon", "2026-13-40T99:99Z", "9999-12-31T23:59Z", "2020-01-01T10:00Z", "\0", "x" * 9999]
)
def test_moving_to_nonsense_is_refused(booked: Booked, address: str, start: str) -> None:
    before = state(booked)
    assert Client().post(f"{address}reschedule/", {"start": start}).status_code == 422
    assert state(booked) == before


def test_a_cancelled_one_cannot_be_moved(booked: Booked, address: str, day: date) -> None:
    Client().post(f"{address}cancel/")
    assert Client().post(f"{address}reschedule/", {"start": weeks.value(on(day, "12:00"))}).status_code == 409
    assert "cancelled" in Client().get(f"{address}reschedule/").content.decode()


def test_the_calendar_file_reads_back(booked: Booked, address: str) -> None:
    answer = Client().get(f"{address}calendar.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    calendar = Calendar.from_ical(answer.content)
    [event] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "PUBLISH"
    assert (event["UID"], event.decoded("DTSTART"), event["STATUS"]) == (
        booked.appointment.ical_uid,
        booked.appointment.starts_at,
        "CONFIRMED",
    )
    assert "ATTENDEE" not in event
    Client().post(f"{address}cancel/")
    [event] = Calendar.from_ical(Client().get(f"{address}calendar.ics").content).walk("VEVENT")
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)


def test_a_past_appointment_is_over(service: Service, day: date) -> None:
    old = timezone.now() - timedelta(days=9)
    booked = make_booking(service, start=on(old.date() + timedelta(days=1), "10:00"), at=old)
    page = Client().get(f"/b/{booked.token}/").content.decode()
    assert "Your appointment is over" in page
    assert Client().post(f"/b/{booked.token}/cancel/").status_code == 409


def test_only_the_right_methods_are_answered(address: str) -> None:
    for path in ("", "calendar.ics"):
        assert Client().post(address + path).status_code == 405
    for path in ("cancel/", "reschedule/"):
        assert Client().delete(address + path).status_code == 405


def test_the_page_costs_the_same_with_one_and_three_bookings(
    service: Service, booked: Booked, address: str, day: date, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    Client().get(address)
    for hour in ("11:00", "12:00"):
        make_booking(service, start=on(day, hour), at=timezone.now())
    with django_assert_max_num_queries(3):
        Client().get(address)
