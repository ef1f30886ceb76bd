"""Answer on one more host: `manage.py open_host www.salon.example.org --tenant salon`."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts import tenants
from audit.management.base import OperatorCommand


class Command(OperatorCommand):
    """Opens one more host of a tenant."""

    help = "Let a tenant answer on one more exact host."
    needs_tenant = True

    def add_arguments(self, parser: CommandParser) -> None:
        """The host."""
        super().add_arguments(parser)
        parser.add_argument("host", help="As browsers send it: lower case, without port.")

    def act(self, **options: Any) -> dict[str, Any]:
        """Open, through the verb."""
        domain = tenants.open_host(self.tenant, host=options["host"], by=self.user, at=timezone.now())
        return {"host": domain.host, "primary": domain.is_primary}
