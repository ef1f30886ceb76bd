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

# A code sent by e-mail is good for this long, for so many tries; it is sent so often, not again within the pause.
CODE_FOR = timedelta(minutes=15)
CODE_TRIES = 5
CODE_SENDINGS = 3
CODE_PAUSE = timedelta(minutes=1)

# Break-glass lasts this long, and seeing as somebody else at most this.
BREAK_GLASS = timedelta(hours=1)
SEEN_AS = timedelta(minutes=30)
# An API token lasts at most this long.
TOKEN_LIFE = timedelta(days=365)

# "Remember me" at most this long; 0 takes the choice away.
REMEMBER_DAYS = 30
# NIST SP 800-63B-4 §3.1.1: 15 characters where a password is the only factor.
PASSWORD_LENGTH = 15
PASSWORD_LENGTH_WITH_FACTOR = 8
# Earlier passwords that may not come back.
PASSWORD_HISTORY = 5
# A password that was not found in a breach is asked about again at a sign-in this much later.
BREACH_AGAIN = timedelta(days=30)
# How long a breach look-up may keep somebody waiting, in seconds, whatever the other side does.
BREACH_SECONDS = 1.0
# The largest answer of the range service that is read: some 40 kB are usual.
BREACH_BYTES = 512 * 1024

# Wrong secrets count this long for one address, its network, a known device and the whole tenant.
PLACES_FOR = timedelta(minutes=15)
# ... and this long for an account tried from unknown devices, where the pause between two tries grows from and to this.
GUESSES_FOR = timedelta(hours=12)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
# Where a proof of work is asked for and none is shown, one try per address goes through this often.
UNPROVED_EVERY = timedelta(seconds=30)
# A challenge serves this long, once. Some 0.5 million rounds of SHA-256: half a second in a browser.
CHALLENGE_FOR = timedelta(minutes=20)
CHALLENGE_ROUNDS = 2_000
CHALLENGE_TRIES = (100, 400)
# Locked accounts within an hour that the doctor calls an alarm.
MANY_LOCKOUTS = 20

# How long another process may go on with a policy that was just changed.
POLICY_SECONDS = 5.0
# How long ended sessions stay to be looked at, unused browsers stay known, and spent one-time tokens stay on record.
SESSIONS_KEPT = timedelta(days=90)
DEVICE_KEPT = timedelta(days=365)
SPENT_KEPT = timedelta(days=1)
# So many rows of a kind are ended or deleted in one go.
SWEEP = 500
# A call to an identity provider lasts this long at most, and its answer is this large at most.
OUTGOING_SECONDS = 8.0
OUTGOING_BYTES = 256 * 1024
# What providers publish about themselves is believed this long; unknown keys are looked for at most this often.
PROVIDER_SECONDS = 3600
PROVIDER_KEYS_SECONDS = 60
# Clocks of providers may differ from ours by so many seconds.
CLOCK_LEEWAY = 60
