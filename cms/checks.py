"""What must be true of a running house: one thing is public at one address."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register

from cms import guards


@register(Tags.database)
def one_timeline(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """PostgreSQL has the constraints on publications. A warning, for `migrate` runs this before it puts them back."""
    return [
        Warning(
            f"The constraint {name} is missing on {using!r}: two versions could be public at once.",
            hint="Find out who removed it, then run `manage.py migrate`, which puts it back.",
            id="cms.W001",
        )
        for using in databases or ()
        for name in guards.missing(using)
    ]
