"""Let go of holds that have run out: the twin of the beat task of the same name."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.models import Tenant
from audit.management.base import OperatorCommand
from governance import tenancy
from scheduling import bookings
from scheduling.models import Appointment


class Command(OperatorCommand):
    help = "Let go of holds that have run out, in one tenant or in all."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--limit", type=int, default=500, help="At most so many per tenant.")
        parser.add_argument("--dry-run", action="store_true", help="Only count them.")

    def act(self, *, limit: int = 500, dry_run: bool = False, **options: Any) -> dict[str, Any]:
        """Releases them, or counts them."""
        tenants = [self.tenant] if self.tenant else list(Tenant.objects.order_by("pk"))
        released = 0
        for tenant in self.progress(tenants, total=len(tenants), noun="tenants"):
            with tenancy.within(tenant):
                released += _count(limit) if dry_run else bookings.release_expired(at=timezone.now(), limit=limit)
        return {"due" if dry_run else "released": released}


def _count(limit: int) -> int:
    return Appointment.objects.held().expired(at=timezone.now())[:limit].count()
