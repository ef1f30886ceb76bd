"""Authenticated encryption and keyed hashes, as Verso uses them: AES-256-GCM, HMAC-SHA-256, HKDF-SHA-256.

A sealed value is `version | key id | generation | nonce | ciphertext+tag` (1 | 16 | 2 | 12 | n+16 bytes, big-endian).
The header and where the value lives are authenticated with it, so it opens in that place only.
"""

import hashlib
import hmac
import os
import struct
from typing import NamedTuple, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
_HEADER = struct.Struct(">B16sH")


class Unopenable(Exception):
    """The bytes are not a sealed value, were changed, or are not where they were sealed."""


class Header(NamedTuple):
    """What a sealed value says about itself: which key, and which generation of it."""

    version: int
    key_id: UUID
    generation: int

    def pack(self) -> bytes:
        """The 19 bytes in front of the nonce."""
        return _HEADER.pack(self.version, self.key_id.bytes, self.generation)

    @classmethod
    def read(cls, sealed: bytes) -> Self:
        """The header of a sealed value. Refuses with `Unopenable` what is too short or of another version."""
        if len(sealed) < _HEADER.size + NONCE_BYTES + TAG_BYTES:
            raise Unopenable("too short to be a sealed value")
        version, key_id, generation = _HEADER.unpack_from(sealed)
        if version != VERSION:
            raise Unopenable(f"unknown format version {version}")
        return cls(version, UUID(bytes=key_id), generation)


def new_key() -> bytes:
    """256 random bits."""
    return os.urandom(KEY_BYTES)


def cipher(key: bytes) -> AESGCM:
    """AES-256-GCM under `key`. Refuses shorter keys with `ValueError`."""
    if len(key) != KEY_BYTES:
        raise ValueError("an AES-256 key is 32 bytes")
    return AESGCM(key)


def encrypt(with_cipher: AESGCM, nonce: bytes, plaintext: bytes, about: bytes) -> bytes:
    """Ciphertext and 128-bit tag. Refuses nonces that are not 96 bits with `ValueError`."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError("a nonce is 12 bytes")
    return with_cipher.encrypt(nonce, plaintext, about)


def decrypt(with_cipher: AESGCM, nonce: bytes, ciphertext: bytes, about: bytes) -> bytes:
    """The plaintext. Refuses with `Unopenable` unless key, nonce, tag and `about` all fit."""
    if len(nonce) != NONCE_BYTES or len(ciphertext) < TAG_BYTES:
        raise Unopenable("a nonce is 12 bytes, a tag 16")
    try:
        return with_cipher.decrypt(nonce, ciphertext, about)
    except InvalidTag as error:
        raise Unopenable("the tag does not fit") from error


def bind(*parts: str) -> bytes:
    """Names of a place, joined so that no two places join alike."""
    encoded = [part.encode(errors="replace") for part in parts]
    return b"".join(len(part).to_bytes(2, "big") + part for part in encoded)


def seal(with_cipher: AESGCM, plaintext: bytes, *, key_id: UUID, generation: int, place: bytes) -> bytes:
    """`plaintext` sealed for one place under a fresh random nonce."""
    header, nonce = Header(VERSION, key_id, generation).pack(), os.urandom(NONCE_BYTES)
    return header + nonce + encrypt(with_cipher, nonce, plaintext, header + place)


def unseal(with_cipher: AESGCM, sealed: bytes, *, place: bytes) -> bytes:
    """What was sealed for `place`. Refuses with `Unopenable`."""
    header, rest = sealed[: _HEADER.size], sealed[_HEADER.size :]
    return decrypt(with_cipher, rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + place)


def mac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac.digest(key, message, hashlib.sha256)


def derive(secret: bytes, purpose: bytes, *, salt: bytes | None = None, length: int = KEY_BYTES) -> bytes:
    """A key for one purpose out of a secret: HKDF-SHA-256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=purpose).derive(secret)
