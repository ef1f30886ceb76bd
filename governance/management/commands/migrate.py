"""Django's `migrate`, run as the role that owns the tables, over every tenant's rows, mending fences first."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections

from governance import grants, rls, tenancy


class Command(Migrate):
    """Migrates through MIGRATION_DATABASE_URL where there is one."""

    def add_arguments(self, parser: CommandParser) -> None:
        """As Django's; the database is the migrations' own by default."""
        super().add_arguments(parser)
        if "migration" in connections:
            parser.set_defaults(database="migration")

    def handle(self, *args: Any, **options: Any) -> None:
        """Put fences back that somebody took away, so that the checks let the migration pass; then migrate."""
        with tenancy.across():
            if not (options["check_unapplied"] or options["plan"]):
                rls.install(options["database"])
            super().handle(*args, **options)
            grants.grant(options["database"])
