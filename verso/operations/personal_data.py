"""What operations holds about people: nothing."""

from governance.registry import holds_nothing

holds_nothing("operations.Heartbeat", "name seen_at")
