"""The demo's settings, with leases short enough to see a message claimed again."""

from verso.settings.dev import *  # noqa: F403

AUDIT_OUTBOX_LEASE = 3
