"""Whom to tell: one message, kept in the transaction that caused it, delivered afterwards."""

from datetime import datetime
from typing import Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutboxMessageQuerySet(models.QuerySet["OutboxMessage"]):
    """Choices of messages."""

    def of_tenant(self, tenant_id: str) -> Self:
        """Messages of one tenant; "" is the platform's own."""
        return self.filter(tenant=tenant_id)

    def parked(self) -> Self:
        """Dead letters: tried often enough, waiting for staff."""
        return self.filter(state=OutboxMessage.State.PARKED)

    def due(self, *, at: datetime) -> Self:
        """Waiting messages whose time has come and that nobody is delivering."""
        free = Q(leased_until=None) | Q(leased_until__lte=at)
        return self.filter(free, state=OutboxMessage.State.WAITING, due_at__lte=at)


class OutboxMessage(models.Model):
    """One thing to tell somebody. `payload` holds ids and plain facts, never personal values."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        UNWANTED = "unwanted", _("no longer wanted")
        PARKED = "parked", _("dead letter")

    id = models.BigAutoField(primary_key=True)
    tenant = models.TextField(_("tenant"), editable=False)
    kind = models.TextField(_("kind"), editable=False)
    about_type = models.TextField(_("about (kind)"), editable=False)
    about_id = models.TextField(_("about"), editable=False)
    payload = models.JSONField(_("payload"), encoder=DjangoJSONEncoder, default=dict, editable=False)
    key = models.TextField(_("key"), editable=False, help_text=_("A message with the same key is posted only once."))
    state = models.TextField(_("state"), choices=State.choices, default=State.WAITING, editable=False)
    posted_at = models.DateTimeField(_("posted"), editable=False)
    due_at = models.DateTimeField(_("due"), editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    leased_until = models.DateTimeField(_("being delivered until"), null=True, editable=False)
    claim = models.TextField(_("claim"), editable=False)
    error = models.TextField(_("last error"), editable=False)
    actor_kind = models.TextField(_("kind of actor"), editable=False)
    actor_id = models.TextField(_("actor"), editable=False)
    request_id = models.TextField(_("request id"), editable=False)
    trace_id = models.TextField(_("trace id"), editable=False)

    objects = OutboxMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        default_permissions = ("view",)
        permissions = [("retry_outbox", _("Can retry outbox messages"))]
        indexes = [
            models.Index(fields=["due_at", "id"], name="outbox_waiting", condition=Q(state="waiting")),
            models.Index(fields=["tenant", "state", "posted_at"], name="outbox_state"),
            models.Index(fields=["tenant", "about_id"], name="outbox_about"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "key"], name="outbox_key", condition=~Q(key="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about_id}"

    @property
    def is_parked(self) -> bool:
        """Whether staff may retry it."""
        return self.state == self.State.PARKED
