"""Every change of an appointment is told to its customer: in their language and zone, with an invitation."""

from collections.abc import Callable
from datetime import date, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from accounts.models import Tenant
from audit import outbox
from audit.models import OutboxMessage
from governance import people, tenancy
from scheduling import bookings
from scheduling.bookings import Booked, Customer
from scheduling.models import Appointment, Service
from tests.factories.scheduling import make_booking, make_service, on
from tests.scheduling_doors.conftest import deliver


@pytest.fixture
def booked(tenant: Tenant, service: Service, day: date) -> Booked:
    """Vera comes at ten in three days; nobody has told her yet."""
    tenant.name, tenant.contact_email = "Olivar Studio", "hello@olivar.example"
    tenant.save()
    return make_booking(service, start=on(day, "10:00"), at=timezone.now())


def sent(number: int = -1) -> EmailMessage:
    """A mail as the wire carries it, parsed back."""
    raw = mail.outbox[number].message().as_bytes()
    return BytesParser(policy=policy.default).parsebytes(raw)  # type: ignore[arg-type]


def parts(message: EmailMessage) -> dict[str, EmailMessage]:
    return {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}  # type: ignore[misc]


def invitation(message: EmailMessage) -> tuple[str, Calendar]:
    part = parts(message)["text/calendar"]
    calendar = Calendar.from_ical(part.get_content())
    assert part.get_param("method") == calendar["METHOD"]
    return str(calendar["METHOD"]), calendar.walk("VEVENT")[0]


def test_the_confirmation(tenant: Tenant, booked: Booked, day: date) -> None:
    assert deliver().sent == 1
    message, appointment = sent(), booked.appointment
    assert message["To"] == "vera@visitor.example"
    assert str(message["From"]).startswith("Olivar Studio <")
    assert message["Reply-To"] == "hello@olivar.example"
    assert message["Message-ID"] == f"<confirmation.{appointment.ical_uid}.0@testserver>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == f"Confirmed: Consultation on {day:%A}, {day.day} {day:%B %Y} at 10:00"
    assert list(parts(message)) == ["text/plain", "text/html", "text/calendar", "application/ics"]
    link = tenant.url(f"/b/{booked.token}/")
    for kind in ("text/plain", "text/html"):
        words = parts(message)[kind].get_content()
        assert link in words
        assert "Vera Visitor" in words
        assert "10:00–11:00 (Europe/Madrid, UTC+01:00)" in words
    assert "Olivar Studio" in parts(message)["text/html"].get_content()


def test_the_invitation_reads_back(tenant: Tenant, booked: Booked) -> None:
    deliver()
    method, event = invitation(sent())
    appointment = booked.appointment
    assert method == "REQUEST"
    assert event["UID"] == appointment.ical_uid
    assert event["SEQUENCE"] == 0
    assert event.decoded("DTSTART") == appointment.starts_at
    assert event.decoded("DTEND") == appointment.ends_at
    assert event["DTSTART"].to_ical().endswith(b"Z")
    assert (event["ORGANIZER"], event["ORGANIZER"].params["CN"]) == ("mailto:hello@olivar.example", "Olivar Studio")
    assert (event["ATTENDEE"], event["ATTENDEE"].params["CN"]) == ("mailto:vera@visitor.example", "Vera Visitor")
    assert (event["STATUS"], event["SUMMARY"]) == ("CONFIRMED", "Consultation · Olivar Studio")
    assert parts(sent())["text/calendar"].get_param("charset") == "utf-8"
    file = parts(sent())["application/ics"]
    assert file.get_filename() == "appointment.ics"
    assert Calendar.from_ical(file.get_content()).walk("VEVENT")[0]["UID"] == appointment.ical_uid
    assert booked.token not in file.get_content().decode()


def test_moving_raises_the_sequence_and_says_what_was_before(booked: Booked, day: date) -> None:
    deliver()
    bookings.reschedule(booked.appointment, start=on(day, "12:00"), by=None, at=timezone.now())
    assert deliver().sent == 1
    method, event = invitation(sent())
    assert (method, event["UID"], event["SEQUENCE"]) == ("REQUEST", booked.appointment.ical_uid, 1)
    assert event.decoded("DTSTART") == on(day, "12:00")
    words = parts(sent())["text/plain"].get_content()
    assert "before:" in words and "10:00–11:00" in words and "12:00–13:00" in words
    assert sent()["Message-ID"] == f"<change.{booked.appointment.ical_uid}.1@testserver>"


def test_cancelling_takes_it_out_of_their_calendar(booked: Booked) -> None:
    deliver()
    bookings.cancel(booked.appointment, reason="Ana is ill", by=None, at=timezone.now())
    assert deliver().sent == 1
    method, event = invitation(sent())
    assert (method, event["UID"], event["SEQUENCE"], event["STATUS"]) == (
        "CANCEL",
        booked.appointment.ical_uid,
        1,
        "CANCELLED",
    )
    words = parts(sent())["text/plain"].get_content()
    assert "Reason: Ana is ill" in words
    assert booked.token not in words


def test_the_customers_own_reason_is_not_sent_as_ours(tenant: Tenant, booked: Booked) -> None:
    """Whoever books with another's e-mail holds the link, and could otherwise write to them in our name."""
    words = "Your account is locked, see evil.example"
    answer = Client().post(f"/b/{booked.token}/cancel/", {"reason": words})
    assert answer.status_code == 303
    deliver()
    for kind in ("text/plain", "text/html"):
        told = parts(sent())[kind].get_content()
        assert "Your appointment is cancelled." in told
        assert "evil.example" not in told
    assert Appointment.objects.get().close_reason == words


@pytest.mark.parametrize("name", ["Win at evil.example/x", "http://evil.example", "www evil", "a@evil.example"])
def test_a_name_that_could_pass_for_a_link_is_not_sent(service: Service, day: date, name: str) -> None:
    vera = Customer(name, "vera@visitor.example")
    make_booking(service, start=on(day, "10:00"), at=timezone.now(), customer=vera)
    deliver()
    assert "evil" not in str(sent())
    assert "Hello,\n" in parts(sent())["text/plain"].get_content()
    assert invitation(sent())[1]["ATTENDEE"] == "mailto:vera@visitor.example"


def test_news_that_is_no_longer_true_is_not_sent(booked: Booked, day: date) -> None:
    bookings.reschedule(booked.appointment, start=on(day, "12:00"), by=None, at=timezone.now())
    done = deliver()
    assert (done.sent, done.unwanted) == (1, 1)
    assert [str(message.subject).split(":")[0] for message in mail.outbox] == ["Moved"]


def test_booked_and_cancelled_at_once_tells_the_end_only(booked: Booked) -> None:
    bookings.cancel(booked.appointment, reason="", by=None, at=timezone.now())
    assert deliver()[:2] == (1, 1)
    assert [str(message.subject).split(":")[0] for message in mail.outbox] == ["Cancelled"]


def test_a_mail_sent_twice_is_recognisable_as_one(booked: Booked) -> None:
    deliver()
    message = OutboxMessage.objects.get()
    outbox._handlers[message.kind](message)
    first, second = (sent(number)["Message-ID"] for number in (0, 1))
    assert first == second


def test_a_mail_server_that_fails_is_tried_again(booked: Booked, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> int:
        raise OSError("connection refused")

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        assert deliver().postponed == 1
    later = timezone.now() + timedelta(hours=2)
    assert outbox.deliver(at=later).sent == 1
    assert len(mail.outbox) == 1


def test_the_customers_language_and_zone(service: Service, day: date) -> None:
    customer = Customer("Zoë Ünal", "zoe@visitor.example", "", "es")
    make_booking(service, start=on(day, "10:00"), at=timezone.now(), customer=customer, zone="America/New_York")
    deliver()
    message = sent()
    words = parts(message)["text/plain"].get_content()
    assert "04:00–05:00 (America/New_York, UTC-05:00)" in words
    assert 'lang="es"' in parts(message)["text/html"].get_content()


def test_names_cannot_write_headers_or_markup(tenant: Tenant, service: Service, day: date) -> None:
    service.name = "Cut\r\nBcc: all@example.org <script>"
    service.save()
    customer = Customer('"><img src=x>', "vera@visitor.example")
    make_booking(service, start=on(day, "10:00"), at=timezone.now(), customer=customer)
    assert deliver().sent == 1
    message = sent()
    assert message["Bcc"] is None
    page = parts(message)["text/html"].get_content()
    assert "<img" not in page and "<script" not in page
    _method, event = invitation(message)
    assert event["ATTENDEE"] == "mailto:vera@visitor.example"


def test_an_erased_customer_is_left_alone(booked: Booked) -> None:
    person: Any = Appointment.objects.get().customer
    people.erase(person, by=None, at=timezone.now())
    assert deliver().unwanted == 1
    assert mail.outbox == []


def test_another_tenants_mail_is_written_in_its_own_name(booked: Booked, second_tenant: Tenant, day: date) -> None:
    with tenancy.within(second_tenant):
        other = make_booking(make_service(second_tenant), start=on(day, "12:00", "UTC"), at=timezone.now())
    assert deliver().sent == 2
    words = [parts(sent(number))["text/plain"].get_content() for number in (0, 1)]
    assert (booked.token in words[0], other.token in words[0]) == (True, False)
    assert second_tenant.url(f"/b/{other.token}/") in words[1]
    assert str(sent(1)["From"]).startswith("Second <")


def test_the_mail_of_a_booking_by_post(send: Callable[..., Any], typed: dict[str, str]) -> None:
    answer = send(typed)
    deliver()
    assert answer["Location"] in parts(sent())["text/plain"].get_content()
    assert len(mail.outbox) == 1
