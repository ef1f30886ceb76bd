"""A booking: who, what, when, and how it stands."""

from datetime import datetime, timedelta
from typing import Self
from uuid import uuid4

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from governance.models import EncryptedTextField, Person, TenantOwned
from governance.models.tenant_owned import TenantManager
from scheduling import links
from scheduling.models.bookable import Bookable
from scheduling.models.service import Service


def new_uid() -> str:
    """A random iCalendar UID (RFC 7986 §5.3)."""
    return str(uuid4())


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """Appointments, narrowed."""

    def live(self) -> Self:
        """Those that take up time: held or confirmed."""
        return self.filter(status__in=[Appointment.Status.HELD, Appointment.Status.CONFIRMED])

    def held(self) -> Self:
        """Those kept for a visitor who is filling in the form."""
        return self.filter(status=Appointment.Status.HELD)

    def confirmed(self) -> Self:
        """Those that stand."""
        return self.filter(status=Appointment.Status.CONFIRMED)

    def shown(self) -> Self:
        """Those a customer or staff would call a booking: never merely held or expired."""
        return self.exclude(status__in=[Appointment.Status.HELD, Appointment.Status.EXPIRED])

    def expired(self, *, at: datetime) -> Self:
        """Those whose hold has run out."""
        return self.filter(hold_expires_at__lte=at)

    def upcoming(self, *, at: datetime) -> Self:
        """Those that are not over."""
        return self.filter(ends_at__gt=at)

    def between(self, lo: datetime, hi: datetime) -> Self:
        """Those that overlap [lo, hi)."""
        return self.filter(starts_at__gte=lo - timedelta(days=7), starts_at__lt=hi, ends_at__gt=lo)

    def by_token(self, token: str) -> Self:
        """The one a manage link opens; holds have no link."""
        return self.shown().filter(manage_hash=links.digest(token))

    def by_hold(self, token: str) -> Self:
        """The one kept for the visitor who shows this hold token."""
        return self.held().filter(hold_hash=links.digest(token))


class Appointment(TenantOwned):
    """A booking of one service. Times are UTC; `display_zone` is the zone the customer reads them in."""

    class Status(models.TextChoices):
        HELD = "held", _("Held")
        CONFIRMED = "confirmed", _("Confirmed")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")
        COMPLETED = "completed", _("Completed")
        NO_SHOW = "no_show", _("No-show")

    service = models.ForeignKey(
        Service, verbose_name=_("service"), on_delete=models.PROTECT, related_name="appointments"
    )
    customer = models.ForeignKey(
        Person, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="appointments", null=True, blank=True
    )
    asked_for = models.ForeignKey(
        Bookable,
        verbose_name=_("asked for"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text=_("Whom the customer chose; empty: anybody."),
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    display_zone = models.CharField(_("shown in time zone"), max_length=64, default="UTC")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.HELD)
    note = EncryptedTextField(_("note"), person="customer", null=True, blank=True)
    close_reason = EncryptedTextField(_("why it was cancelled"), person="customer", null=True, blank=True)
    ical_uid = models.CharField(max_length=64, default=new_uid, editable=False)
    sequence = models.PositiveIntegerField(_("sequence"), default=0, editable=False)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    manage_hash = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - many holds have none
    manage_generation = models.PositiveIntegerField(default=1, editable=False)
    hold_hash = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - unique among those that have one
    hold_expires_at = models.DateTimeField(_("held until"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("made"), editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)

    objects = TenantManager.from_queryset(AppointmentQuerySet)()  # type: ignore[misc]

    hold_token: str = ""
    """On what `bookings.hold` just returned: what the visitor shows to keep, move or book this hold. Not stored."""

    class Meta(TenantOwned.Meta):
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["starts_at"]
        indexes = [
            models.Index(fields=["tenant", "starts_at"], name="appointment_by_start"),
            models.Index(fields=["customer", "starts_at"], name="appointment_by_customer"),
            models.Index(fields=["hold_expires_at"], condition=models.Q(status="held"), name="appointment_held_until"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "ical_uid"], name="appointment_uid_once"),
            models.UniqueConstraint(fields=["tenant", "manage_hash"], name="appointment_link_once"),
            models.UniqueConstraint(fields=["tenant", "hold_hash"], name="appointment_hold_once"),
            models.CheckConstraint(condition=models.Q(starts_at__lt=models.F("ends_at")), name="appointment_lasts"),
            models.CheckConstraint(
                condition=models.Q(status__in=["held", "confirmed", "cancelled", "expired", "completed", "no_show"]),
                name="appointment_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["held", "expired"])
                | models.Q(customer__isnull=False, manage_hash__isnull=False),
                name="appointment_has_a_customer",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="held") | models.Q(hold_expires_at__isnull=False),
                name="appointment_hold_runs_out",
            ),
        ]

    def __str__(self) -> str:
        return date_format(timezone.localtime(self.starts_at), "SHORT_DATETIME_FORMAT")

    @property
    def is_live(self) -> bool:
        """Does it take up time?"""
        return self.status in (self.Status.HELD, self.Status.CONFIRMED)

    def is_over(self, *, at: datetime) -> bool:
        """Has it ended, or been closed before?"""
        return not self.is_live or self.ends_at <= at

    def has_begun(self, *, at: datetime) -> bool:
        """Has its time come?"""
        return self.starts_at <= at

    def hold_is_over(self, *, at: datetime) -> bool:
        """Was it merely held, and has that run out?"""
        return self.status == self.Status.HELD and self.hold_expires_at is not None and self.hold_expires_at <= at

    def manage_token(self) -> str:
        """The token of the manage link, made again from the key outside the database; empty where none is in force.

        It is empty for holds, and after the key was replaced without keeping the old one as a fallback; then
        `bookings.renew_link` puts a new link in force.
        """
        for token in links.tokens(self.pk, self.manage_generation):
            if self.manage_hash == links.digest(token):
                return token
        return ""
