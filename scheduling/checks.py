"""What must be true of a running house: nothing can be booked twice."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register

from scheduling import guards


@register(Tags.database)
def never_twice(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """PostgreSQL has the constraints on allocations. A warning, for `migrate` runs this
    before it puts them back. (SQLite's triggers are looked for by `audit.W001`.)"""
    return [
        Warning(
            f"The constraint {name} is missing on {using!r}: bookings could overlap.",
            hint="Find out who removed it, then run `manage.py migrate`, which puts it back.",
            id="scheduling.W001",
        )
        for using in databases or ()
        for name in guards.missing(using)
    ]
