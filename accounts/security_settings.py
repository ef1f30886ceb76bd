"""Changing what a tenant demands of sessions, factors and passwords."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import security
from accounts.models import SecurityPolicy, User
from audit import ledger

FIELDS = tuple(field.name for field in fields(security.Demands))


def revise(*, by: User | None, at: datetime, **words: Any) -> SecurityPolicy:
    """Set the active tenant's own words; None or "" leaves a matter to the platform. In force for the next request.

    What is looser than the platform's word is kept, and has no effect. Refuses values out of range, and with TypeError
    what is not a matter of policy.
    """
    strange = set(words) - set(FIELDS)
    if strange:
        raise TypeError(f"Not a matter of the security policy: {sorted(strange)}")
    with transaction.atomic():
        policy = SecurityPolicy.objects.select_for_update().first() or SecurityPolicy()
        before = {field: getattr(policy, field) for field in FIELDS}
        for field, word in words.items():
            setattr(policy, field, word)
        policy.full_clean(exclude=[field for field in FIELDS if getattr(policy, field) in (None, "")])
        policy.save()
        changes = {f: [before[f], getattr(policy, f)] for f in FIELDS if before[f] != getattr(policy, f)}
        if changes:
            ledger.record("accounts.policy.changed", policy, changes=changes)
        transaction.on_commit(security.forget)
    security.forget()
    return policy
