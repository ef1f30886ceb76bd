"""What a customer can book, and who or what it takes."""

from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager
from scheduling.models.bookable import Bookable

DAY = 24 * 60


class ServiceQuerySet(models.QuerySet["Service"]):
    """Services, narrowed."""

    def active(self) -> "ServiceQuerySet":
        """Those offered to visitors."""
        return self.filter(is_active=True)


class Service(TenantOwned):
    """What a customer can book: how long, how prepared, how far ahead, and how many people and rooms it takes."""

    class Assignment(models.TextChoices):
        ANY = "any", _("Whoever is free, in the listed order")
        FIXED = "fixed", _("Always the one asked for, otherwise the first listed")
        ROUND_ROBIN = "round_robin", _("In turn: who waited longest for a booking")
        LEAST_BUSY = "least_busy", _("Whoever has the least booked that day")

    slug = models.SlugField(_("short name"), max_length=60)
    name = models.CharField(_("name"), max_length=120)
    summary = models.CharField(_("summary"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    duration_minutes = models.PositiveIntegerField(
        _("duration, minutes"), default=60, validators=[MinValueValidator(1), MaxValueValidator(5 * DAY)]
    )
    buffer_before_minutes = models.PositiveIntegerField(
        _("preparation before, minutes"), default=0, validators=[MaxValueValidator(DAY)]
    )
    buffer_after_minutes = models.PositiveIntegerField(
        _("tidying after, minutes"), default=0, validators=[MaxValueValidator(DAY)]
    )
    step_minutes = models.PositiveIntegerField(
        _("a start every, minutes"), default=30, validators=[MinValueValidator(1), MaxValueValidator(DAY)]
    )
    minimum_notice_minutes = models.PositiveIntegerField(_("customers must book at least, minutes before"), default=60)
    window_days = models.PositiveIntegerField(
        _("customers may book at most, days ahead"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(730)],
    )
    cancel_notice_minutes = models.PositiveIntegerField(_("customers may cancel until, minutes before"), default=DAY)
    reschedule_notice_minutes = models.PositiveIntegerField(_("customers may move until, minutes before"), default=DAY)
    capacity = models.PositiveSmallIntegerField(
        _("places in one session"), default=1, editable=False, validators=[MinValueValidator(1)]
    )
    assignment = models.CharField(_("who takes it"), max_length=12, choices=Assignment.choices, default=Assignment.ANY)
    people_needed = models.PositiveSmallIntegerField(_("people needed"), default=1)
    rooms_needed = models.PositiveSmallIntegerField(_("rooms needed"), default=0)
    equipment_needed = models.PositiveSmallIntegerField(_("pieces of equipment needed"), default=0)
    units_needed = models.PositiveSmallIntegerField(_("units needed"), default=0)
    price = models.DecimalField(_("price"), max_digits=10, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, help_text=_("Three letters, for example EUR."))
    is_active = models.BooleanField(_("offered"), default=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    bookables = models.ManyToManyField(
        Bookable, through="ServiceBookable", related_name="services", verbose_name=_("who and what it can use")
    )

    objects = TenantManager.from_queryset(ServiceQuerySet)()  # type: ignore[misc]

    class Meta(TenantOwned.Meta):
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["order", "name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="service_slug_once"),
            models.CheckConstraint(
                condition=models.Q(duration_minutes__range=(1, 5 * DAY), step_minutes__range=(1, DAY)),
                name="service_lasts_and_steps",
            ),
            models.CheckConstraint(
                condition=models.Q(buffer_before_minutes__lte=DAY, buffer_after_minutes__lte=DAY),
                name="service_buffers_within_a_day",
            ),
            models.CheckConstraint(
                condition=models.Q(people_needed__gte=1)
                | models.Q(rooms_needed__gte=1)
                | models.Q(equipment_needed__gte=1)
                | models.Q(units_needed__gte=1),
                name="service_needs_something",
            ),
            models.CheckConstraint(
                condition=models.Q(assignment__in=["any", "fixed", "round_robin", "least_busy"]),
                name="service_assignment_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def duration(self) -> timedelta:
        """How long the customer's part lasts."""
        return timedelta(minutes=self.duration_minutes)

    @property
    def buffer_before(self) -> timedelta:
        """Time kept free before, for preparation."""
        return timedelta(minutes=self.buffer_before_minutes)

    @property
    def buffer_after(self) -> timedelta:
        """Time kept free afterwards."""
        return timedelta(minutes=self.buffer_after_minutes)

    @property
    def needs(self) -> dict[str, int]:
        """How many of each kind one booking takes, kinds with none left out; the leading kind comes first."""
        wanted = {
            Bookable.Kind.PERSON.value: self.people_needed,
            Bookable.Kind.ROOM.value: self.rooms_needed,
            Bookable.Kind.EQUIPMENT.value: self.equipment_needed,
            Bookable.Kind.UNIT.value: self.units_needed,
        }
        return {kind: number for kind, number in wanted.items() if number}


class ServiceBookable(TenantOwned):
    """Somebody or something that can serve a service, in order of preference."""

    service = models.ForeignKey(Service, verbose_name=_("service"), on_delete=models.CASCADE, related_name="links")
    bookable = models.ForeignKey(Bookable, verbose_name=_("bookable"), on_delete=models.CASCADE, related_name="links")
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    last_assigned_at = models.DateTimeField(_("last booked"), null=True, blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("who or what serves")
        verbose_name_plural = _("who and what serves")
        ordering = ["order", "id"]
        constraints = [models.UniqueConstraint(fields=["service", "bookable"], name="bookable_serves_once")]

    def __str__(self) -> str:
        return f"{self.service} – {self.bookable}"
