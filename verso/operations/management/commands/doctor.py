"""Is this installation well? One line per question; exit 1 when anything fails."""

from typing import Any

from django.core.management.base import CommandError

from audit.management.base import OperatorCommand
from verso.operations import doctor, health


class Command(OperatorCommand):
    help = "Look at database, roles, guards, keys, cache, queue, messages, mail and files; exit 1 if anything fails."
    requires_system_checks: list[str] = []  # they are one of the questions

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every answer. Refuses an installation that is not well with a non-zero exit."""
        self.failing: list[str] = []
        super().handle(*args, **options)
        if self.failing:
            raise CommandError(f"Not well: {', '.join(self.failing)}.")

    def act(self, **options: Any) -> dict[str, Any]:
        """Ask every question."""
        found = health.ask(doctor.QUESTIONS)
        self.failing = [name for name, answer in found.items() if not answer.ok]
        return {
            "ok": not self.failing,
            "checks": [{"name": name, "ok": answer.ok, "sentence": answer.sentence} for name, answer in found.items()],
        }

    def say(self, done: dict[str, Any]) -> str:
        """A line per question."""
        return "\n".join(
            f"{'ok' if each['ok'] else 'FAILING':<8}{each['name']:<14}{each['sentence']}" for each in done["checks"]
        )
