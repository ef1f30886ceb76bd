"""The operator's door to the two PostgreSQL roles: make them, and see that they are right."""

import json
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from psycopg.conninfo import make_conninfo

from governance import grants, rls


class Command(BaseCommand):
    """Makes the roles named in DATABASE_URL (web) and MIGRATION_DATABASE_URL (migrations), or verifies them."""

    help = "Create or verify the PostgreSQL roles: one migrates and owns the tables, the other serves the web."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and as whom."""
        parser.add_argument("--create", action="store_true", help="Make the roles, hand over tables, set rights.")
        parser.add_argument("--verify", action="store_true", help="Say what is wrong; exit 1 if anything is.")
        parser.add_argument("--as", dest="url", default="", help="URL of a login that may create roles.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, then verify what was asked. Refuses databases without roles."""
        if connections["default"].vendor != "postgresql":
            raise CommandError("SQLite has no roles. Set DATABASE_URL to a PostgreSQL database.")
        if options["create"] or not options["verify"]:
            self._create(options["url"])
        wrong = [*rls.missing(), *grants.faults()]
        if options["as_json"]:
            self.stdout.write(json.dumps({"ok": not wrong, "wrong": wrong}))
        elif not wrong:
            self.stdout.write("The web's role is fenced: it owns no table and cannot pass the policies by.")
        if wrong:
            raise CommandError("\n".join(wrong))

    def _create(self, url: str) -> None:
        if "migration" not in connections:
            raise CommandError("Set MIGRATION_DATABASE_URL: the login that migrates must not be the web's.")
        web, migrator = (_login(alias) for alias in ("default", "migration"))
        if web.name == migrator.name:
            raise CommandError("DATABASE_URL and MIGRATION_DATABASE_URL name the same role; the web must own no table.")
        try:
            grants.create(url or _url("migration"), migrator=migrator, web=web)
        except psycopg.Error as refused:
            words = str(refused).splitlines()[0]
            raise CommandError(f"{words}. Name a login that may create roles: --as postgres://…") from refused


def _login(alias: str) -> grants.Role:
    known = connections[alias].settings_dict
    return grants.Role(known["USER"], known["PASSWORD"])


def _url(alias: str) -> str:
    known = connections[alias].settings_dict
    words = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
    login: dict[str, Any] = {word: known[key] or None for word, key in words.items()}
    return make_conninfo("", password=known["PASSWORD"] or None, **login)
