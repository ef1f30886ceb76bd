"""A visitor chooses a service and a time, gives their details, and has an appointment."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import Tenant
from scheduling import bookings, weeks
from scheduling.models import Allocation, Appointment, Service
from tests.accounts.proving import proof
from tests.factories.scheduling import make_booking, make_service, on, providers_of
from tests.scheduling_doors.conftest import ADDRESS, hidden_in, starts_in

Send = Callable[..., Any]
DETAILS = f"{ADDRESS}details/"


def test_the_services_are_listed_to_read_and_to_choose(service: Service, client: Client) -> None:
    make_service(service.tenant, slug="hidden", name="Hidden", is_active=False)
    for address in ("/services/", "/book/"):
        page = client.get(address)
        assert page.status_code == 200
        assert re.findall(r'href="(/book/[^"]+/)"', page.content.decode()) == [ADDRESS]
        assert not page.cookies


def test_without_services_the_page_says_so(tenant: Tenant, client: Client) -> None:
    page = client.get("/book/")
    assert page.status_code == 200
    assert "Nothing can be booked online yet" in page.content.decode()


def test_from_the_list_to_the_appointment_with_the_form_as_a_browser_sends_it(
    service: Service, start: str, typed: dict[str, str]
) -> None:
    browser = Client(enforce_csrf_checks=True)
    week = browser.get(ADDRESS, {"from": start[:10], "tz": "Europe/Madrid"})
    assert start in starts_in(week.content.decode())
    assert not week.cookies
    details = browser.get(DETAILS, {"start": start, "with": "any", "tz": "Europe/Madrid"})
    assert details.status_code == 200
    assert "kept for you until" in details.content.decode()
    assert set(details.cookies) == {"hold", "csrftoken"}
    booked = browser.post(ADDRESS, {**typed, **hidden_in(details.content.decode())})
    assert booked.status_code == 303
    assert re.fullmatch(r"/b/[\w-]{22}/", booked["Location"])
    assert booked.cookies["hold"].value == ""
    appointment = Appointment.objects.get()
    assert (appointment.status, weeks.value(appointment.starts_at)) == ("confirmed", start)
    assert (appointment.customer.name, appointment.customer.email) == ("Vera Visitor", "vera@visitor.example")
    assert (appointment.note, appointment.display_zone) == ("By the window, please", "Europe/Madrid")
    page = browser.get(booked["Location"])
    assert page.status_code == 200
    assert "Your appointment is confirmed" in page.content.decode()


def test_booking_works_without_a_hold(typed: dict[str, str], send: Send) -> None:
    assert send(typed).status_code == 303
    assert Appointment.objects.get().status == "confirmed"


def test_a_form_from_another_site_is_refused(service: Service, typed: dict[str, str]) -> None:
    answer = Client(enforce_csrf_checks=True).post(ADDRESS, typed)
    assert answer.status_code == 403
    assert not Appointment.objects.exists()


def test_a_program_that_names_its_request_needs_no_cookie(service: Service, typed: dict[str, str]) -> None:
    program = Client(enforce_csrf_checks=True)
    assert program.post(ADDRESS, typed, headers={"Idempotency-Key": "k"}).status_code == 303


def test_looking_at_the_form_again_keeps_the_same_hold(service: Service, start: str, day: Any) -> None:
    browser = Client()
    for _again in range(3):
        assert browser.get(DETAILS, {"start": start, "with": "any"}).status_code == 200
    assert Appointment.objects.held().count() == 1
    other = weeks.value(on(day, "11:00"))
    assert browser.get(DETAILS, {"start": other, "with": "any"}).status_code == 200
    assert [weeks.value(row.starts_at) for row in Appointment.objects.held()] == [other]


def test_somebody_elses_hold_is_taken_for_others_and_the_form_offers_the_nearest(
    service: Service, start: str, typed: dict[str, str], send: Send
) -> None:
    assert Client().get(DETAILS, {"start": start}).status_code == 200
    late = Client().get(DETAILS, {"start": start})
    assert late.status_code == 409
    near = starts_in(late.content.decode())
    assert len(near) == 5
    assert start not in near
    assert send(typed).status_code == 409
    assert send(typed, start=near[0]).status_code == 303


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u2028", "\x85"])
def test_signs_that_turn_or_break_a_line_are_refused_in_a_name(typed: dict[str, str], send: Send, sign: str) -> None:
    assert send(typed, name=f"Vera {sign}Visitor").status_code == 422
    assert send(typed, name="می\u200cخواهم").status_code == 303


def test_a_taken_time_keeps_what_was_typed_and_offers_five(
    service: Service, start: str, typed: dict[str, str], send: Send
) -> None:
    make_booking(service, start=on(timezone.now().date() + timedelta(days=3), "10:00"), at=timezone.now())
    answer = send(typed, name="Zoë <b>")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This time has just been taken." in page
    assert len(starts_in(page)) == 5
    for kept in (
        'value="Zoë &lt;b&gt;"',
        'value="vera@visitor.example"',
        "By the window, please</textarea>",
        "checked",
    ):
        assert kept in page
    again = send({**typed, "start": starts_in(page)[0]})
    assert again.status_code == 303


def test_what_is_missing_is_said_and_nothing_is_lost(typed: dict[str, str], send: Send) -> None:
    answer = send(typed, email="not an address", accept_terms="")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#id_email"' in page
    assert 'href="#id_accept_terms"' in page
    assert 'value="not an address"' in page
    assert 'aria-invalid="true"' in page
    assert "By the window, please</textarea>" in page
    assert not Appointment.objects.exists()


def test_times_that_are_no_openings_are_refused_with_the_nearest(typed: dict[str, str], send: Send, day: Any) -> None:
    for start in (
        on(day, "10:07"),
        on(day, "03:00"),
        timezone.now() - timedelta(days=1),
        on(day.replace(year=2030), "10:00"),
    ):
        answer = send(typed, start=weeks.value(start))
        assert answer.status_code == 422, start
    assert not Appointment.objects.exists()


def test_the_same_request_twice_is_one_appointment(typed: dict[str, str], send: Send) -> None:
    first, second = send(typed), send(typed)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first["Location"] == second["Location"]
    assert Appointment.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(typed: dict[str, str], send: Send) -> None:
    assert send(typed).status_code == 303
    other = send(typed, name="Somebody Else")
    assert other.status_code == 422
    assert "already sent with other content" in other.content.decode()
    assert Appointment.objects.count() == 1


def test_the_forms_own_key_works_like_the_header(service: Service, typed: dict[str, str]) -> None:
    answers = [Client().post(ADDRESS, typed) for _twice in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0]["Location"] == answers[1]["Location"]


def test_the_provider_asked_for_is_the_provider_booked(tenant: Tenant, typed: dict[str, str], client: Client) -> None:
    pair = make_service(tenant, providers=2, slug="consultation")
    second = providers_of(pair)[1]
    assert client.post(ADDRESS, {**typed, "with": str(second.pk)}).status_code == 303
    assert Allocation.objects.get().bookable == second
    nobody = client.post(ADDRESS, {**typed, "with": "nobody", "request_id": "2"})
    assert nobody.status_code == 422
    assert "does not take bookings" in nobody.content.decode()


def test_a_service_that_is_not_offered_is_not_found(service: Service, typed: dict[str, str], send: Send) -> None:
    service.is_active = False
    service.save()
    assert send(typed).status_code == 404
    assert Client().get(ADDRESS).status_code == 404
    assert Client().get(DETAILS).status_code == 404


def test_the_second_tenants_service_is_not_found(service: Service, second_tenant: Tenant) -> None:
    assert Client(headers={"host": "second.testserver"}).get(ADDRESS).status_code == 404


@override_settings(RATE_LIMITS=True, RATELIMIT_ENABLE=True)
def test_a_race_the_database_cannot_settle_asks_to_try_again(
    typed: dict[str, str], send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crowded(*_args: Any, **_words: Any) -> None:
        raise bookings.Crowded

    monkeypatch.setattr(bookings, "book", crowded)
    answer = send(typed)
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    page = answer.content.decode()
    assert "Many people are booking right now" in page
    assert 'value="vera@visitor.example"' in page


def test_many_bookings_from_one_address_are_slowed_down(typed: dict[str, str], send: Send) -> None:
    answers = [send(typed, email="broken", request_id=str(number)) for number in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {422}
    assert answers[20].status_code == 429
    assert int(answers[20]["Retry-After"]) > 0
    assert "<h1>" in answers[20].content.decode()


def test_whoever_shows_proof_of_work_may_go_on(
    typed: dict[str, str], send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.conf.CHALLENGE_ROUNDS", 3)
    statuses = [send(typed, email="broken", request_id=str(number), altcha=proof()).status_code for number in range(41)]
    assert statuses == [422] * 40 + [429]


def test_a_robot_that_fills_every_field_is_told_so(typed: dict[str, str], send: Send) -> None:
    answer = send(typed, website="https://spam.example")
    assert answer.status_code == 422
    assert "Please leave the field “website” empty" in answer.content.decode()
    assert not Appointment.objects.exists()


def test_the_form_carries_the_proof_and_the_trap(service: Service, start: str, client: Client) -> None:
    page = client.get(DETAILS, {"start": start}).content.decode()
    assert page.count('name="altcha"') == page.count('name="website"') == 1
    assert '<div class="trap" aria-hidden="true">' in page


@override_settings(RATE_LIMITS=True, RATELIMIT_ENABLE=True)
def test_many_holds_from_one_address_are_slowed_down(service: Service, start: str) -> None:
    answers = [Client().get(DETAILS, {"start": start}) for _number in range(61)]
    assert [answer.status_code for answer in answers[:2]] == [200, 409]
    assert answers[60].status_code == 429


@override_settings(RATE_LIMITS=True, RATELIMIT_ENABLE=True)
def test_one_address_cannot_keep_every_time_from_others(tenant: Tenant, service: Service, day: Any) -> None:
    """A stranger without cookies takes a new hold each time: a dozen at most, while a visitor may look at many."""
    days = [day + timedelta(days=ahead) for ahead in range(3)]
    times = [weeks.value(on(one, f"{hour:02d}:00")) for one in days for hour in range(9, 17)]
    greedy = [Client().get(DETAILS, {"start": start}).status_code for start in times]
    assert greedy == [200] * 12 + [429] * 12
    assert Appointment.objects.held().count() == 12
    cache.clear()
    visitor = Client()
    assert {visitor.get(DETAILS, {"start": start}).status_code for start in [*times[12:], *times[12:16]]} == {200}
    assert Appointment.objects.held().count() == 13


def test_a_head_request_holds_nothing(service: Service, start: str, client: Client) -> None:
    assert client.head(DETAILS + f"?start={start}").status_code == 405
    assert not Appointment.objects.exists()
