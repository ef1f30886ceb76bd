"""Answers to signals of Django and django-auditlog."""

from typing import Any

from audit import configuration, guards
from audit.models import LogEntry


def install_guards(using: str, **kwargs: Any) -> None:
    """After every migration: Django rebuilds SQLite tables and drops their triggers with them."""
    guards.install(using)


def feed_ledger(instance: LogEntry, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """A configuration change seen by django-auditlog goes into the ledger too, m2m changes included."""
    if created and not raw:
        configuration.record(instance)
