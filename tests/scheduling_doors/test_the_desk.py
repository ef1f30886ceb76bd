"""Staff see the appointments of their own tenant, and change them through the verbs only."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import Tenant, User
from audit.models import Event
from governance import people, tenancy
from scheduling import weeks
from scheduling.bookings import Customer
from scheduling.models import Appointment, Service, WeeklyRule
from tests.factories.governance import make_person
from tests.factories.scheduling import make_booking, make_hold, make_service, on, providers_of
from tests.scheduling_doors.conftest import deliver, hidden_in, starts_in

LIST = reverse("admin:scheduling_appointment_changelist")
CALENDAR = reverse("admin:scheduling_appointment_calendar")
BOOK = reverse("admin:scheduling_appointment_book")
Enter = Callable[..., Client]


@pytest.fixture
def booked(service: Service, day: date) -> Appointment:
    """Vera comes at ten in three days."""
    return make_booking(service, start=on(day, "10:00"), at=timezone.now()).appointment


@pytest.fixture
def begun(service: Service) -> Appointment:
    """Vera's appointment began yesterday."""
    old = timezone.now() - timedelta(days=3)
    start = on(old.date() + timedelta(days=2), "10:00")
    return make_booking(service, start=start, at=old).appointment


@pytest.fixture
def desk(receptionist: User, enter: Enter) -> Client:
    return enter(receptionist)


def page(name: str, appointment: Appointment) -> str:
    return reverse(f"admin:scheduling_appointment_{name}", args=[appointment.pk])


def messages(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_every_page_of_the_desk_opens(desk: Client, manager: User, enter: Enter, booked: Appointment) -> None:
    boss, day = enter(manager), booked.starts_at.date()
    for address in (
        reverse("admin:index"),
        LIST,
        page("change", booked),
        f"{CALENDAR}?on={day}",
        f"{CALENDAR}?view=week&on={day}",
        BOOK,
        f"{BOOK}?service=consultation",
        f"{BOOK}?service=consultation&start={day}T12:00Z&q=vera",
        page("cancel", booked),
        page("reschedule", booked),
        reverse("admin:scheduling_service_changelist"),
        reverse("admin:scheduling_service_change", args=[booked.service_id]),
        reverse("admin:scheduling_bookable_changelist"),
        reverse("admin:scheduling_bookable_change", args=[providers_of(booked.service)[0].pk]),
        reverse("admin:scheduling_dateoverride_changelist"),
        reverse("admin:scheduling_holiday_changelist"),
    ):
        assert boss.get(address).status_code == 200, address
    assert desk.get(page("change", booked)).status_code == 200


def test_the_dashboard_counts_todays_appointments_and_what_is_free(service: Service, desk: Client) -> None:
    page = desk.get(reverse("admin:index")).content.decode()
    assert "No appointments today." in page
    assert 'id="card-free"' in page
    assert "<svg" in page


def test_others_stay_outside(booked: Appointment, visitor: User, auditor: User, enter: Enter) -> None:
    addresses = [LIST, CALENDAR, BOOK, page("change", booked), page("cancel", booked), page("reschedule", booked)]
    for address in addresses:
        assert Client().get(address).status_code == 302
        assert enter(visitor, level=1).get(address).status_code == 403
    reader = enter(auditor)
    allowed = {address: reader.get(address).status_code for address in addresses}
    assert allowed == dict(zip(addresses, [200, 200, 403, 200, 403, 403], strict=True))
    assert reader.post(page("cancel", booked), {"reason": "x"}).status_code == 403
    assert reader.post(page("close", booked), {"outcome": "completed"}).status_code == 403
    acted = reader.post(LIST, {"action": "cancel_chosen", "_selected_action": [str(booked.pk)], "apply": "1"})
    assert Appointment.objects.get().status == "confirmed", acted.status_code


def test_another_tenants_appointment_does_not_exist_here(desk: Client, service: Service, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        theirs = make_booking(
            make_service(second_tenant), start=on(date(2026, 12, 1), "12:00", "UTC"), at=timezone.now()
        ).appointment
    for name in ("change", "cancel", "reschedule"):
        assert desk.get(page(name, theirs)).status_code in (302, 404)
    assert desk.post(page("close", theirs)).status_code == 404
    assert "Vera" not in desk.get(LIST).content.decode()


def test_an_empty_to_field_in_the_address_is_none_at_all(desk: Client, booked: Appointment) -> None:
    assert desk.get(page("change", booked), {"_to_field": ""}).status_code == 200
    assert desk.get(page("change", booked), {"_to_field": "nothing"}).status_code == 400
    assert desk.post(page("change", booked), {"_to_field": ""}).status_code == 403


def test_the_stock_form_changes_nothing(owner: User, enter: Enter, booked: Appointment) -> None:
    boss, before = enter(owner), Appointment.objects.values().get()
    with pytest.raises(NoReverseMatch):
        reverse("admin:scheduling_allocation_changelist")
    assert boss.get(reverse("admin:scheduling_appointment_add")).status_code == 403
    assert boss.post(page("delete", booked), {"post": "yes"}).status_code == 403
    assert boss.post(page("change", booked), {"status": "cancelled", "starts_at_0": "2026-12-01"}).status_code == 403
    assert Appointment.objects.values().get() == before


def test_found_by_name_mail_phone_and_reference(desk: Client, service: Service, booked: Appointment, day: date) -> None:
    zoe = Customer("Zoë Ünal", "zoe@visitor.example", "+34 600 000 777")
    make_booking(service, start=on(day, "12:00"), at=timezone.now(), customer=zoe)
    for asked, found in {
        "vera": {"Vera Visitor"},
        "vera@visitor.example": {"Vera Visitor"},
        "zoe@visitor.example": {"Zoë Ünal"},
        booked.ical_uid[:8].upper(): {"Vera Visitor"},
        "nobody at all": set(),
        "\0": {"Vera Visitor", "Zoë Ünal"},
    }.items():
        shown = desk.get(LIST, {"q": asked}).content.decode()
        assert set(re.findall("Vera Visitor|Zoë Ünal", shown)) == found, asked


def test_filtered_by_day_status_provider_and_service(desk: Client, service: Service, booked: Appointment) -> None:
    [provider] = providers_of(service)
    for query, count in (
        ({"day": "today"}, 0),
        ({"day": "week"}, 1),
        ({"day": "past"}, 0),
        ({"day": "nonsense"}, 1),
        ({"status__exact": "confirmed"}, 1),
        ({"status__exact": "cancelled"}, 0),
        ({"with": str(provider.pk)}, 1),
        ({"with": "nonsense"}, 1),
        ({"service__id__exact": str(service.pk)}, 1),
    ):
        assert desk.get(LIST, query).content.decode().count("Vera Visitor") == count, query


def test_booking_for_somebody_new(desk: Client, service: Service, day: date) -> None:
    offered = desk.get(BOOK, {"service": "consultation", "from": day.isoformat()}).content.decode()
    [start] = [value for value in starts_in(offered) if value == weeks.value(on(day, "10:00"))]
    address = f"{BOOK}?service=consultation&start={start}&with=any"
    form = hidden_in(desk.get(address).content.decode())
    new = {"name": "Zoë Ünal", "email": "zoe@visitor.example", "request_id": form["request_id"]}
    answers = [desk.post(address, new) for _twice in range(2)]
    appointment = Appointment.objects.get()
    assert [answer["Location"] for answer in answers] == [page("change", appointment)] * 2
    assert appointment.customer.name == "Zoë Ünal"
    event = Event.objects.get(action="scheduling.appointment.booked")
    assert (event.actor_kind, event.door) == ("user", "admin")
    assert deliver().sent == 1
    assert mail.outbox[0].to == ["zoe@visitor.example"]


def test_booking_for_somebody_known(desk: Client, booked: Appointment, day: date) -> None:
    address = f"{BOOK}?service=consultation&start={weeks.value(on(day, '12:00'))}&with=any"
    found = desk.get(f"{address}&q=vera").content.decode()
    assert f'name="customer" value="{booked.customer_id}"' in found
    assert desk.post(address, {"customer": str(booked.customer_id), "request_id": "k"}).status_code == 302
    assert set(Appointment.objects.values_list("customer", flat=True)) == {booked.customer_id}


def test_the_desk_says_what_is_missing_and_what_is_taken(desk: Client, booked: Appointment) -> None:
    address = f"{BOOK}?service=consultation&start={weeks.value(booked.starts_at)}&with=any"
    nobody = desk.post(address, {"request_id": "k"})
    assert nobody.status_code == 422
    assert "Choose a customer above" in nobody.content.decode()
    taken = desk.post(address, {"name": "Zoë", "email": "zoe@visitor.example", "request_id": "k"})
    assert taken.status_code == 409
    assert "This time has just been taken." in taken.content.decode()
    assert 'value="zoe@visitor.example"' in taken.content.decode()


def test_nobody_unknown_or_erased_is_booked(
    desk: Client, service: Service, day: date, booked: Appointment, manager: User, second_tenant: Tenant
) -> None:
    with tenancy.within(second_tenant):
        foreign = make_person("Foreign Person")
    assert booked.customer is not None
    people.erase(booked.customer, by=manager, at=timezone.now())
    address = f"{BOOK}?service=consultation&start={weeks.value(on(day, '12:00'))}"
    for customer in (foreign.pk, booked.customer_id, uuid4()):
        answer = desk.post(address, {"customer": str(customer), "note": "x", "request_id": uuid4().hex})
        assert answer.status_code == 422
        assert "not known here" in answer.content.decode()
    assert Appointment.objects.count() == 1


def test_a_time_outside_the_rules_needs_the_right_and_a_reason(
    desk: Client, manager: User, enter: Enter, service: Service, day: date
) -> None:
    who = {"name": "Zoë", "email": "zoe@visitor.example", "request_id": "k"}
    own = f"{BOOK}?service=consultation&day={day}&time=21:00"
    boss = enter(manager)
    assert boss.get(own).status_code == 400
    refused = desk.post(f"{own}&override=Because", who)
    assert refused.status_code == 422
    assert "may not set this rule aside" in refused.content.decode()
    at_night = on(day, "21:00")
    assert boss.post(f"{own}&override=An+old+friend", who).status_code == 302
    assert Appointment.objects.get().starts_at == at_night
    told = boss.get(page("change", Appointment.objects.get())).content.decode()
    assert "An old friend" in told


def test_confirming_what_a_visitor_holds(
    desk: Client, service: Service, auditor: User, enter: Enter, day: date
) -> None:
    held = make_hold(service, start=on(day, "10:00"), at=timezone.now())
    assert page("confirm", held) in desk.get(page("change", held)).content.decode()
    assert enter(auditor).post(page("confirm", held), {}).status_code == 403
    nobody = desk.post(page("confirm", held), {"name": "", "email": "zoe@visitor.example"})
    assert (nobody.status_code, 'value="zoe@visitor.example"' in nobody.content.decode()) == (422, True)
    answer = desk.post(page("confirm", held), {"name": "Zoë Ünal", "email": "zoe@visitor.example"}, follow=True)
    assert messages(answer) == ["Confirmed. The customer gets a confirmation by mail."]
    held.refresh_from_db()
    assert (held.status, held.customer.name) == ("confirmed", "Zoë Ünal")
    event = Event.objects.get(action="scheduling.appointment.confirmed")
    assert (event.actor_kind, event.door) == ("user", "admin")
    assert deliver().sent == 1
    assert mail.outbox[0].to == ["zoe@visitor.example"]
    again = desk.post(page("confirm", held), {"name": "Zoë Ünal", "email": "zoe@visitor.example"})
    assert again.status_code == 422
    assert "already over" in again.content.decode()


def test_confirming_for_somebody_known(desk: Client, service: Service, booked: Appointment, day: date) -> None:
    held = make_hold(service, start=on(day, "12:00"), at=timezone.now())
    found = desk.get(page("confirm", held), {"q": "vera"}).content.decode()
    assert f'name="customer" value="{booked.customer_id}"' in found
    assert desk.post(page("confirm", held), {"customer": str(booked.customer_id)}).status_code == 302
    assert set(Appointment.objects.values_list("status", "customer")) == {("confirmed", booked.customer_id)}


def test_a_hold_that_ran_out_is_not_confirmed(desk: Client, service: Service, day: date) -> None:
    held = make_hold(service, start=on(day, "10:00"), at=timezone.now() - timedelta(hours=1))
    late = desk.post(page("confirm", held), {"name": "Zoë", "email": "zoe@visitor.example"})
    assert late.status_code == 422
    assert "choose it again" in late.content.decode()
    assert Appointment.objects.get().customer is None


def test_cancelling_on_behalf_tells_the_customer_why(desk: Client, booked: Appointment) -> None:
    deliver()
    answer = desk.post(page("cancel", booked), {"reason": "Ana is ill"}, follow=True)
    assert messages(answer) == ["Cancelled. The customer is told by mail."]
    assert deliver().sent == 1
    assert "Ana is ill" in mail.outbox[-1].body
    again = desk.post(page("cancel", booked), {"reason": "Twice"})
    assert again.status_code == 422
    assert "already over" in again.content.decode()


def test_short_notice_needs_the_right_and_a_reason(
    desk: Client, manager: User, enter: Enter, booked: Appointment
) -> None:
    Service.objects.update(cancel_notice_minutes=10 * 1440)
    assert desk.post(page("cancel", booked), {"reason": "x"}).status_code == 422
    boss = enter(manager)
    silent = boss.post(page("cancel", booked), {"reason": ""})
    assert silent.status_code == 422
    assert "Please say why" in silent.content.decode()
    assert boss.post(page("cancel", booked), {"reason": "Flood"}).status_code == 302
    assert Appointment.objects.get().status == "cancelled"


def test_cancelling_several_reports_each(desk: Client, service: Service, booked: Appointment, day: date) -> None:
    other = make_booking(service, start=on(day, "12:00"), at=timezone.now()).appointment
    desk.post(page("cancel", other), {"reason": ""})
    chosen = {"action": "cancel_chosen", "_selected_action": [str(booked.pk), str(other.pk)]}
    asked = desk.post(LIST, chosen)
    assert asked.status_code == 200
    assert asked.content.decode().count('name="_selected_action"') == 2
    answer = desk.post(LIST, {**chosen, "apply": "1", "reason": "Flood"}, follow=True)
    assert sorted(messages(answer)) == sorted(
        ["1 appointment changed.", f"{other.ical_uid[:8].upper()}: This appointment is already over or was cancelled."]
    )
    assert {row.status for row in Appointment.objects.all()} == {"cancelled"}


def test_moving_on_behalf(desk: Client, service: Service, booked: Appointment, day: date) -> None:
    make_booking(service, start=on(day, "15:00"), at=timezone.now())
    taken = desk.post(page("reschedule", booked), {"start": weeks.value(on(day, "15:00"))})
    assert taken.status_code == 409
    nothing = desk.post(page("reschedule", booked), {})
    assert nothing.status_code == 422
    moved = desk.post(page("reschedule", booked), {"start": weeks.value(on(day, "12:00"))}, follow=True)
    assert messages(moved) == ["Moved. The customer is told by mail."]
    booked.refresh_from_db()
    assert (booked.starts_at, booked.sequence) == (on(day, "12:00"), 1)
    assert "→" in moved.content.decode(), "the history tells from when to when"


@pytest.mark.parametrize(("outcome", "status"), [("completed", "completed"), ("no_show", "no_show")])
def test_closing_what_has_begun(desk: Client, begun: Appointment, outcome: str, status: str) -> None:
    answer = desk.post(page("close", begun), {"outcome": outcome}, follow=True)
    assert messages(answer) == ["Noted."]
    assert Appointment.objects.get().status == status
    again = desk.post(page("close", begun), {"outcome": outcome}, follow=True)
    assert messages(again) == ["This appointment is already over or was cancelled."]


def test_closing_by_the_list(desk: Client, begun: Appointment, booked: Appointment) -> None:
    chosen = {"action": "no_show_chosen", "_selected_action": [str(begun.pk), str(booked.pk)]}
    answer = desk.post(LIST, chosen, follow=True)
    assert sorted(messages(answer)) == sorted(
        ["1 appointment changed.", f"{booked.ical_uid[:8].upper()}: This appointment has not begun yet."]
    )
    assert desk.get(page("close", begun)).status_code == 405


def test_the_day_and_the_week_show_who_comes_to_whom(desk: Client, tenant: Tenant, day: date) -> None:
    service = make_service(tenant, providers=2, rooms=1, duration_minutes=45, step_minutes=15, name="Massage")
    first, second = providers_of(service)
    for clock in ("10:00", "10:45", "12:30"):
        make_booking(service, start=on(day, clock), at=timezone.now(), with_id=first.pk)
    table = desk.get(CALENDAR, {"on": day.isoformat()}).content.decode()
    assert table.count("Vera Visitor") == 6, "each with a person and the room"
    morning, noon = ["10:00–10:45", "10:45–11:30"], ["12:30–13:15"]
    assert re.findall(r"<time>([^<]+)</time>", table) == morning + morning + noon + noon
    assert re.findall(r'rowspan="(\d+)"', table) == ["3", "3", "2", "2"]
    week = desk.get(CALENDAR, {"view": "week", "on": day.isoformat(), "who": str(second.pk)}).content.decode()
    assert "Vera Visitor" not in week
    assert f'<th scope="row">{second.name}' in week


@pytest.mark.parametrize(
    "query", [{"on": "x"}, {"view": "year"}, {"who": "nobody"}, {"on": "9999-12-31"}, {"on": "\0"}]
)
def test_nonsense_in_the_calendars_address(desk: Client, service: Service, query: dict[str, str]) -> None:
    assert desk.get(CALENDAR, query).status_code == 400


def test_lists_cost_the_same_with_one_row_and_with_three(
    desk: Client, service: Service, booked: Appointment, day: date
) -> None:
    def cost(address: str) -> int:
        """The fewest of three looks: what is believed for a while (tenant, keys) is read again now and then."""
        looks = []
        for _look in range(3):
            with CaptureQueriesContext(connection) as spent:
                desk.get(address)
            looks.append(len(spent))
        return min(looks)

    addresses = [LIST, f"{LIST}?q=vera", f"{CALENDAR}?on={day}", f"{CALENDAR}?view=week&on={day}"]
    one = {address: cost(address) for address in addresses}
    for hour in ("12:00", "13:00"):
        make_booking(service, start=on(day, hour), at=timezone.now())
    assert {address: cost(address) for address in addresses} == one


def test_hours_are_typed_as_the_clock_shows_them(manager: User, enter: Enter, service: Service) -> None:
    boss, [provider] = enter(manager), providers_of(service)
    address = reverse("admin:scheduling_bookable_change", args=[provider.pk])
    form = boss.get(address)
    assert 'value="09:00"' in form.content.decode()
    typed = {
        name: value
        for formset in form.context["inline_admin_formsets"]
        for inner in [formset.formset.management_form, *formset.formset.forms]
        for name, value in ((inner[field].html_name, inner[field].value()) for field in inner.fields)
        if value is not None
    }
    adminform = form.context["adminform"].form
    typed |= {name: adminform[name].value() for name in adminform.fields if adminform[name].value() is not None}
    late = {**typed, "rules-0-start_minute": "20:30", "rules-0-end_minute": "26:00"}
    assert boss.post(address, late).status_code == 302, boss.post(address, late).context["errors"]
    rule = WeeklyRule.objects.get(pk=typed["rules-0-id"])
    assert (rule.start_minute, rule.end_minute) == (20 * 60 + 30, 26 * 60)
    wrong = boss.post(address, {**typed, "rules-0-start_minute": "late"})
    assert wrong.status_code == 200
    assert "for example 09:30" in wrong.content.decode()


def test_a_receptionist_reads_why_a_close_appointment_stays_as_it_is(
    desk: Client, manager: User, enter: Enter, service: Service
) -> None:
    service.cancel_notice_minutes = service.reschedule_notice_minutes = 60 * 24 * 30
    service.save()
    soon = make_booking(service, start=on(timezone.now().date() + timedelta(days=3), "11:00"), at=timezone.now())
    words = "It is too close to the start for your role to change everything."
    shown, cancel = desk.get(page("change", soon.appointment)).text, page("cancel", soon.appointment)
    assert (words in shown, cancel in shown) == (True, False)
    shown = enter(manager).get(page("change", soon.appointment)).text
    assert (words in shown, cancel in shown) == (False, True)


def test_the_dashboard_links_only_to_what_is_open(
    service: Service, receptionist: User, auditor: User, enter: Enter
) -> None:
    services = f'class="board__more"><a href="{reverse("admin:scheduling_service_changelist")}"'
    assert services in enter(receptionist).get("/admin/").text
    assert services not in enter(auditor).get("/admin/").text
