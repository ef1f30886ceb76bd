"""Accounts' settings with their defaults."""

from datetime import timedelta

# A session ends after this much silence, and after this long in any case (NIST SP 800-63B-4 §2.2.3 for AAL2).
IDLE = timedelta(hours=1)
ABSOLUTE = timedelta(hours=12)
# Acts on one's own factors ask for a verification no older than this.
FRESH = timedelta(minutes=15)
# Last use is written down at most this often, so that reading pages does not write a session each time.
SEEN_EVERY = timedelta(minutes=1)

RECOVERY_CODES = 10
