"""Many rows, quickly: what `seed_bench` lays before a measurement. Never in production."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils import timezone

from accounts import tenants
from accounts.models import Membership, Tenant, User
from audit import ledger
from governance import people, tenancy
from governance.fields import uuid7
from governance.models import Person
from scheduling import links
from scheduling.models import Allocation, Appointment, Bookable, Service, ServiceBookable, WeeklyRule

T = TypeVar("T")
BATCH = 2_000
OPENS, CLOSES = 8 * 60, 18 * 60
SERVED_A_DAY = 10


def batches(rows: Iterator[T]) -> Iterator[list[T]]:
    """The rows, two thousand at a time."""
    while batch := list(islice(rows, BATCH)):
        yield batch


def tenant(number: int) -> Tenant:
    """The bench's tenant `number`; made when it is not there yet."""
    made = Tenant.objects.filter(slug=f"bench-{number}").first()
    return made or tenants.create(
        slug=f"bench-{number}", name=f"Bench {number}", hosts=[f"bench-{number}.localhost"], by=None, at=timezone.now()
    )


def practice(providers: int, services: int = 1) -> tuple[list[Bookable], list[Service]]:
    """Providers who work every day from 8 to 18, and services that all of them offer, in the current tenant."""
    who = [_provider(number) for number in range(providers)]
    what = [_service(number) for number in range(services)]
    ServiceBookable.objects.bulk_create(
        [ServiceBookable(service=service, bookable=bookable) for service in what for bookable in who],
        ignore_conflicts=True,
    )
    return who, what


def _provider(number: int) -> Bookable:
    made, is_new = Bookable.objects.get_or_create(slug=f"provider-{number}", defaults={"name": f"Provider {number}"})
    if is_new:
        rules = [WeeklyRule(bookable=made, weekday=day, start_minute=OPENS, end_minute=CLOSES) for day in range(7)]
        WeeklyRule.objects.bulk_create(rules)
    return made


def _service(number: int) -> Service:
    free = {"name": f"Service {number}", "duration_minutes": 30, "step_minutes": 30, "window_days": 365}
    return Service.objects.get_or_create(slug=f"service-{number}", defaults=free)[0]


def member(email: str, password: str) -> User:
    """Somebody who may sign in to the current tenant with a password alone."""
    user, is_new = User.objects.get_or_create(email=email)
    if is_new:
        user.set_password(password)
        user.save()
        Membership.objects.create(user=user)
    return user


def customers(count: int, at: datetime) -> Iterator[Person]:
    """That many people, recognised one by one as a form would."""
    for number in range(count):
        yield people.recognise(name=f"Person {number}", email=f"person-{number}@bench.example", at=at)


def past_appointments(
    who: list[Bookable], service: Service, customer: Person, *, count: int, before: datetime
) -> Iterator[int]:
    """A history of `count` in all, hourly, ten a day and provider, going back from the day before `before`."""
    pairs = _history(who, service, customer, range(Appointment.objects.count(), count), before)
    for batch in batches(pairs):
        with transaction.atomic():
            Appointment.objects.bulk_create([appointment for appointment, _allocation in batch])
            Allocation.objects.bulk_create([allocation for _appointment, allocation in batch])
        yield len(batch)


def _history(
    who: list[Bookable], service: Service, customer: Person, numbers: range, before: datetime
) -> Iterator[tuple[Appointment, Allocation]]:
    midnight = before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    tenant_id = tenancy.current_id()
    for number in numbers:
        turn, bookable = divmod(number, len(who))
        day, hour = divmod(turn, SERVED_A_DAY)
        start = midnight - timedelta(days=day + 1) + timedelta(hours=8 + hour)
        yield _served(tenant_id, who[bookable], service, customer, start)


def _served(
    tenant_id: Any, bookable: Bookable, service: Service, customer: Person, start: datetime
) -> tuple[Appointment, Allocation]:
    key = uuid7()
    end = start + timedelta(minutes=30)
    appointment = Appointment(
        id=key,
        tenant_id=tenant_id,
        service=service,
        customer=customer,
        starts_at=start,
        ends_at=end,
        status=Appointment.Status.CONFIRMED,
        manage_hash=links.digest(str(key)),
        created_at=start,
        confirmed_at=start,
    )
    taken = Allocation(
        tenant_id=tenant_id,
        appointment=appointment,
        bookable=bookable,
        blocked_start=start,
        blocked_end=end,
        state=Allocation.State.CONFIRMED,
    )
    return appointment, taken


def events(count: int, about: models.Model) -> Iterator[int]:
    """That many ledger entries, in transactions of two thousand."""
    for batch in batches(iter(range(count))):
        with transaction.atomic():
            for number in batch:
                ledger.record("operations.bench.noted", about, changes={"number": [None, number]})
        yield len(batch)
