"""The dashboard's cards: today's bookings, and what is still free this week."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from accounts.admin_site import dashboard_card
from governance import tenancy
from governance.admin import personal
from scheduling import openings, weeks, zones
from scheduling.models import Appointment, Service
from scheduling.walltime import local_date

if TYPE_CHECKING:
    from datetime import date

    from django.http import HttpRequest

SHOWN = 8
KEPT_SECONDS = 60


@dashboard_card(
    "today", order=10, permission="scheduling.view_appointment", template="admin/scheduling/cards/today.html"
)
def today(request: "HttpRequest") -> dict[str, Any]:
    """Who comes today."""
    zone = tenancy.current().time_zone
    lo, hi = weeks.bounds(local_date(timezone.now(), zone), 1, zone)
    stands = [Appointment.Status.CONFIRMED, Appointment.Status.COMPLETED, Appointment.Status.NO_SHOW]
    rows = Appointment.objects.filter(starts_at__gte=lo, starts_at__lt=hi, status__in=stands).order_by("starts_at")
    first = rows.select_related("service", "customer")[:SHOWN]
    entries = [
        (
            row.pk,
            f"{zones.wall(row.starts_at, zone):%H:%M}",
            personal(row.customer, "name", by=request.user),
            row.service.name,
        )
        for row in first
    ]
    count = rows.count() if len(entries) == SHOWN else len(entries)
    return {"entries": entries, "count": count, "more": count - len(entries)}


@dashboard_card("free", order=20, permission="scheduling.view_appointment", template="admin/scheduling/cards/free.html")
def free(request: "HttpRequest") -> dict[str, Any]:
    """How many openings are left on each of the next seven days, over all services; looked at once a minute."""
    key = f"scheduling.free:{tenancy.current_id()}"
    counted = cache.get(key)
    if counted is None:
        counted = _count()
        cache.set(key, counted, KEPT_SECONDS)
    points = [(capfirst(date_format(day, "D")), number) for day, number in counted]
    return {"points": points, "total": sum(number for _day, number in counted)}


def _count() -> "list[tuple[date, int]]":
    zone, now = tenancy.current().time_zone, timezone.now()
    first = local_date(now, zone)
    lo, hi = weeks.bounds(first, weeks.LENGTH, zone)
    counts = {first + timedelta(days=ahead): 0 for ahead in range(weeks.LENGTH)}
    for service in Service.objects.active():
        for opening in openings.between(service, lo=lo, hi=hi, zone=zone, at=now):
            counts[local_date(opening.start, zone)] += 1
    return list(counts.items())
