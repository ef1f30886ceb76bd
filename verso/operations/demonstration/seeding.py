"""Bring the demo into being, once: tenants, people, services, hours, a week of bookings, messages.

Everything goes through the apps' verbs, so the ledger and the outbox tell of it as of any other day.
"""

import base64
import hashlib
import hmac
import random
import secrets
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import factors, passwords, tenants
from accounts.models import Authenticator, Tenant, User, normalise_email
from cms import messages
from governance import tenancy
from scheduling import bookings, openings, timetable
from scheduling.bookings import Customer
from scheduling.models import Appointment, Bookable, Service, ServiceBookable
from verso.operations.demonstration import content
from verso.operations.demonstration.content import Business, Offer, Provider

PAST, AHEAD = 4, 8  # days of bookings around today


def seed(*, at: datetime) -> dict[str, Any]:
    """Make what is missing of the demo, whole tenants at a time; answers how to sign in and where."""
    for business in content.BUSINESSES:
        if not Tenant.objects.filter(slug=business.slug).exists():
            with transaction.atomic():
                _open(business, at=at)
    return describe()


def describe() -> dict[str, Any]:
    """Addresses, sign-ins, services and providers of the demo as it stands now."""
    told: dict[str, Any] = {"tenants": [], "people": []}
    for business in content.BUSINESSES:
        tenant = Tenant.objects.get(slug=business.slug)
        with tenancy.within(tenant):
            told["tenants"].append(_described(tenant, business))
            told["people"] += [_sign_in(business, role) for role in business.people]
    return told


def password_of(email: str) -> str:
    """The password a person of the demo begins with: different on every installation, the same on every run of one."""
    sealed = hmac.digest(settings.SECRET_KEY.encode(), b"demo password " + email.encode(), hashlib.sha256)
    letters = base64.b32encode(sealed).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _open(business: Business, *, at: datetime) -> None:
    tenant = tenants.create(
        slug=business.slug,
        name=business.name,
        hosts=list(business.hosts),
        time_zone=business.time_zone,
        by=None,
        at=at,
    )
    tenants.describe(tenant, by=None, at=at, **business.looks)
    with tenancy.within(tenant):
        for role, name in business.people.items():
            _admit(business, role, name, at=at)
        _open_doors(business, at=at)
        _fill_the_week(business, at=at)
        _receive_messages(business, at=at)


def _email(business: Business, role: str) -> str:
    return f"{role}@{business.slug}.example"


def _admit(business: Business, role: str, name: str, *, at: datetime) -> None:
    """Staff with a second factor; the visitor without, as a customer would have it."""
    email = _email(business, role)
    user = tenants.admit(email=email, name=name, role=role, by=None, at=at).user
    passwords.change(user, new=password_of(email), at=at)
    if role != "visitor":
        factors.enrol(user, key=secrets.token_hex(20), at=at)
        Authenticator.objects.filter(user=user).update(last_t=-1)  # nobody has shown a code yet


def _open_doors(business: Business, *, at: datetime) -> None:
    bookables = {place.slug: _hire(business, place, order, at=at) for order, place in enumerate(business.providers)}
    for order, offer in enumerate(business.offers):
        _offer(offer, bookables, order)
    country, region = business.holidays
    today = _today(business, at)
    timetable.keep_holidays(country=country, region=region, years=[today.year, today.year + 1], by=None, at=at)
    first, second, *_rest = bookables.values()
    away = _next(today + timedelta(days=9), weekday=2)
    timetable.close(first, first=away, label="Training day", by=None, at=at)
    timetable.close(
        second, first=away + timedelta(days=12), last=away + timedelta(days=16), label="Away", by=None, at=at
    )
    saturday = _next(today + timedelta(days=7), weekday=5)
    timetable.open_specially(
        first, first=saturday, opens="09:00", closes="12:00", label="Open Saturday", by=None, at=at
    )


def _hire(business: Business, place: Provider, order: int, *, at: datetime) -> Bookable:
    bookable = Bookable.objects.create(
        kind=place.kind,
        slug=place.slug,
        name=place.name,
        description=place.description,
        time_zone=business.time_zone,
        order=order,
    )
    for hours in place.hours:
        timetable.open_weekly(bookable, weekdays=hours.weekdays, opens=hours.opens, closes=hours.closes, by=None, at=at)
    return bookable


def _offer(offer: Offer, bookables: dict[str, Bookable], order: int) -> None:
    fields = {**offer.fields, "price": Decimal(offer.fields["price"])}
    service = Service(order=order, **fields)
    service.full_clean()
    service.save()
    for place, slug in enumerate(offer.by):
        ServiceBookable.objects.create(service=service, bookable=bookables[slug], order=place)


def _fill_the_week(business: Business, *, at: datetime) -> None:
    """Some bookings a day from a few days ago to a week ahead, in every state a booking can be in."""
    dice = random.Random(business.slug)  # nosec B311 - the same week on every machine
    services = list(Service.objects.order_by("order"))
    today = _today(business, at)
    for day in (today + timedelta(days=away) for away in range(-PAST, AHEAD)):
        for _number in range(business.bookings_a_day):
            booked = _book_on(day, dice.choice(services), business, dice, at=at)
            if booked is not None:
                _live_on(booked, dice, at=at)


def _book_on(
    day: date, service: Service, business: Business, dice: random.Random, *, at: datetime
) -> Appointment | None:
    """One booking on that day, made a day or two before; None when that day is closed or full."""
    zone = ZoneInfo(business.time_zone)
    lo = datetime.combine(day, datetime.min.time(), zone).astimezone(ZoneInfo("UTC"))
    made_at = min(at, lo) - timedelta(minutes=dice.randint(60, 2 * 24 * 60))
    free = openings.between(service, lo=lo, hi=lo + timedelta(days=1), zone=business.time_zone, at=made_at)
    if not free:
        return None
    name, email, phone = dice.choice(content.CUSTOMERS)
    return bookings.book(
        service,
        start=dice.choice(free).start,
        with_id=None,
        customer=Customer(name, email, phone, "en"),
        note=dice.choice(content.NOTES),
        zone=business.time_zone,
        request_id="",
        body_hash="",
        by=None,
        at=made_at,
    ).appointment


def _live_on(appointment: Appointment, dice: random.Random, *, at: datetime) -> None:
    """What became of it: past ones took place or not; of those ahead some are cancelled in time."""
    if appointment.ends_at <= at:
        ended = bookings.mark_no_show if dice.random() < 0.12 else bookings.complete
        ended(appointment, by=None, at=appointment.ends_at)
    elif dice.random() < 0.12 and appointment.starts_at - at > timedelta(days=2):
        bookings.cancel(appointment, reason="Something came up at work.", by=None, at=at)


def _receive_messages(business: Business, *, at: datetime) -> None:
    writers = content.CUSTOMERS[-len(business.messages) :]
    desk = User.objects.get(email_key=normalise_email(_email(business, "manager")))
    for age, ((subject, text, status), (name, email, _phone)) in enumerate(
        zip(business.messages, writers, strict=True), start=1
    ):
        sent_at = at - timedelta(hours=7 * age)
        message = messages.receive(
            text, subject=subject, name=name, email=email, locale="en", request_id=uuid4(), at=sent_at
        ).message
        if status == "answered":
            answer = content.ANSWERS[subject]
            messages.reply(message, text=answer, request_id=uuid4(), by=desk, at=sent_at + timedelta(hours=2))
        if status == "closed":
            messages.close(message, by=desk, at=sent_at + timedelta(hours=2))


def _described(tenant: Tenant, business: Business) -> dict[str, Any]:
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "time_zone": tenant.time_zone,
        "hosts": list(business.hosts),
        "services": list(Service.objects.order_by("order").values("id", "slug", "name")),
        "providers": list(Bookable.objects.order_by("order").values("id", "slug", "name", "kind")),
    }


def _sign_in(business: Business, role: str) -> dict[str, Any]:
    """How one person signs in; what they have changed since is theirs and not told."""
    email = _email(business, role)
    user = User.objects.get(email_key=normalise_email(email))
    device = Authenticator.objects.filter(user=user, confirmed=True).first()
    password = password_of(email)
    return {
        "tenant": business.slug,
        "role": role,
        "name": user.display_name,
        "email": email,
        "password": password if user.check_password(password) else None,
        "totp_secret": base64.b32encode(device.seed).decode() if device else None,
    }


def _today(business: Business, at: datetime) -> date:
    return timezone.localtime(at, ZoneInfo(business.time_zone)).date()


def _next(day: date, *, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)
