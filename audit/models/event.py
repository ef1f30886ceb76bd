"""What happened: one immutable event, whom it concerns, where it came from, and the marker that awaits sealing."""

import json
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit import canonical


class EventQuerySet(models.QuerySet["Event"]):
    """Choices of events, newest first."""

    def of_tenant(self, tenant_id: str) -> Self:
        """Events of one tenant; "" is the platform's own."""
        return self.filter(tenant=tenant_id)

    def about(self, object_type: str, object_id: str = "") -> Self:
        """Events about one kind of object, or one object of it."""
        chosen = self.filter(object_type=object_type)
        return chosen.filter(object_id=object_id) if object_id else chosen

    def concerning(self, person_id: str) -> Self:
        """Events that concern one person."""
        return self.filter(id__in=EventPerson.objects.filter(person=person_id).values("event_id"))

    def between(self, start: datetime | None, end: datetime | None) -> Self:
        """Events from `start` on and before `end`."""
        chosen = self.filter(occurred_at__gte=start) if start else self
        return chosen.filter(occurred_at__lt=end) if end else chosen

    def newest_first(self) -> Self:
        """The order of the viewer; its key is the time and the id."""
        return self.order_by("-occurred_at", "-id")

    def older_than(self, occurred_at: datetime, event_id: int) -> Self:
        """Events after a key in the viewer's order. Two plain conditions, so that one index answers."""
        return self.filter(occurred_at__lte=occurred_at).filter(Q(occurred_at__lt=occurred_at) | Q(id__lt=event_id))

    def newer_than(self, occurred_at: datetime, event_id: int) -> Self:
        """Events before a key in the viewer's order."""
        return self.filter(occurred_at__gte=occurred_at).filter(Q(occurred_at__gt=occurred_at) | Q(id__gt=event_id))


class Event(models.Model):
    """One thing that happened. `body` is the record; the other columns repeat parts of it for searching.

    Rows are written by `audit.ledger` with one statement and never change: the database refuses it.
    """

    class Outcome(models.TextChoices):
        SUCCESS = "success", _("done")
        REFUSED = "refused", _("refused")
        FAILED = "failed", _("failed")

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(_("event id"), unique=True, editable=False)
    tenant = models.TextField(_("tenant"), editable=False)
    occurred_at = models.DateTimeField(_("time"), editable=False)
    action = models.TextField(_("action"), editable=False)
    outcome = models.TextField(_("outcome"), choices=Outcome.choices, editable=False)
    reason = models.TextField(_("reason"), editable=False)
    actor_kind = models.TextField(_("kind of actor"), editable=False)
    actor_id = models.TextField(_("actor"), editable=False)
    object_type = models.TextField(_("kind of object"), editable=False)
    object_id = models.TextField(_("object"), editable=False)
    request_id = models.TextField(_("request id"), editable=False)
    door = models.TextField(_("door"), editable=False)
    body = models.BinaryField(_("body"), editable=False)
    mac = models.BinaryField(_("authentication code"), editable=False)
    key_id = models.TextField(_("key"), editable=False)

    objects = EventQuerySet.as_manager()
    names: dict[str, str]  # looked up by the viewer, for a whole page at once
    told: Any  # read by the viewer, once for a page

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("ledger")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["tenant", "occurred_at", "id"], name="event_time"),
            models.Index(fields=["tenant", "actor_id", "occurred_at", "id"], name="event_actor"),
            models.Index(fields=["tenant", "object_id", "occurred_at", "id"], name="event_object"),
            models.Index(fields=["tenant", "action", "occurred_at", "id"], name="event_action"),
            models.Index(fields=["request_id"], name="event_request", condition=~Q(request_id="")),
            models.Index(
                fields=["tenant", "occurred_at", "id"], name="event_not_done", condition=~Q(outcome="success")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.occurred_at:%Y-%m-%d %H:%M:%S}"

    @property
    def content(self) -> dict[str, Any]:
        """The body as JSON says it; personal values still sealed."""
        read: dict[str, Any] = json.loads(bytes(self.body))
        return read

    @property
    def is_authentic(self) -> bool:
        """Whether a process holding the key wrote this body."""
        return canonical.is_authentic(bytes(self.body), key_id=self.key_id, mac=bytes(self.mac))


class EventPerson(models.Model):
    """Whom an event concerns: random ids only."""

    pk = models.CompositePrimaryKey("person", "event_id")
    person = models.TextField(_("person"), editable=False)
    event_id = models.BigIntegerField(_("event"), editable=False)

    class Meta:
        verbose_name = _("person of an event")
        verbose_name_plural = _("people of events")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.event_id}: {self.person}"


class EventOrigin(models.Model):
    """Network address and browser of an event, outside its body so that retention can remove them.

    The body holds `sha256(salt + canonical {agent, ip})`: while the row stands it is proven by the event,
    and once it is gone the digest tells nobody anything.
    """

    event = models.OneToOneField(
        Event,
        verbose_name=_("event"),
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="origin",
        db_constraint=False,
    )
    salt = models.BinaryField(_("salt"), editable=False)
    ip = models.TextField(_("network address"), editable=False)
    agent = models.TextField(_("browser"), editable=False)

    class Meta:
        verbose_name = _("origin of an event")
        verbose_name_plural = _("origins of events")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.event_id)


class Pending(models.Model):
    """An event that awaits sealing; the sealer removes the marker in the transaction that adds the leaf."""

    event = models.OneToOneField(
        Event,
        verbose_name=_("event"),
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="pending",
        db_constraint=False,
    )

    class Meta:
        verbose_name = _("event awaiting its seal")
        verbose_name_plural = _("events awaiting their seal")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.event_id)
