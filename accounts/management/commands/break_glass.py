"""Get in when nobody can: `manage.py break_glass --tenant salon --actor ana@example.org --reason "…"`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts import break_glass
from audit.management.base import OperatorCommand
from governance import tenancy


class Command(OperatorCommand):
    """Makes the actor an owner for an hour and tells all owners; `--end` ends it."""

    help = "Make --actor an owner of --tenant for one hour. All owners are told; the second factor is still asked."
    needs_tenant = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Why, or that it ends."""
        super().add_arguments(parser)
        parser.add_argument("--reason", default="", help="Why: owners and the ledger read it.")
        parser.add_argument("--end", action="store_true", help="End it before its hour.")

    def act(self, *, reason: str = "", end: bool = False, **options: Any) -> dict[str, Any]:
        """Open or end, through the verb."""
        if self.user is None:
            raise CommandError("Say who: --actor E-MAIL.")
        if end:
            break_glass.end(self.user, by=None, at=timezone.now(), reason=reason or "by hand")
            return {"actor": self.user.email, "tenant": tenancy.current().slug, "ended": True}
        given = break_glass.open(self.user, by=None, at=timezone.now(), reason=reason)
        link = tenancy.current().url("/account/login/")
        return {
            "actor": self.user.email,
            "tenant": tenancy.current().slug,
            "role": "owner",
            "until": given.expires_at,
            "link": link,
            "told": break_glass.owners().count(),
        }
