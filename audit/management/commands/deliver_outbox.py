"""Deliver what is due in the outbox: the twin of the beat task of the same name."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from audit import outbox
from audit.management.base import OperatorCommand


class Command(OperatorCommand):
    help = "Deliver due outbox messages of every tenant, round after round until nothing is left."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--limit", type=int, default=0, help="Deliver at most so many messages; 0: all that are due."
        )

    def act(self, *, limit: int = 0, **options: Any) -> dict[str, Any]:
        """Delivers until nothing is due, or `limit` is reached."""
        counts = dict.fromkeys(outbox.Delivered._fields, 0)
        left = limit or None
        while left is None or left > 0:
            room = min(outbox.ROUND, left or outbox.ROUND)
            done = outbox.deliver(at=timezone.now(), limit=room)
            counts = {name: counts[name] + count for name, count in done._asdict().items()}
            left = None if left is None else left - done.total
            if done.total < room:
                break
        return counts
