"""What a visitor wrote to us through the contact form."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from governance.models import EncryptedTextField, Person, TenantOwned
from governance.models.tenant_owned import TenantManager


class Status(models.TextChoices):
    """Where a message stands."""

    NEW = "new", _("new")
    ANSWERED = "answered", _("answered")
    CLOSED = "closed", _("closed")


class ContactMessageQuerySet(models.QuerySet["ContactMessage"]):
    """Choices of messages, read aloud."""

    def new(self) -> Self:
        """Messages nobody has answered or closed."""
        return self.filter(status=Status.NEW)

    def unread_first(self) -> Self:
        """New ones on top, then the latest."""
        is_settled = models.Case(models.When(status=Status.NEW, then=0), default=1, output_field=models.IntegerField())
        return self.annotate(is_settled=is_settled).order_by("is_settled", "-received_at")


class ContactMessage(TenantOwned):
    """A message of one person, in subject and text encrypted with their key. `locale` is the language they read."""

    person = models.ForeignKey(
        Person, verbose_name=_("from"), on_delete=models.PROTECT, related_name="contact_messages", editable=False
    )
    subject = EncryptedTextField(_("subject"), person="person")
    text = EncryptedTextField(_("message"), person="person")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.NEW)
    locale = models.CharField(_("language"), max_length=10, editable=False)
    received_at = models.DateTimeField(_("received"), editable=False)
    sent_once = models.UUIDField(editable=False, help_text=_("One form sent twice is one message."))

    objects = TenantManager.from_queryset(ContactMessageQuerySet)()  # type: ignore[misc]

    Status = Status

    class Meta(TenantOwned.Meta):
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-received_at"]
        indexes = [models.Index(fields=["tenant", "status", "-received_at"], name="message_inbox")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sent_once"], name="message_sent_once"),
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="message_status_known"),
        ]

    def __str__(self) -> str:
        moment = date_format(timezone.localtime(self.received_at), "SHORT_DATETIME_FORMAT")
        return gettext("Message of %(moment)s") % {"moment": moment}

    @property
    def is_new(self) -> bool:
        """Nobody has answered or closed it."""
        return self.status == Status.NEW
