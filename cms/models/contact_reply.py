"""What we wrote back."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cms.models.contact_message import ContactMessage
from governance.models import EncryptedTextField, TenantOwned


class ContactReply(TenantOwned):
    """One answer, sent by mail. Whether the mail went out is known to the outbox."""

    message = models.ForeignKey(
        ContactMessage, verbose_name=_("message"), on_delete=models.PROTECT, related_name="replies"
    )
    text = EncryptedTextField(_("text"), person="message.person")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("written by"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    written_at = models.DateTimeField(_("written"))
    sent_once = models.UUIDField(editable=False, help_text=_("One form sent twice is one reply."))

    class Meta(TenantOwned.Meta):
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        ordering = ["written_at"]
        indexes = [models.Index(fields=["tenant", "message", "written_at"], name="reply_thread")]
        constraints = [models.UniqueConstraint(fields=["tenant", "sent_once"], name="reply_sent_once")]

    def __str__(self) -> str:
        return str(self.message)
