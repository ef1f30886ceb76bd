"""Audit's admin: the ledger's viewer, the outbox and its dead letters, configuration changes. All of it read-only."""

from audit.admin.configuration import LogEntryAdmin
from audit.admin.ledger import EventAdmin
from audit.admin.outbox import OutboxMessageAdmin

__all__ = ["EventAdmin", "LogEntryAdmin", "OutboxMessageAdmin"]
