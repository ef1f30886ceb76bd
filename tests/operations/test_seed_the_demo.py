"""The demo's content: two tenants to walk into, the same after a second run, and never in production."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from accounts.models import Authenticator, Tenant, User
from cms.models import ContactMessage
from governance import tenancy
from governance.models import Person
from scheduling.models import Appointment, Bookable, DateOverride, Service, WeeklyRule
from tests.factories import accounts as people

PEOPLE = ["owner", "manager", "receptionist", "editor", "reviewer", "auditor", "visitor"]


def seeded() -> dict[str, Any]:
    written = StringIO()
    call_command("seed_demo", "--json", stdout=written)
    told: dict[str, Any] = json.loads(written.getvalue())
    return told


def counted() -> dict[str, int]:
    models = (Appointment, Bookable, ContactMessage, DateOverride, Person, Service, WeeklyRule)
    with tenancy.across():
        rows = {model.__name__: model.across_tenants.count() for model in models}
    return rows | {"User": User.objects.count(), "Tenant": Tenant.objects.count()}


@pytest.mark.django_db
def test_it_holds_what_the_contract_promises() -> None:
    told = seeded()
    assert {tenant["slug"]: tenant["hosts"] for tenant in told["tenants"]} == {
        "demo": ["localhost", "127.0.0.1"],
        "second": ["second.localhost"],
    }
    assert [person["email"] for person in told["people"]] == [
        *(f"{name}@demo.example" for name in PEOPLE),
        "owner@second.example",
        "manager@second.example",
    ]
    (demo,) = (tenant for tenant in told["tenants"] if tenant["slug"] == "demo")
    assert len(demo["services"]) == 6
    assert sorted(place["kind"] for place in demo["providers"]) == ["person"] * 4 + ["room"]
    with tenancy.within(Tenant.objects.get(slug="demo")):
        states = set(Appointment.objects.values_list("status", flat=True))
        assert states >= {"confirmed", "completed", "cancelled"}
        assert set(ContactMessage.objects.values_list("status", flat=True)) == {"new", "answered", "closed"}


@pytest.mark.django_db
def test_each_sign_in_works_and_staff_show_a_second_factor() -> None:
    for person in seeded()["people"]:
        user = User.objects.get(email=person["email"])
        assert user.check_password(person["password"])
        device = Authenticator.objects.filter(user=user).first()
        if person["role"] == "visitor":
            assert (device, person["totp_secret"]) == (None, None)
        else:
            assert device is not None
            assert device.verify_token(people.code_for(device))


@pytest.mark.django_db
def test_a_second_run_changes_nothing_and_tells_the_same() -> None:
    first, before = seeded(), counted()
    assert seeded() == first
    assert counted() == before


@pytest.mark.django_db
def test_a_password_changed_since_is_kept_and_not_told() -> None:
    seeded()
    owner = User.objects.get(email="owner@demo.example")
    owner.set_password("four unrelated quiet words")
    owner.save()
    assert [person["email"] for person in seeded()["people"] if person["password"] is None] == ["owner@demo.example"]
    owner.refresh_from_db()
    assert owner.check_password("four unrelated quiet words")


@pytest.mark.django_db
@override_settings(PRODUCTION=True)
def test_production_refuses_it() -> None:
    with pytest.raises(CommandError, match="production does not get them"):
        seeded()
    with pytest.raises(CommandError, match="for the people of the demo only"):
        call_command("demo_code", "owner@demo.example")
    assert Tenant.objects.count() == 0


@pytest.mark.django_db
def test_the_authenticator_of_a_demo_person_can_be_read_and_nobody_elses() -> None:
    (owner,) = (person for person in seeded()["people"] if person["email"] == "owner@demo.example")
    written = StringIO()
    call_command("demo_code", "owner@demo.example", "--json", stdout=written)
    device = Authenticator.objects.get(user__email=owner["email"])
    assert device.verify_token(json.loads(written.getvalue())["code"])
    with pytest.raises(CommandError, match="for the people of the demo only"):
        call_command("demo_code", "somebody@elsewhere.example")
