"""Open a tenant: `manage.py create_tenant salon --name "Salon Sol" --host salon.example.org`."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts import tenants
from audit.management.base import OperatorCommand


class Command(OperatorCommand):
    """Opens a tenant with its hosts and system roles."""

    help = "Open a tenant with its hosts (the first is the primary) and system roles."

    def add_arguments(self, parser: CommandParser) -> None:
        """Short name, name, hosts, time zone, language."""
        super().add_arguments(parser)
        parser.add_argument("slug", help="Short name, as in commands: salon")
        parser.add_argument("--name", required=True, help="What visitors read: Salon Sol")
        parser.add_argument("--host", action="append", required=True, dest="hosts", help="Exact host; may be repeated.")
        parser.add_argument("--time-zone", default="UTC", help="Area/City of the place.")
        parser.add_argument("--locale", default="en", help="Language of the tenant: en or es.")

    def act(self, **options: Any) -> dict[str, Any]:
        """Create, through the verb."""
        wanted = {key: options[key] for key in ("slug", "name", "hosts", "time_zone", "locale")}
        tenant = tenants.create(**wanted, by=self.user, at=timezone.now())
        return {"id": tenant.pk, "slug": tenant.slug, "name": tenant.name, "hosts": options["hosts"]}
