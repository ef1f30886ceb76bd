"""Security keys and passkeys: enrolled, used and named by their owner. They answer for the host they were made on.

The ceremony itself (options, and what is checked of an answer) is the WebAuthn plugin's of django-two-factor-auth. Who
the relying party is comes from the request: every tenant's host is one of its own.
"""

import ipaddress
import json
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, Self
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from two_factor.plugins.webauthn import utils as ceremony
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity

from accounts import factors
from accounts.models import SecurityKey, User
from audit import ledger

MOST = 12


class NotThisKey(ValidationError):
    """The answer is not one of this user's keys' to this very challenge, here and now."""

    def __init__(self) -> None:
        super().__init__(_("This key did not answer as expected. Please try again."), code="not_this_key")


class CopiedKey(NotThisKey):
    """The key counts fewer uses than are known of it: somebody copied it. People read the same words."""


class KeyNotTaken(ValidationError):
    """The new key did not answer the challenge, is enrolled already, or verified nobody."""

    def __init__(self) -> None:
        super().__init__(_("This key could not be added. Please try again."), code="key_not_taken")


class EnoughKeys(ValidationError):
    """Nobody needs more than a dozen."""

    def __init__(self) -> None:
        super().__init__(_("There are twelve keys already. Remove one first."), code="enough_keys")


class Place(NamedTuple):
    """Where a ceremony takes place: the host keys are bound to, and the origin the browser will swear to."""

    rp_id: str
    origin: str
    name: str

    @classmethod
    def of(cls, origin: str, *, name: str) -> Self:
        """The place an origin such as `https://salon.example` names."""
        return cls(urlsplit(origin).hostname or "", origin, name)

    @property
    def can_hold_keys(self) -> bool:
        """Keys are bound to names: browsers refuse them on a bare address."""
        try:
            ipaddress.ip_address(self.rp_id)
        except ValueError:
            return bool(self.rp_id)
        return False


class Options(NamedTuple):
    """What the browser is given, as JSON, and the challenge in it."""

    json: str
    challenge: str


def _party(place: Place) -> PublicKeyCredentialRpEntity:
    return PublicKeyCredentialRpEntity(id=place.rp_id, name=place.name)


def options_to_enrol(user: User, *, place: Place) -> Options:
    """What a new key is asked. Those enrolled here already are told to stay silent."""
    taken = SecurityKey.objects.filter(user=user).at(place.rp_id).values_list("credential_id", flat=True)
    asked = PublicKeyCredentialUserEntity(id=user.pk.bytes, name=user.email, display_name=str(user))
    drawn, challenge = ceremony.make_credential_creation_options(asked, _party(place), list(taken))
    described = json.loads(drawn)
    described["authenticatorSelection"]["residentKey"] = "preferred"  # one that knows its person signs in by itself
    return Options(json.dumps(described), challenge)


def options_to_verify(user: User, *, place: Place) -> Options:
    """What this user's keys of this host are asked."""
    known = SecurityKey.objects.filter(user=user).at(place.rp_id).values_list("credential_id", flat=True)
    return Options(*ceremony.make_credential_request_options(_party(place), list(known)))


def options_to_sign_in(*, place: Place) -> Options:
    """What whichever passkey of this host is asked. The one somebody chooses says whose it is (WebAuthn §7.2)."""
    return Options(*ceremony.make_credential_request_options(_party(place), []))


def owner_of(answer: str, *, place: Place) -> User | None:
    """Whose passkey says to speak, if it is one of this host; to be believed when `use` has taken the answer."""
    said = _said(answer)
    key = SecurityKey.objects.at(place.rp_id).filter(credential_id=said.id).select_related("user").first()
    return key.user if key and said.handle == bytes_to_base64url(key.user.pk.bytes) else None


def enrol(
    user: User, *, name: str, answer: str, challenge: str, place: Place, beside: bool, at: datetime
) -> SecurityKey:
    """Add a key; other sessions end. Refuses `KeyNotTaken`, `EnoughKeys`, and `AlreadyEnrolled` unless `beside`."""
    try:
        public_key, credential_id, count = ceremony.verify_registration_response(
            place.rp_id, place.origin, challenge, answer
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise KeyNotTaken from wrong
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        _refuse_one_too_many(user, credential_id, place=place, beside=beside)
        key = SecurityKey.objects.create(
            user=user,
            name=name,
            rp_id=place.rp_id,
            credential_id=credential_id,
            public_key=public_key,
            sign_count=count,
            answered=_digest(challenge),
            created_at=at,
        )
        user.end_sessions()
        ledger.record("accounts.security_key.enrolled", user, changes={"key": [None, str(key.pk)]})
    return key


def _refuse_one_too_many(user: User, credential_id: str, *, place: Place, beside: bool) -> None:
    if user.has_second_factor() and not beside:
        raise factors.AlreadyEnrolled
    if SecurityKey.objects.filter(user=user).count() >= MOST:
        raise EnoughKeys
    if SecurityKey.objects.at(place.rp_id).filter(credential_id=credential_id).exists():
        raise KeyNotTaken


def use(user: User, *, answer: str, challenge: str, place: Place, at: datetime) -> SecurityKey:
    """Take a key's answer, once. Refuses `NotThisKey` (another's key, another host, an old answer) and `CopiedKey`."""
    with transaction.atomic():
        key = _locked(user, answer, place=place)
        if key is None or key.answered == _digest(challenge):
            raise NotThisKey
        counted = _checked(key, answer=answer, challenge=challenge, place=place)
        if (counted or key.sign_count) and counted <= key.sign_count:
            raise CopiedKey
        key.sign_count = counted
        key.answered, key.last_used_at = _digest(challenge), at
        key.save(update_fields=["sign_count", "answered", "last_used_at"])
    return key


def _checked(key: SecurityKey, *, answer: str, challenge: str, place: Place) -> int:
    """How often the key says it was used, once everything but that is proven. Refuses `NotThisKey`."""
    try:
        return int(
            ceremony.verify_authentication_response(key.public_key, 0, _party(place), place.origin, challenge, answer)
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise NotThisKey from wrong


def _locked(user: User, answer: str, *, place: Place) -> SecurityKey | None:
    """The user's key that speaks, its row locked: two who bring the same answer are served one after the other."""
    mine = SecurityKey.objects.select_for_update().filter(user=user)
    return mine.at(place.rp_id).filter(credential_id=_said(answer).id).first()


class _Said(NamedTuple):
    """Which credential speaks, and whom it says to speak for."""

    id: str = ""
    handle: str = ""


def _said(answer: str) -> _Said:
    """What an answer says of itself; nothing, when it is none."""
    try:
        said = json.loads(answer)
        credential_id, handle = str(said["id"]), str(said["response"].get("userHandle") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Said()
    return _Said() if "\0" in credential_id else _Said(credential_id, handle)


def _digest(challenge: str) -> str:
    return sha256(challenge.encode()).hexdigest()


def rename(key: SecurityKey, *, name: str, by: User, at: datetime) -> SecurityKey:
    """Give a key another name."""
    with transaction.atomic():
        key.name = name
        key.save(update_fields=["name"])
        ledger.record("accounts.security_key.renamed", by, changes={"key": [None, str(key.pk)]})
    return key


def remove(key: SecurityKey, *, by: User, at: datetime) -> None:
    """Forget a key; other sessions end. Refuses `StillNeeded` while it is the last factor, or key, demanded."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)
        factors.refuse_if_needed(by, security_key=key)
        kept: UUID = key.pk
        key.delete()
        factors.forget_codes_without_factor(by)
        by.end_sessions()
        ledger.record("accounts.security_key.removed", by, changes={"key": [str(kept), None]})


def of(user: User) -> list[SecurityKey]:
    """All keys of a user, of every host, oldest first."""
    return list(SecurityKey.objects.filter(user=user))


def answers_here(user: User, *, place: Place) -> bool:
    """Whether a key of theirs answers on this host."""
    return SecurityKey.objects.filter(user=user).at(place.rp_id).exists()
