"""The operator's door: `--tenant`, `--actor` and `--json` for every command that acts."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from audit import context, ledger

T = TypeVar("T")


class OperatorCommand(BaseCommand):
    """A command that acts: subclasses define `act(**options)` and return what happened as a dictionary.

    `act` runs in the frame of `--tenant` and `--actor`; what it refuses is printed, noted in the ledger and answered
    with a non-zero exit. With `--json` one document is printed, otherwise `say(done)`, a line per fact.
    """

    needs_tenant = False

    def add_arguments(self, parser: CommandParser) -> None:
        """`--tenant`, `--actor`, `--json`; subclasses call super and add their own."""
        parser.add_argument("--tenant", default="", help="Short name or id of the tenant to act in.")
        parser.add_argument("--actor", default="", help="E-mail or id of the user who acts; the system when left out.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print one JSON document.")

    def act(self, **options: Any) -> dict[str, Any] | None:
        """What the command does."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        """Enter the frame, act, print. Refuses an unknown tenant or actor."""
        self.tenant = _tenant(options.pop("tenant"))
        self.user = _user(options.pop("actor"))
        as_json = options.pop("as_json")
        if self.needs_tenant and self.tenant is None:
            raise CommandError("Say which tenant: --tenant SHORT-NAME.")
        done = self._act(**options) or {}
        self.stdout.write(json.dumps(done, cls=DjangoJSONEncoder) if as_json else self.say(done))

    def say(self, done: dict[str, Any]) -> str:
        """What is printed for people."""
        return "\n".join(f"{name}: {value}" for name, value in done.items())

    def progress(self, rows: Iterable[T], *, total: int, noun: str = "rows") -> Iterator[T]:
        """The rows one by one, counted on the terminal's error stream; silent where nobody watches."""
        watched = self.stderr.isatty() if hasattr(self.stderr, "isatty") else sys.stderr.isatty()
        step = max(1, total // 100)
        for number, row in enumerate(rows, start=1):
            yield row
            if watched and (number % step == 0 or number == total):
                self.stderr.write(f"\r{number}/{total} {noun}", ending="\n" if number == total else "")

    def _act(self, **options: Any) -> dict[str, Any] | None:
        actor = context.Actor("user", str(self.user.pk)) if self.user else context.SYSTEM
        tenant_id = str(self.tenant.pk) if self.tenant else ""
        with ExitStack() as stack:
            stack.enter_context(context.acting(actor=actor, tenant_id=tenant_id, door="command"))
            stack.enter_context(ledger.keeping_refusals())
            try:
                return self.act(**options)
            except ValidationError as refusal:
                self._note(refusal, "refused")
                raise CommandError(" ".join(refusal.messages)) from refusal
            except CommandError:
                raise
            except Exception as error:
                self._note(error, "failed")
                raise

    def _note(self, error: Exception, outcome: str) -> None:
        name = type(self).__module__.rpartition(".")[2]
        subject = ledger.Subject("command", name)
        ledger.refused(f"audit.command.{outcome}", subject, reason=type(error).__qualname__, outcome=outcome)


def _tenant(named: str) -> Any:
    if not named:
        return None
    tenants = apps.get_model(settings.TENANT_MODEL)._default_manager
    found = tenants.filter(pk=named).first() if _is_uuid(named) else tenants.filter(slug=named).first()
    if found is None:
        raise CommandError(f"There is no tenant {named!r}.")
    return found


def _user(named: str) -> Any:
    if not named:
        return None
    users: Any = get_user_model()._default_manager
    try:
        return users.get(pk=named) if _is_uuid(named) else users.get_by_natural_key(named)
    except models.ObjectDoesNotExist as absent:
        raise CommandError(f"There is no user {named!r}.") from absent


def _is_uuid(words: str) -> bool:
    try:
        UUID(words)
    except ValueError:
        return False
    return True
