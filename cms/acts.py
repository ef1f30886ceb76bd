"""What the entries and messages of this app are called in the ledger and the outbox."""

from django.utils.translation import gettext_lazy as _

from audit import wording

wording.name(
    {
        "cms.revision.saved": _("Version saved"),
        "cms.entry.published": _("Published"),
        "cms.entry.scheduled": _("Publication planned"),
        "cms.entry.unpublished": _("Taken down"),
        "cms.entry.plan_cancelled": _("Planned publication called off"),
        "cms.message.received": _("Message received"),
        "cms.message.answered": _("Message answered"),
        "cms.message.closed": _("Message closed"),
        "cms.message.reopened": _("Message reopened"),
        "cms.message_received": _("Message to announce"),
        "cms.notice": _("Notice of a message, to a member"),
        "cms.reply": _("Answer to a message"),
    }
)
