"""End sessions that have run out, delete what is long over: the twin of the beat task of the same name."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts import conf, sessions
from accounts.models import Tenant
from audit.management.base import OperatorCommand
from governance import tenancy


class Command(OperatorCommand):
    help = "End sessions that have run out and delete what is long over, in one tenant or in all."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--limit", type=int, default=conf.SWEEP, help="At most so many rows of a kind per tenant.")

    def act(self, *, limit: int = conf.SWEEP, **options: Any) -> dict[str, Any]:
        """Sweeps, tenant by tenant."""
        tenants = [self.tenant] if self.tenant else list(Tenant.objects.order_by("pk"))
        done = sessions.Swept(0, 0)
        for tenant in self.progress(tenants, total=len(tenants), noun="tenants"):
            with tenancy.within(tenant):
                swept = sessions.sweep(at=timezone.now(), limit=limit)
            done = sessions.Swept(done.ended + swept.ended, done.deleted + swept.deleted)
        return done._asdict()
