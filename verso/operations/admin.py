"""The roof's cards on the first page of the back office: mail on its way, dead letters, seals."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.admin_site import dashboard_card
from audit import ledger, outbox


@dashboard_card("outbox", order=80, permission="audit.view_outboxmessage", template="admin/cards/outbox.html")
def mail_on_its_way(request: HttpRequest) -> dict[str, Any]:
    """What waits to be told, and what could not be."""
    return {**outbox.waiting_and_parked(), "outbox_url": reverse("admin:audit_outboxmessage_changelist")}


@dashboard_card("seals", order=90, permission="audit.view_event", template="admin/cards/seals.html")
def seals(request: HttpRequest) -> dict[str, Any]:
    """How much of the ledger awaits its seal."""
    return {"pending": ledger.awaiting_seal(), "ledger_url": reverse("admin:audit_event_changelist")}
