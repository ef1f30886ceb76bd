"""Take away roles whose end has come: the twin of the beat task of the same name."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts import break_glass
from accounts.models import RoleGrant, Tenant
from audit.management.base import OperatorCommand
from governance import tenancy


class Command(OperatorCommand):
    """They gave nothing any more; this takes the rows away and writes it down."""

    help = "Take away roles whose end has come, in one tenant or in all."

    def add_arguments(self, parser: CommandParser) -> None:
        """Only to count."""
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Only count them.")

    def act(self, *, dry_run: bool = False, **options: Any) -> dict[str, Any]:
        """Ends them, or counts them."""
        tenants, ended, now = [self.tenant] if self.tenant else list(Tenant.objects.order_by("pk")), 0, timezone.now()
        for tenant in self.progress(tenants, total=len(tenants), noun="tenants"):
            with tenancy.within(tenant):
                over = RoleGrant.objects.filter(expires_at__lte=now)
                ended += over.count() if dry_run else break_glass.end_expired(at=now)
        return {"due" if dry_run else "ended": ended}
