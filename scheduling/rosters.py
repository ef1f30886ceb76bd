"""Who and what serves a service, in order of preference. One query, and none while the edition is the same."""

from typing import NamedTuple
from uuid import UUID

from scheduling.editions import InForce
from scheduling.models import Bookable, Service, ServiceBookable


class Roster(NamedTuple):
    """A service and those who serve it and take bookings. Shared between readers: not to be changed."""

    service: Service
    bookables: tuple[Bookable, ...]

    def people(self) -> list[Bookable]:
        """Those a visitor may ask for."""
        return [bookable for bookable in self.bookables if bookable.kind == Bookable.Kind.PERSON]


def of_slug(slug: str, edition: InForce) -> Roster:
    """The roster of the offered service with that short name. Refuses with `Service.DoesNotExist`."""

    def ask() -> Roster:
        rows = _rows(service__slug=slug, service__is_active=True)
        roster = _roster(rows[0].service if rows else Service.objects.active().get(slug=slug), rows)
        edition.note(("roster", roster.service.pk), roster)
        return roster

    return edition.known(("roster", slug), ask)


def of(service: Service, edition: InForce) -> Roster:
    """The roster of a service. Only its people and things: `service` itself may have been read at another moment."""
    service_id: UUID = service.pk
    return edition.known(("roster", service_id), lambda: _roster(service, _rows(service=service_id)))


def _rows(**which: object) -> list[ServiceBookable]:
    rows = ServiceBookable.objects.filter(**which, bookable__is_active=True).order_by("order", "id")
    return list(rows.select_related("service", "bookable"))


def _roster(service: Service, rows: list[ServiceBookable]) -> Roster:
    return Roster(service, tuple(row.bookable for row in rows))
