"""What can be booked: a person, a room, equipment, or one unit of something there are several of."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models import TenantOwned
from scheduling.walltime import check_zone


class Bookable(TenantOwned):
    """A person, a room, equipment or a unit. One table, so that one constraint covers all."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        ROOM = "room", _("Room")
        EQUIPMENT = "equipment", _("Equipment")
        UNIT = "unit", _("Unit")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name"), max_length=60)
    description = models.TextField(_("description"), blank=True)
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        validators=[check_zone],
        help_text=_("The zone the opening hours are written in, for example Europe/Madrid."),
    )
    observes_holidays = models.BooleanField(_("closed on holidays"), default=True)
    is_active = models.BooleanField(_("takes bookings"), default=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(TenantOwned.Meta):
        verbose_name = _("bookable")
        verbose_name_plural = _("bookables")
        ordering = ["order", "name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="bookable_slug_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["person", "room", "equipment", "unit"]), name="bookable_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
