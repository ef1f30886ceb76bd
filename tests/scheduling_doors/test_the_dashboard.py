"""The figures on the desk's first page are what the openings themselves say."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from accounts.models import Tenant, User
from scheduling import openings, weeks
from scheduling.models import Service
from scheduling.walltime import local_date
from tests.factories.scheduling import make_booking, make_service, on


def test_free_times_are_the_openings_of_the_next_seven_days(
    tenant: Tenant, receptionist: User, enter: Callable[..., Client]
) -> None:
    zone, now = tenant.time_zone, timezone.now()
    today = local_date(now, zone)
    first = make_service(tenant, providers=2)
    make_service(tenant, name="Massage")
    make_service(tenant, is_active=False)
    make_booking(first, start=on(today + timedelta(days=2), "10:00"), at=now)
    shown = enter(receptionist).get("/admin/").text
    lo, hi = weeks.bounds(today, 7, zone)
    free = [
        opening
        for service in Service.objects.filter(is_active=True)
        for opening in openings.between(service, lo=lo, hi=hi, zone=zone, at=now)
    ]
    assert len(free) > 100
    assert f'Free times in the next 7 days</h2>\n  <p class="board__figure">{len(free)}</p>' in shown
