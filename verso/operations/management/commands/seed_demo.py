"""Make the demo: two tenants with people, services and a week of bookings. A second run changes nothing."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from audit.management.base import OperatorCommand
from verso.operations.demonstration import seeding, welcome


class Command(OperatorCommand):
    help = "Make the demo: two tenants with people, services and a week of bookings. Refused in production."

    def act(self, **options: Any) -> dict[str, Any]:
        """Seed what is missing. Refuses production: the sign-ins are printed for everybody to see."""
        if settings.PRODUCTION:
            raise CommandError("The demo's sign-ins are for everybody to see; production does not get them.")
        return seeding.seed(at=timezone.now())

    def say(self, done: dict[str, Any]) -> str:
        """Addresses and sign-ins, as people read them."""
        return "\n".join(welcome.lines(done))
