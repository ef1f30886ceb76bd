"""Note a heartbeat by hand: the twin of the beat task of the same name."""

from typing import Any

from django.utils import timezone

from audit.management.base import OperatorCommand
from verso.operations import heartbeats


class Command(OperatorCommand):
    help = "Note a heartbeat by hand, for instance after replacing beat by an outside clock."

    def act(self, **options: Any) -> dict[str, Any]:
        """Note it now."""
        return {"seen_at": heartbeats.note(at=timezone.now()).seen_at}
