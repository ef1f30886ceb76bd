from audit.models.event import Event, EventOrigin, EventPerson, Pending
from audit.models.log_entry import LogEntry
from audit.models.outbox_message import OutboxMessage

__all__ = ["Event", "EventOrigin", "EventPerson", "LogEntry", "OutboxMessage", "Pending"]
