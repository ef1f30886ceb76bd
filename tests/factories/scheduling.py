"""Services with people who are open, rooms, and bookings made through the verbs.

service = make_service(tenant, providers=2)              # open every day 09:00 to 17:00 in the tenant's zone
ana, ben = providers_of(service)
booked = make_booking(service, start=morning())          # confirmed, for Vera Visitor
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Tenant
from scheduling import bookings, timetable
from scheduling.bookings import Booked, Customer
from scheduling.models import Appointment, Bookable, Service, ServiceBookable

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""A Monday morning; 09:00 in Madrid."""

VERA = Customer("Vera Visitor", "vera@visitor.example", "+34 600 000 001", "en")
NAMES = ("Ana", "Ben", "Carla", "Dani", "Eva", "Fran", "Gala", "Hugo")
_numbers = count(1)


def make_bookable(name: str = "", *, zone: str = "Europe/Madrid", **fields: Any) -> Bookable:
    """Somebody or something that can be booked, without opening hours."""
    number = next(_numbers)
    name = name or f"{NAMES[number % len(NAMES)]} {number}"
    return Bookable.objects.create(
        name=name, slug=fields.pop("slug", f"bookable-{number}"), time_zone=zone, order=number % 30_000, **fields
    )


def open_hours(
    bookable: Bookable, opens: str = "09:00", closes: str = "17:00", *, weekdays: Any = range(7), **rule: Any
) -> None:
    """Weekly hours, every day unless weekdays are named."""
    timetable.open_weekly(bookable, weekdays=weekdays, opens=opens, closes=closes, by=None, at=NOW, **rule)


def make_service(
    tenant: Tenant,
    *,
    providers: int = 1,
    rooms: int = 0,
    opens: str = "09:00",
    closes: str = "17:00",
    zone: str = "",
    **fields: Any,
) -> Service:
    """A service of an hour on the hour, with so many people (and rooms) who are open every day and serve it."""
    number = next(_numbers)
    fields = {
        "name": f"Consultation {number}",
        "slug": f"consultation-{number}",
        "duration_minutes": 60,
        "step_minutes": 60,
        "minimum_notice_minutes": 0,
        "rooms_needed": 1 if rooms else 0,
        **fields,
    }
    service = Service.objects.create(**fields)
    for place in range(providers + rooms):
        kind = Bookable.Kind.PERSON if place < providers else Bookable.Kind.ROOM
        bookable = make_bookable(zone=zone or tenant.time_zone, kind=kind)
        open_hours(bookable, opens, closes)
        serve(service, bookable, order=place)
    return service


def serve(service: Service, bookable: Bookable, *, order: int = 0) -> ServiceBookable:
    """Let somebody or something serve a service."""
    return ServiceBookable.objects.create(service=service, bookable=bookable, order=order)


def providers_of(service: Service) -> list[Bookable]:
    """The people who serve it, in order."""
    return list(Bookable.objects.filter(links__service=service, kind=Bookable.Kind.PERSON).order_by("links__order"))


def on(day: date, clock: str, zone: str = "Europe/Madrid") -> datetime:
    """The UTC instant of a wall time."""
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)


def morning(days: int = 1, clock: str = "10:00") -> datetime:
    """Tomorrow at ten in Madrid, or so many days after NOW."""
    return on(NOW.date() + timedelta(days=days), clock)


def make_booking(service: Service, *, start: datetime, at: datetime = NOW, **typed: Any) -> Booked:
    """A confirmed booking for Vera, through the verb."""
    typed = {"customer": VERA, "note": "", "zone": "Europe/Madrid", "request_id": "", "body_hash": "", **typed}
    return bookings.book(service, start=start, at=at, **{"with_id": None, "by": None, **typed})


def make_hold(service: Service, *, start: datetime, at: datetime = NOW, **typed: Any) -> Appointment:
    """A time kept for a visitor, through the verb."""
    return bookings.hold(service, start=start, at=at, **{"by": None, **typed})
