"""What must be true of a running house: its guards stand, its keys are its own, somebody can seal personal values."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from audit import conf, guards


@register(Tags.database)
def guards_stand(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Every registered guard is in the database. A warning, for `migrate` runs this before it puts them back."""
    return [
        Warning(
            f"The database guard {name} is missing, switched off or altered on {using!r}.",
            hint="Find out who removed it, then run `manage.py migrate`, which puts it back.",
            id="audit.W001",
        )
        for using in databases or ()
        for name in guards.missing(using)
    ]


@register(Tags.security, deploy=True)
def ledger_has_its_own_keys(**kwargs: Any) -> list[CheckMessage]:
    """Production authenticates the ledger with keys of its own."""
    if getattr(settings, "AUDIT_MAC_KEYS", conf.DEFAULT_MAC_KEYS) != conf.DEFAULT_MAC_KEYS:
        return []
    return [
        Warning(
            "The ledger's authentication key is derived from SECRET_KEY.",
            hint="Point AUDIT_MAC_KEYS at a key ring of its own, or keep every old SECRET_KEY in SECRET_KEY_FALLBACKS: "
            "without it older events can no longer be told from forged ones.",
            id="audit.W002",
        )
    ]


@register(Tags.security, deploy=True)
def personal_values_can_be_sealed(**kwargs: Any) -> list[CheckMessage]:
    """Production keeps personal values readable for staff, under the person's key."""
    if getattr(settings, "AUDIT_CIPHER", ""):
        return []
    return [
        Error(
            "Personal values are withheld from the ledger, because no cipher is named.",
            hint="Set AUDIT_CIPHER to the dotted path of a cipher, for example governance.keys.LedgerCipher.",
            id="audit.E001",
        )
    ]
