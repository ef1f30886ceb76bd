"""Mails to a customer about their appointment: in their language and zone, in the tenant's name, with the invitation.

Each is written afresh from the appointment, so a mail that is sent twice is the same mail with the same Message-ID.
"""

import re
from datetime import datetime
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from governance import tenancy
from governance.models import Person
from scheduling import calendars, zones
from scheduling.models import Appointment, Bookable

if TYPE_CHECKING:
    from accounts.models import Tenant

# What a mail program may turn into a link: an address of any kind, or a word that looks like a host.
LINKY = re.compile(r"[/\\@:<>]|\bwww\b|\w\.\w{2,}", re.IGNORECASE)


def confirmation(appointment: Appointment, *, at: datetime) -> EmailMultiAlternatives:
    """The appointment stands; the invitation puts it into their calendar."""
    return _mail("confirmation", appointment, method="REQUEST", at=at)


def change(appointment: Appointment, *, was: datetime | None, at: datetime) -> EmailMultiAlternatives:
    """The appointment moved; the invitation with the higher sequence moves it in their calendar."""
    return _mail("change", appointment, method="REQUEST", at=at, was=was)


def cancellation(appointment: Appointment, *, reason: str = "", at: datetime) -> EmailMultiAlternatives:
    """The appointment does not take place; the invitation takes it out of their calendar."""
    return _mail("cancellation", appointment, method="CANCEL", at=at, reason=reason)


def providers(appointment: Appointment) -> str:
    """The people an appointment is with, by name; nothing where only a room or a thing is booked."""
    allocations = appointment.allocations.select_related("bookable").order_by("bookable__order", "bookable__name")
    if appointment.is_live:
        allocations = allocations.live()
    return ", ".join(row.bookable.name for row in allocations if row.bookable.kind == Bookable.Kind.PERSON)


def meeting(appointment: Appointment, *, tenant: "Tenant", at: datetime, invites: bool) -> calendars.Meeting:
    """The appointment as a calendar wants it; the customer is named only in what is mailed to them."""
    customer = appointment.customer
    attendee = calendars.Party(_greeted(customer.name), customer.email) if invites and customer else None
    return calendars.Meeting(
        uid=appointment.ical_uid,
        sequence=appointment.sequence,
        start=appointment.starts_at,
        end=appointment.ends_at,
        summary=f"{appointment.service.name} · {tenant.name}",
        stamped_at=at,
        organiser=calendars.Party(tenant.name, tenant.contact_email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]),
        attendee=attendee,
        location=tenant.address,
        description=providers(appointment),
        is_cancelled=appointment.status == Appointment.Status.CANCELLED,
    )


def _mail(
    kind: str,
    appointment: Appointment,
    *,
    method: calendars.Method,
    at: datetime,
    was: datetime | None = None,
    reason: str = "",
) -> EmailMultiAlternatives:
    tenant, customer = tenancy.current(), _customer(appointment)
    with translation.override(customer.locale or tenant.locale):
        context = _context(kind, appointment, tenant=tenant, was=was) | {"reason": reason}
        text = render_to_string(f"scheduling/mail/{kind}.txt", context)
        page = render_to_string(f"scheduling/mail/{kind}.html", context)
    mail = EmailMultiAlternatives(
        subject=context["subject"],
        body=text,
        from_email=formataddr((_one_line(tenant.name), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[customer.email],
        reply_to=[tenant.contact_email] if tenant.contact_email else None,
        headers={"Message-ID": _message_id(kind, appointment, tenant), "Auto-Submitted": "auto-generated"},
    )
    invitation = calendars.written(meeting(appointment, tenant=tenant, at=at, invites=True), method=method)
    mail.attach_alternative(page, "text/html")
    mail.attach_alternative(invitation.decode(), f"text/calendar; method={method}")
    mail.attach("appointment.ics", invitation, "application/ics")
    return mail


def _context(kind: str, appointment: Appointment, *, tenant: "Tenant", was: datetime | None) -> dict[str, Any]:
    token, zone, service = appointment.manage_token(), appointment.display_zone, appointment.service
    begins = zones.wall(appointment.starts_at, zone)
    subjects = {
        "confirmation": _("Confirmed: %(service)s on %(day)s at %(time)s"),
        "change": _("Moved: %(service)s, now on %(day)s at %(time)s"),
        "cancellation": _("Cancelled: %(service)s on %(day)s at %(time)s"),
    }
    named = {"service": service.name, "day": zones.day_title(begins.date()), "time": f"{begins:%H:%M}"}
    return {
        "subject": _one_line(subjects[kind] % named),
        "tenant": tenant,
        "name": _greeted(_customer(appointment).name),
        "service_name": service.name,
        "when": zones.spoken(appointment.starts_at, appointment.ends_at, zone),
        "was": zones.spoken(was, was + service.duration, zone) if was else "",
        "providers": providers(appointment),
        "is_cancelled": kind == "cancellation",
        "address": tenant.url(reverse("scheduling:booking", args=[token])) if token else "",
        "again": tenant.url(reverse("scheduling:service", args=[service.slug])),
    }


def _customer(appointment: Appointment) -> Person:
    """Whom the mail is for. Refuses what was merely held."""
    if appointment.customer is None:
        raise ValueError("An appointment without a customer has nobody to be told.")
    return appointment.customer


def _message_id(kind: str, appointment: Appointment, tenant: "Tenant") -> str:
    """The same for the same news, so that a mail sent twice is recognised as one."""
    return f"<{kind}.{appointment.ical_uid}.{appointment.sequence}@{urlsplit(tenant.url('/')).hostname}>"


def _greeted(name: str) -> str:
    """The name for a greeting; "" where it could pass for a link, since anybody may type anybody's e-mail."""
    return "" if LINKY.search(name) else _one_line(name)


def _one_line(text: str) -> str:
    return " ".join(text.split())
