"""What the pages that show a week of openings have in common."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404

from governance import tenancy
from scheduling import openings, rosters, weeks, zones
from scheduling.editions import InForce
from scheduling.forms import ANYBODY, OpeningsQuery
from scheduling.models import Bookable, Service
from scheduling.walltime import local_date

if TYPE_CHECKING:
    from django.http import QueryDict


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks to see, nonsense replaced by what is usual; `form` says what was nonsense."""

    form: OpeningsQuery
    first: date
    zone: str
    with_id: UUID | None
    providers: Sequence[Bookable]

    def query(self, first: date | None = None) -> str:
        """The same view of another week, as a query string."""
        return urlencode({"from": (first or self.first).isoformat(), "tz": self.zone, "with": self.with_id or ANYBODY})


def offered(slug: str, edition: InForce | None = None) -> tuple[Service, list[Bookable]]:
    """The service with that short name and the people a visitor may ask for. Refuses with `Http404`."""
    try:
        roster = rosters.of_slug(slug, edition or InForce())
    except Service.DoesNotExist as error:
        raise Http404 from error
    return copy(roster.service), roster.people()


def providers_of(service: Service) -> list[Bookable]:
    """The people a visitor may ask for."""
    return rosters.of(service, InForce()).people()


def asked(data: "QueryDict", providers: Sequence[Bookable], *, at: datetime, zone: str = "") -> Asked:
    """Read `from`, `tz` and `with` of an address."""
    form = OpeningsQuery(data, providers=providers)
    form.is_valid()
    clean = form.cleaned_data
    zone = clean.get("tz") or zone or tenancy.current().time_zone
    today = local_date(at, zone)
    return Asked(form, clean.get("from") or today, zone, clean.get("with"), providers)


def week_context(service: Service, asked: Asked, *, at: datetime, edition: InForce | None = None) -> dict[str, Any]:
    """Everything the week's templates read."""
    lo, hi = weeks.bounds(asked.first, weeks.LENGTH, asked.zone)
    found = openings.between(service, lo=lo, hi=hi, zone=asked.zone, with_id=asked.with_id, at=at, edition=edition)
    today = local_date(at, asked.zone)
    last = local_date(at + timedelta(days=service.window_days), asked.zone)
    week = weeks.laid_out((row.start for row in found), first=asked.first, zone=asked.zone, today=today, last=last)
    return {
        "service": service,
        "query": asked.form,
        "providers": asked.providers,
        "with_id": asked.with_id,
        "with_value": asked.with_id or ANYBODY,
        "week": week,
        "previous_query": asked.query(week.previous),
        "next_query": asked.query(week.next),
        **(_next_opening(service, asked, at=at) if week.is_empty else {}),
    }


def _next_opening(service: Service, asked: Asked, *, at: datetime) -> dict[str, str]:
    lo, _hi = weeks.bounds(asked.first, 1, asked.zone)
    for opening in openings.nearest(service, start=max(lo, at), at=at, count=1, with_id=asked.with_id):
        first = local_date(opening.start, asked.zone)
        return {
            "next_opening": zones.spoken(opening.start, opening.end, asked.zone),
            "next_opening_query": asked.query(first),
        }
    return {}
