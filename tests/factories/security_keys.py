"""A security key made of software, for stories without a browser: it signs what a browser would have it sign."""

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone
from webauthn.helpers import bytes_to_base64url

from accounts import security_keys
from accounts.models import SecurityKey, User

HERE = security_keys.Place("testserver", "http://testserver", "Demo")
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftKey:
    """One credential. `counts=False` is a passkey: it never counts. `copy()` is what a thief would hold."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0
    counts: bool = True

    def copy(self) -> "SoftKey":
        """The same key once more, with a counter of its own."""
        return SoftKey(self.private, self.credential_id, self.count, self.counts)

    def create(self, options: str, *, origin: str = HERE.origin, flags: int = PRESENT | VERIFIED) -> str:
        """What a browser answers to `navigator.credentials.create`."""
        asked = json.loads(options)
        numbers = self.private.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + public
        data = self._data(asked["rp"]["id"], flags | ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._said(
            clientDataJSON=self._client("webauthn.create", asked["challenge"], origin), attestationObject=statement
        )

    def get(
        self, options: str, *, origin: str = HERE.origin, flags: int = PRESENT | VERIFIED, handle: bytes = b""
    ) -> str:
        """What a browser answers to `navigator.credentials.get`; a passkey adds the handle of its person."""
        asked = json.loads(options)
        client = self._client("webauthn.get", asked["challenge"], origin)
        data = self._data(asked["rpId"], flags)
        signature = self.private.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        whose = {"userHandle": handle} if handle else {}
        return self._said(clientDataJSON=client, authenticatorData=data, signature=signature, **whose)

    def _data(self, rp_id: str, flags: int) -> bytes:
        self.count += self.counts
        return sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _said(self, **response: Any) -> str:
        named = bytes_to_base64url(self.credential_id)
        said = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": said})


def add_key(user: User, *, place: security_keys.Place = HERE, name: str = "blue key", counts: bool = True) -> SoftKey:
    """A key this user has, enrolled through the verb."""
    key = SoftKey(counts=counts)
    asked = security_keys.options_to_enrol(user, place=place)
    security_keys.enrol(
        user,
        name=name,
        answer=key.create(asked.json, origin=place.origin),
        challenge=asked.challenge,
        place=place,
        beside=True,
        at=timezone.now(),
    )
    return key


def row_of(key: SoftKey) -> SecurityKey:
    """What is kept of it."""
    return SecurityKey.objects.get(credential_id=bytes_to_base64url(key.credential_id))
