"""Who comes is told to those who may read people; others of the staff see that somebody does, and what they lack."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from accounts.permissions import system_role
from governance import people
from governance.models import Person
from scheduling.models import Appointment, Service
from tests.factories import accounts as staff
from tests.factories.cms import receive_message
from tests.factories.scheduling import make_booking, on

LIST = reverse("admin:scheduling_appointment_changelist")
CALENDAR = reverse("admin:scheduling_appointment_calendar")
BOOK = reverse("admin:scheduling_appointment_book")
INBOX = reverse("admin:cms_contactmessage_changelist")
NAMED = re.compile(r"Vera|visitor\.example|600\s?000\s?001", re.I)
LACKS = 'title="Names, e-mails and phone numbers are shown with the permission governance.view_person."'


@pytest.fixture
def booked(service: Service) -> Appointment:
    """Vera comes at ten in three days."""
    day = timezone.now().date() + timedelta(days=3)
    return make_booking(service, start=on(day, "10:00"), at=timezone.now()).appointment


@pytest.fixture
def today(booked: Appointment) -> Appointment:
    """Vera came today."""
    now = timezone.now()
    Appointment.objects.update(starts_at=now, ends_at=now + timedelta(minutes=1))
    booked.refresh_from_db()
    return booked


@pytest.fixture
def temp(service: Service) -> User:
    """Does all the receptionist does, but may not read people."""
    codes = system_role("receptionist").permissions - {"governance.view_person"}
    Role.objects.create(
        key="temp", own_name="Temp", is_system=False, own_permissions=sorted(codes), own_rank=5, own_requires_mfa=True
    )
    return staff.make_member("temp", role="temp")


def page(name: str, appointment: Appointment) -> str:
    return reverse(f"admin:scheduling_appointment_{name}", args=[appointment.pk])


def pages(appointment: Appointment) -> list[str]:
    """Everywhere a customer's name stands."""
    day = appointment.starts_at.date()
    listed = [LIST, f"{CALENDAR}?on={day}", f"{CALENDAR}?view=week&on={day}", page("change", appointment)]
    return [*listed, page("cancel", appointment), page("reschedule", appointment)]


def test_who_may_read_people_reads_them(booked: Appointment, receptionist: User, enter: Callable[..., Client]) -> None:
    desk = enter(receptionist)
    for address in pages(booked):
        shown = desk.get(address).content.decode()
        assert "Vera" in shown and LACKS not in shown, address


@pytest.mark.parametrize("role", ["owner", "manager", "receptionist"])
def test_whoever_works_with_customers_may(role: str) -> None:
    assert "governance.view_person" in system_role(role).permissions


def test_others_see_the_end_of_an_id_and_what_they_lack(
    booked: Appointment, temp: User, enter: Callable[..., Client]
) -> None:
    client = enter(temp)
    for address in pages(booked):
        answer = client.get(address)
        shown = answer.content.decode()
        assert answer.status_code == 200 and not NAMED.search(shown), address
        assert f'<abbr class="withheld" {LACKS}>#{booked.customer.pk.hex[-8:]}</abbr>' in shown, address
    assert client.get(page("change", booked)).content.decode().count(f"{LACKS}>hidden</abbr>") == 2


def test_the_auditor_reads_appointments_without_names(
    today: Appointment, auditor: User, enter: Callable[..., Client]
) -> None:
    reader = enter(auditor)
    for address in (reverse("admin:index"), LIST, page("change", today)):
        shown = reader.get(address).content.decode()
        assert not NAMED.search(shown), address
        assert f"#{today.customer.pk.hex[-8:]}</abbr>" in shown, address


def test_the_auditors_calendar_names_nobody(booked: Appointment, auditor: User, enter: Callable[..., Client]) -> None:
    shown = enter(auditor).get(f"{CALENDAR}?on={booked.starts_at.date()}").content.decode()
    assert f"#{booked.customer.pk.hex[-8:]}</abbr>" in shown and not NAMED.search(shown)


def test_todays_card_names_people_to_those_who_may(
    today: Appointment, receptionist: User, enter: Callable[..., Client]
) -> None:
    assert "Vera" in enter(receptionist).get(reverse("admin:index")).content.decode()


# --- looking for ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["vera", "vera@visitor.example", "+34600000001"])
def test_nobody_is_found_by_those_who_may_not(
    words: str, booked: Appointment, temp: User, receptionist: User, enter: Callable[..., Client]
) -> None:
    may, may_not = enter(receptionist), enter(temp)
    assert may.get(LIST, {"q": words}).context["cl"].result_count == 1
    listed = may_not.get(LIST, {"q": words})
    assert listed.context["cl"].result_count == 0
    assert "needs the permission governance.view_person" in listed.content.decode()
    assert may_not.get(LIST, {"q": booked.ical_uid[:8]}).context["cl"].result_count == 1


def test_the_desk_does_not_offer_to_look(booked: Appointment, temp: User, enter: Callable[..., Client]) -> None:
    day: date = booked.starts_at.date()
    shown = enter(temp).get(f"{BOOK}?service=consultation&start={day}T12:00Z&q=vera").content.decode()
    assert "Looking for customers we know needs the permission governance.view_person." in shown
    assert 'name="q"' not in shown and not NAMED.search(shown)


# --- people and the inbox -------------------------------------------------------------------------------------------
def test_the_inbox_hides_who_wrote(temp: User, receptionist: User, enter: Callable[..., Client]) -> None:
    message = receive_message()
    person, address = message.person, reverse("admin:cms_contactmessage_change", args=[message.pk])
    may, may_not = enter(receptionist), enter(temp)
    for where in (INBOX, address):
        assert person.name in may.get(where).content.decode()
        hidden = may_not.get(where).content.decode()
        assert person.name not in hidden and person.email not in hidden, where
        assert f"{LACKS}>#{person.pk.hex[-8:]}</abbr>" in hidden, where
    assert may.get(INBOX, {"q": person.email}).context["cl"].result_count == 1
    asked = may_not.get(INBOX, {"q": person.email})
    assert (asked.context["cl"].result_count, 'id="searchbar"' in asked.content.decode()) == (0, False)
    assert "mailto:" not in may_not.get(address).content.decode()


def test_the_list_of_people_is_for_those_who_may(booked: Appointment, temp: User, enter: Callable[..., Client]) -> None:
    client, person = enter(temp), Person.objects.get()
    assert temp.has_perm("governance.change_person")
    for address in (
        reverse("admin:governance_person_changelist"),
        reverse("admin:governance_person_change", args=[person.pk]),
    ):
        assert client.get(address).status_code == 403
    client.post(reverse("admin:governance_person_change", args=[person.pk]), {"name": "Somebody Else"})
    assert people.search("vera").get() == person
