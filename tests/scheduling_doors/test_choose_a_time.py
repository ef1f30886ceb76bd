"""A week of openings, in the visitor's zone, as a page and as JSON."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import Tenant
from scheduling import editions, weeks
from scheduling.models import Service
from tests.factories.scheduling import make_service, on, providers_of
from tests.scheduling_doors.conftest import ADDRESS, starts_in

JSON = f"{ADDRESS}openings.json"


def ask(**query: str) -> Any:
    return Client().get(JSON, query)


def test_a_week_has_seven_days_and_its_openings_in_utc(service: Service, day: date) -> None:
    page = Client().get(ADDRESS, {"from": day.isoformat()}).content.decode()
    assert page.count('class="day') - page.count("day__name") - page.count('"days') == 7
    expected = [
        weeks.value(on(day + timedelta(days=ahead), f"{hour:02d}:00")) for ahead in range(7) for hour in range(9, 17)
    ]
    assert starts_in(page) == expected


def test_times_are_read_in_the_zone_chosen(service: Service, day: date) -> None:
    page = Client().get(ADDRESS, {"from": day.isoformat(), "tz": "America/New_York"}).content.decode()
    assert 'value="America/New_York" selected' in page
    assert "<span>03:00</span>" in page
    assert 'aria-label="03:00 ' in page


def test_the_way_to_earlier_and_later_weeks(service: Service, day: date) -> None:
    today = Client().get(ADDRESS).content.decode()
    assert 'rel="prev' not in today
    later = re.search(r'rel="next nofollow"[^>]*href="\?from=([\d-]+)', today)
    assert later and later[1] == (timezone.now() + timedelta(days=7)).date().isoformat()
    last = Client().get(ADDRESS, {"from": (timezone.now() + timedelta(days=58)).date().isoformat()}).content.decode()
    assert 'rel="next' not in last
    assert 'rel="prev' in last


def test_one_provider_may_be_asked_for(tenant: Tenant, day: date) -> None:
    pair = make_service(tenant, providers=2, slug="consultation")
    ana, ben = providers_of(pair)
    page = Client().get(ADDRESS, {"from": day.isoformat(), "with": str(ben.pk)}).content.decode()
    assert f'<option value="{ben.pk}" selected>{ben.name}</option>' in page
    assert f'<input type="hidden" name="with" value="{ben.pk}">' in page
    rows = ask(**{"from": day.isoformat(), "to": day.isoformat(), "with": str(ana.pk)}).json()["openings"]
    assert {tuple(row["with"]) for row in rows} == {(str(ana.pk),)}


def test_an_empty_week_links_to_the_next_opening(tenant: Tenant, day: date) -> None:
    far = make_service(tenant, slug="consultation", minimum_notice_minutes=15 * 1440)
    page = Client().get(ADDRESS).content.decode()
    assert "No free times this week" in page
    there = re.search(r'href="\?(from=[^"]+)">Show that week', page)
    assert there
    assert starts_in(Client().get(f"{ADDRESS}?{there[1]}".replace("&amp;", "&")).content.decode())
    far.bookables.all().update(is_active=False)
    assert "nothing free" in Client().get(ADDRESS).content.decode()


@pytest.mark.parametrize(
    ("day", "labels"),
    [
        ("2027-03-28", ["01:30 UTC+01:00", "03:00 UTC+02:00", "03:30 UTC+02:00"]),
        ("2027-10-31", ["02:00 UTC+02:00", "02:30 UTC+02:00", "02:00 UTC+01:00", "02:30 UTC+01:00"]),
    ],
)
def test_days_on_which_the_clock_changes_show_offsets(tenant: Tenant, day: str, labels: list[str]) -> None:
    half_hours = {"duration_minutes": 30, "step_minutes": 30, "window_days": 700}
    make_service(tenant, slug="consultation", opens="01:00", closes="04:00", **half_hours)
    page = Client().get(ADDRESS, {"from": day, "tz": "Europe/Madrid"}).content.decode()
    shown = re.findall(r"<span>([^<]+)(?:<small>([^<]+)</small>)?</span></label>", page)
    assert " | ".join(labels) in " | ".join("".join(one) for one in shown)
    assert ("01:00", "") in shown, "an ordinary day shows no offset"


def test_json_says_the_same_as_the_page(service: Service, day: date) -> None:
    answer = ask(**{"from": day.isoformat(), "to": day.isoformat()})
    [provider] = providers_of(service)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "openings": [
            {
                "start": weeks.value(on(day, f"{hour:02d}:00")),
                "end": weeks.value(on(day, f"{hour + 1:02d}:00")),
                "with": [str(provider.pk)],
            }
            for hour in range(9, 17)
        ]
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "tomorrow"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "9999-12-31"}, "from"),
        ({"from": "0001-01-01"}, "from"),
        ({"from": "２０２６-12-01"}, "from"),
        ({"to": "x" * 5000}, "to"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"tz": "Europe"}, "tz"),
        ({"tz": "a\0b"}, "tz"),
        ({"with": "nobody"}, "with"),
        ({"with": "00000000-0000-0000-0000-000000000000"}, "with"),
        ({"from": "2026-12-01", "to": "2026-11-01"}, "to"),
        ({"from": "2026-12-01", "to": "2027-02-01"}, "to"),
    ],
)
def test_json_refuses_nonsense_in_the_contracts_shape(service: Service, query: dict[str, str], field: str) -> None:
    answer = Client().get(JSON, query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "fields"}
    assert list(error["fields"]) == [field]
    assert error["message"] == error["fields"][field][0]
    page = Client().get(ADDRESS, query)
    assert page.status_code == (200 if query.get("from") == "2026-12-01" else 400)
    assert "<h1>" in page.content.decode()


def test_sixty_two_days_may_be_asked_for(service: Service) -> None:
    assert ask(**{"from": "2026-12-01", "to": "2027-01-31"}).status_code == 200


def test_json_of_an_unknown_service(tenant: Tenant) -> None:
    answer = Client().get("/book/nothing/openings.json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("providers", [1, 5])
def test_a_week_costs_four_queries_once_and_two_from_then_on(
    tenant: Tenant, day: date, providers: int, django_assert_num_queries: Callable[..., Any]
) -> None:
    make_service(tenant, providers=providers, slug="consultation")
    Client().get("/book/")
    for address in (ADDRESS, JSON):
        editions.forget()
        for queries in (4, 2):
            with django_assert_num_queries(queries):
                assert Client().get(address, {"from": day.isoformat()}).status_code == 200


def test_the_list_of_services_costs_one_query(tenant: Tenant, django_assert_num_queries: Callable[..., Any]) -> None:
    for number in (1, 3):
        make_service(tenant, slug=f"service-{number}")
        cache.clear()
        Client().get("/book/")
        with django_assert_num_queries(1):
            Client().get("/book/")


@pytest.mark.parametrize(("price", "said"), [("12.50", "12.50 EUR"), ("60.00", "60 EUR"), ("0.00", "0 EUR")])
def test_every_list_of_services_says_what_they_cost(service: Service, price: str, said: str) -> None:
    service.price, service.currency = Decimal(price), "EUR"
    service.save()
    for address in ("/", "/services/", "/book/"):
        assert f"<span>{said}</span>" in Client().get(address).text
