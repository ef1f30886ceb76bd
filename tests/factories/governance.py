"""People a tenant holds data about."""

from datetime import UTC, datetime
from typing import Any

from governance import people
from governance.models import Person

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def make_person(name: str = "María Núñez", **typed: Any) -> Person:
    """Somebody who once booked; their e-mail follows from their name unless given."""
    first = "".join(sign for sign in name.split()[0].lower() if sign.isascii())
    return people.recognise(**{"name": name, "email": f"{first}@example.org", "at": AT, **typed})
