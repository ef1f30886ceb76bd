"""What the authenticator of a demo person shows now, for those who have no telephone at hand."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.models import Authenticator, normalise_email
from audit.management.base import OperatorCommand


class Command(OperatorCommand):
    help = "Print the six-digit code of a demo person's authenticator. Refused in production."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose authenticator."""
        super().add_arguments(parser)
        parser.add_argument("email", nargs="?", default="owner@demo.example")

    def act(self, *, email: str = "", **options: Any) -> dict[str, Any]:
        """The code now. Refuses production and whoever is not of the demo."""
        key = normalise_email(email)
        if settings.PRODUCTION or not key.endswith(("@demo.example", "@second.example")):
            raise CommandError("Codes are shown for the people of the demo only.")
        device = Authenticator.objects.filter(user__email_key=key, confirmed=True).first()
        if device is None:
            raise CommandError(f"{email} has no authenticator. Try: manage.py seed_demo")
        return {"code": f"{device.clock().token():0{device.DIGITS}d}"}

    def say(self, done: dict[str, Any]) -> str:
        """The code alone."""
        return str(done["code"])
