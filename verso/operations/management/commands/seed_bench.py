"""`manage.py seed_bench`: lay many rows in the bench's own tenants."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from audit.management.base import OperatorCommand
from governance import tenancy
from verso.operations.bench import ground


class Command(OperatorCommand):
    help = "Lay many rows for measurements in tenants of their own (bench-0, bench-1, …). Refused in production."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for noun, default in (("tenants", 1), ("providers", 10), ("services", 1), ("people", 1)):
            parser.add_argument(f"--{noun}", type=int, default=default)
        for noun in ("appointments", "events", "posts"):
            parser.add_argument(f"--{noun}", type=int, default=0)

    def act(self, **options: Any) -> dict[str, Any]:
        """Rows per tenant; what is already there is kept."""
        if settings.SETTINGS_MODULE.endswith(".production"):
            raise CommandError("seed_bench fills a database with nonsense; production settings refuse it.")
        if options["posts"]:
            raise CommandError("There is no blog to fill yet; leave --posts out.")
        for number in range(options["tenants"]):
            with tenancy.within(ground.tenant(number)):
                self._fill(options)
        nouns = ("tenants", "providers", "services", "people", "appointments", "events")
        return {noun: options[noun] for noun in nouns}

    def _fill(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        who, what = ground.practice(options["providers"], options["services"])
        people = list(self.progress(ground.customers(options["people"], now), total=options["people"], noun="people"))
        history = ground.past_appointments(who, what[0], people[0], count=options["appointments"], before=now)
        self._count(history, options["appointments"])
        self._count(ground.events(options["events"], what[0]), options["events"])

    def _count(self, done: Iterator[int], total: int) -> None:
        for _rows in self.progress(done, total=-(-total // ground.BATCH), noun=f"batches of {ground.BATCH}"):
            pass
