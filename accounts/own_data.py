"""A copy of what is held about oneself, to take along: one JSON document."""

import json
from datetime import datetime
from typing import Any

from accounts import profiles
from accounts.models import User
from accounts.profiles import NotYourOwn
from audit import ledger, reading
from governance import holdings, tenancy
from governance.models import Person


def happened(user: User, person: Person, *, newest: int | None = None) -> list[reading.Noted]:
    """What the ledger of this tenant has by and about this member, newest first."""
    return reading.concerning(str(person.pk), user_id=str(user.pk), limit=newest)


def hand_out(user: User, *, by: User, at: datetime) -> bytes:
    """Everything held about this member here. Who took it is in the ledger before a byte is answered.

    Refuses `NotYourOwn` and `roles.NotHere`.
    """
    if by.pk != user.pk or by.seen_by is not None:
        raise NotYourOwn
    person = profiles.person_of(user, at=at)
    parts = holdings.of(person)
    rows = sum(part.total for part in parts)
    ledger.record("accounts.data.handed_out", user, people=[person], reason=f"json, {rows} rows")
    tenant, events = tenancy.current(), happened(user, person)
    copy: dict[str, Any] = {
        "schema": holdings.SCHEMA,
        "made_at": at.isoformat(),
        "held_by": {"name": tenant.name, "contact": tenant.contact_email},
        "held": holdings.document(parts),
        "happened": [
            {"at": noted.at.isoformat(), "what": noted.action, "outcome": noted.outcome, "by_yourself": noted.is_own}
            for noted in events
        ],
        "kept_apart": holdings.document(holdings.kept_apart()),
    }
    return json.dumps(copy, ensure_ascii=False, indent=1).encode(errors="replace")
