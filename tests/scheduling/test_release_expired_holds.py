"""Holds that have run out are let go: by the verb, by the clock, and by an operator."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Tenant
from audit.models import Event
from governance import tenancy
from scheduling import bookings, conf, tasks
from scheduling.models import Allocation, Appointment
from tests.factories.scheduling import NOW, make_booking, make_hold, make_service, morning

pytestmark = pytest.mark.django_db


def test_only_those_that_have_run_out_once(tenant: Tenant) -> None:
    service = make_service(tenant, rooms=1)
    first = make_hold(service, start=morning(1))
    second = make_hold(service, start=morning(2), at=NOW + timedelta(minutes=1))
    make_booking(service, start=morning(3))

    assert bookings.release_expired(at=NOW + conf.HOLD_FOR) == 1
    assert bookings.release_expired(at=NOW + conf.HOLD_FOR) == 0

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("expired", "held")
    assert {row.state for row in first.allocations.all()} == {"released"}
    assert Event.objects.get(action="scheduling.appointment.expired").object_id == str(first.pk)


def test_at_most_so_many_oldest_first(tenant: Tenant) -> None:
    service = make_service(tenant)
    holds = [make_hold(service, start=morning(day), at=NOW + timedelta(seconds=day)) for day in (1, 2, 3)]

    assert bookings.release_expired(at=NOW + timedelta(hours=1), limit=2) == 2
    assert Appointment.objects.held().get() == holds[2]


def test_a_booking_over_a_run_out_hold_lets_it_go(tenant: Tenant) -> None:
    service = make_service(tenant)
    held = make_hold(service, start=morning())

    make_booking(service, start=morning(), at=NOW + conf.HOLD_FOR)

    held.refresh_from_db()
    assert (held.status, Allocation.objects.live().count()) == ("expired", 1)
    assert Event.objects.filter(action="scheduling.appointment.expired").count() == 1


def _run_out(tenant: Tenant) -> Appointment:
    """A hold that ran out in real time."""
    with tenancy.within(tenant):
        past = timezone.now() - timedelta(days=1)
        day = (past + timedelta(days=4)).replace(hour=12, minute=0, second=0, microsecond=0)
        return make_hold(make_service(tenant, opens="00:00", closes="24:00"), start=day, at=past)


def test_the_clock_does_it_for_every_tenant(tenant: Tenant, second_tenant: Tenant) -> None:
    holds = {one: _run_out(one) for one in (tenant, second_tenant)}

    tasks.release_holds()
    tasks.release_holds()

    for one, held in holds.items():
        with tenancy.within(one):
            held.refresh_from_db()
            assert held.status == "expired"


def test_an_operator_does_it_for_one_or_all(tenant: Tenant, second_tenant: Tenant) -> None:
    _run_out(tenant)
    _run_out(second_tenant)

    def run(*arguments: str) -> dict[str, int]:
        out = StringIO()
        call_command("release_holds", "--json", *arguments, stdout=out)
        return json.loads(out.getvalue())  # type: ignore[no-any-return]

    assert run("--dry-run") == {"due": 2}
    assert run("--tenant", "second") == {"released": 1}
    assert run() == {"released": 1}
    assert run() == {"released": 0}
