"""This app's settings, each with its default."""

from datetime import timedelta

from django.conf import settings

HOLD_FOR: timedelta = getattr(settings, "SCHEDULING_HOLD_FOR", timedelta(minutes=10))
"""How long a time is kept for a visitor who fills in the form."""

LONGEST_ALLOCATION: timedelta = timedelta(days=7)
"""No allocation is longer (a database constraint), so every search for what overlaps may start this much earlier."""

TRIES: int = 3
"""How often a verb is tried again after a deadlock, a serialisation failure or a lock that could not be had."""
