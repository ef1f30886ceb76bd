"""Authenticators' seeds under a secret of the platform: what lies in a database or a session opens in its place only.

The key comes from the key provider, as the ledger's does: whoever copies the database has no codes.
"""

from functools import cache
from uuid import NAMESPACE_URL, UUID, uuid5

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from governance import providers, sealing

PURPOSE = "verso/accounts/authenticator/"
GENERATION = 1


@cache
def _cipher(generation: int) -> AESGCM:
    return sealing.cipher(providers.current().secret(f"{PURPOSE}{generation}"))


def _key_id(generation: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"{PURPOSE}{generation}")


def place_of(user_id: UUID, row_id: UUID) -> bytes:
    """Where a kept seed lives: this user's, in this row."""
    return sealing.bind("authenticator", str(user_id), str(row_id))


def place_of_enrolment(user_id: UUID) -> bytes:
    """Where a seed lives while its owner has not yet shown a code of it."""
    return sealing.bind("enrolment", str(user_id))


def seal(seed: bytes, *, place: bytes) -> bytes:
    """The seed, sealed for its place."""
    return sealing.seal(_cipher(GENERATION), seed, key_id=_key_id(GENERATION), generation=GENERATION, place=place)


def unseal(sealed: bytes, *, place: bytes) -> bytes:
    """The seed again. Refuses with `sealing.Unopenable` what was moved, changed or sealed elsewhere."""
    return sealing.unseal(_cipher(sealing.Header.read(sealed).generation), sealed, place=place)
