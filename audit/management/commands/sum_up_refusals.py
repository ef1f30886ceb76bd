"""Say how many refusals of strangers were only counted: the twin of the beat task of the same name."""

from typing import Any

from django.utils import timezone

from audit import floods
from audit.management.base import OperatorCommand


class Command(OperatorCommand):
    help = "Write one event for each flood of refusals whose window is over."

    def act(self, **options: Any) -> dict[str, Any]:
        """Sums up what is counted in Redis; what a process counts for itself it sums up itself."""
        return {"summed_up": floods.sum_up(at=timezone.now())}
