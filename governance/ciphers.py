"""What the ledger asks of governance through settings: AUDIT_CIPHER and AUDIT_MAC_KEYS."""

import base64
from functools import cache

from django.core.exceptions import ObjectDoesNotExist

from governance import keys, providers
from governance.models import Person

MAC_PURPOSE = "verso/ledger/mac/"


class LedgerCipher:
    """Seals personal values of ledger entries under the person's key; an erased person's become unreadable."""

    def seal(self, person_id: str, plaintext: str, aad: bytes) -> str:
        """The value, sealed for its place in the entry. Refuses with `keys.Erased` and `keys.Undecryptable`."""
        sealed = keys.seal(_person(person_id), plaintext.encode(), place=b"ledger" + aad)
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, person_id: str, token: str, aad: bytes) -> str:
        """The value again. Refuses with `keys.Erased` and `keys.Undecryptable`."""
        try:
            sealed = base64.urlsafe_b64decode(token)
        except ValueError as error:
            raise keys.Undecryptable("This is not a sealed value.") from error
        return keys.unseal(_person(person_id), sealed, place=b"ledger" + aad).decode()


def _person(person_id: str) -> Person:
    try:
        return (
            Person.within_reach().only("id", "tenant", "wrapped_key", "key_generation", "erased_at").get(pk=person_id)
        )
    except ObjectDoesNotExist as error:
        raise keys.Undecryptable("The person this was sealed for is gone.") from error


class LedgerMacKeys:
    """The keys that authenticate ledger entries, given out by the key provider and never in the database."""

    def current(self) -> tuple[str, bytes]:
        """Id and bytes of the key for new entries."""
        return f"{providers.current().name}:1", _secret("1")

    def find(self, key_id: str) -> bytes | None:
        """The bytes of a key by its id; None when it is not held here."""
        provider, _, generation = key_id.partition(":")
        known = provider == providers.current().name and generation == "1"
        return _secret(generation) if known else None


@cache
def _secret(generation: str) -> bytes:
    return providers.current().secret(MAC_PURPOSE + generation)
