"""Accounts' settings with their defaults."""

from datetime import timedelta

# A session ends after this much silence, and after this long in any case (NIST SP 800-63B-4 §2.2.3 for AAL2).
IDLE = timedelta(hours=1)
ABSOLUTE = timedelta(hours=12)
# Acts on one's own factors ask for a verification no older than this.
FRESH = timedelta(minutes=15)
# A question to a security key waits this long for its answer.
CEREMONY = timedelta(minutes=5)
# Last use is written down at most this often, so that reading pages does not write a session each time.
SEEN_EVERY = timedelta(minutes=1)

RECOVERY_CODES = 10

# "Remember me" at most this long; 0 takes the choice away.
REMEMBER_DAYS = 30
# NIST SP 800-63B-4 §3.1.1: 15 characters where a password is the only factor.
PASSWORD_LENGTH = 15
# Earlier passwords that may not come back.
PASSWORD_HISTORY = 5
# How long another process may go on with a policy that was just changed.
POLICY_SECONDS = 5.0
