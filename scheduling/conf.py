"""This app's settings, each with its default."""

from datetime import timedelta

from django.conf import settings

HOLD_FOR: timedelta = getattr(settings, "SCHEDULING_HOLD_FOR", timedelta(minutes=10))
"""How long a time is kept for a visitor who fills in the form."""

LONGEST_ALLOCATION: timedelta = timedelta(days=7)
"""No allocation is longer (a database constraint), so every search for what overlaps may start this much earlier."""

TRIES: int = 3
"""How often a verb is tried again after a deadlock, a serialisation failure or a lock that could not be had."""

EDITIONS_KEPT: timedelta = timedelta(minutes=10)
"""How long a process keeps what it knows of an edition; only to let go of memory: the stamp says when it is over."""

EDITIONS_MOST: int = 256
"""How many answers about editions a process keeps; the oldest go first."""
