"""What the entries of this app are called in the ledger."""

from django.utils.translation import gettext_lazy as _

from audit import wording

wording.name(
    {
        "audit.values.read": _("Personal values read"),
        "audit.outbox.retried": _("Dead letter sent again"),
        "audit.outbox.parked": _("Message became a dead letter"),
        "audit.command.refused": _("Command refused"),
        "audit.command.failed": _("Command failed"),
        "audit.task.failed": _("Background task failed"),
        "web.request.refused": _("Page refused"),
        "web.request.failed": _("Page failed"),
        "web.route": _("Page"),
    }
)
