"""Three levels of keys: a provider's key-encryption key → one key per tenant and purpose → one data key per person.

Destroying a person's key makes everything sealed under it unreadable everywhere. Reading fails closed: `Erased`
for a destroyed key, `Undecryptable` for the rest, never the stored bytes.
"""

import base64
import time
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from governance import conf, providers, sealing, tenancy

PEOPLE, INDEX = "people", "index"
DESTROYED = b"\x00"
BLIND_BYTES = 16


class Unreadable(Exception):
    """A sealed value cannot be read: it was erased, or it does not open."""


class Undecryptable(Unreadable):
    """The value does not open here: damaged, moved, or sealed under a key we do not have."""


class Erased(Unreadable):
    """The key was destroyed on purpose at `at`."""

    def __init__(self, at: datetime | None = None) -> None:
        super().__init__("erased")
        self.at = at


class Misplaced(Unreadable):
    """A sealed value was about to be stored in a row it was not sealed for."""


class TenantSecret(NamedTuple):
    """One generation of a tenant's key for one purpose, unwrapped."""

    key_id: UUID
    generation: int
    key: bytes
    cipher: AESGCM


def _long() -> float:
    return float(conf.get("KEY_CACHE_SECONDS"))


def _many() -> int:
    return int(conf.get("KEY_CACHE_SIZE"))


_tenant_keys = tenancy.Kept(seconds=_long, most=_many)
_person_keys = tenancy.Kept(seconds=_long, most=_many)


# --- a tenant's keys -------------------------------------------------------------------------------------------------
def _context(tenant_id: UUID, purpose: str) -> dict[str, str]:
    return {"tenant": str(tenant_id), "subject": "tenant", "purpose": purpose}


def _unwrapped(row: Any) -> TenantSecret:
    try:
        key = providers.current().unwrap(bytes(row.wrapped), _context(row.tenant_id, row.purpose))
    except sealing.Unopenable as error:
        raise Undecryptable(f"The tenant's key {row.pk} does not open: is this the right key provider?") from error
    return TenantSecret(row.pk, row.generation, key, sealing.cipher(key))


def _make(tenant_id: UUID, purpose: str) -> tuple[Any, bool]:
    wrapped = providers.current().wrap(sealing.new_key(), _context(tenant_id, purpose))
    made: tuple[Any, bool] = apps.get_model("governance", "TenantKey").objects.get_or_create(
        purpose=purpose,
        generation=1,
        defaults={
            "wrapped": wrapped.blob,
            "provider": providers.current().name,
            "provider_version": wrapped.version,
        },
    )
    return made


def _load(tenant_id: UUID, purpose: str, generation: int | None) -> tuple[TenantSecret, bool]:
    """The newest or the named generation, and whether it was made just now."""
    rows = apps.get_model("governance", "TenantKey").objects.filter(purpose=purpose, destroyed_at=None)
    with tenancy.within(tenant_id):
        row = (rows.filter(generation=generation) if generation else rows).order_by("-generation").first()
        if row is None and generation:
            raise Undecryptable(f"Generation {generation} of the tenant's {purpose} key is gone.")
        row, is_new = (row, False) if row else _make(tenant_id, purpose)
    return _unwrapped(row), is_new


def of_tenant(tenant_id: UUID, purpose: str, generation: int | None = None) -> TenantSecret:
    """A tenant's key, made on first use. Refuses to serve another tenant than the one active here.

    A key made in a transaction is believed by others only after its commit: a rolled-back key never seals anything.
    """
    if not tenancy.may_read(tenant_id):
        tenancy.require(tenant_id)
    wanted = (tenant_id, purpose, generation)
    known = _tenant_keys.get(wanted) or _made_here(wanted)
    if known is not None:
        secret: TenantSecret = known
        return secret
    epoch = _tenant_keys.epoch
    secret, is_new = _load(tenant_id, purpose, generation)
    if is_new:
        _keep_after_commit((tenant_id, purpose, None), secret, epoch)
        _keep_after_commit((tenant_id, purpose, secret.generation), secret, epoch)
    else:
        _tenant_keys.put(wanted, secret, epoch=epoch)
    return secret


def _keep_after_commit(wanted: Any, secret: TenantSecret, epoch: int) -> None:
    def keep() -> None:
        _pending().pop(wanted, None)
        _tenant_keys.put(wanted, secret, epoch=epoch)

    _pending()[wanted] = (keep, secret)
    transaction.on_commit(keep)


def _pending() -> dict[Any, Any]:
    held: dict[Any, Any] = connections[DEFAULT_DB_ALIAS].__dict__.setdefault("keys_made_here", {})
    return held


def _made_here(wanted: Any) -> TenantSecret | None:
    """A key made earlier in this transaction, if that part of it was not rolled back."""
    held = _pending().get(wanted)
    if held is None:
        return None
    keep, secret = held
    if any(entry[1] is keep for entry in connections[DEFAULT_DB_ALIAS].run_on_commit):
        made: TenantSecret = secret
        return made
    _pending().pop(wanted, None)
    return None


def blind(tenant_id: UUID, kind: str, normal: str) -> str:
    """`generation:hash`, 128 bits of HMAC-SHA-256 under the tenant's index key; equality within one tenant only."""
    secret = of_tenant(tenant_id, INDEX)
    digest = sealing.mac(secret.key, sealing.bind(kind, normal))[:BLIND_BYTES]
    return f"{secret.generation}:{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


# --- a person's key --------------------------------------------------------------------------------------------------
def _person_place(person: Any) -> bytes:
    return sealing.bind(str(person.tenant_id), "person-key", str(person.pk), str(person.key_generation))


def give(person: Any) -> None:
    """Make the data key of a new person, unless they have one."""
    if person.wrapped_key:
        return
    over = of_tenant(person.tenant_id, PEOPLE)
    person.wrapped_key = sealing.seal(
        over.cipher, sealing.new_key(), key_id=over.key_id, generation=over.generation, place=_person_place(person)
    )
    person.read_at = time.monotonic()


def _of_person(person: Any) -> AESGCM:
    """The person's cipher. Refuses with `Erased` and `Undecryptable`."""
    if not tenancy.may_read(person.tenant_id):
        tenancy.require(person.tenant_id)
    _believe(person)
    if person.erased_at is not None or not person.wrapped_key:
        raise Erased(person.erased_at)
    wrapped = bytes(person.wrapped_key)
    cipher: AESGCM = _person_keys.answer((person.pk, person.key_generation, wrapped), lambda: _open(person, wrapped))
    return cipher


def _open(person: Any, wrapped: bytes) -> AESGCM:
    try:
        over = of_tenant(person.tenant_id, PEOPLE, sealing.Header.read(wrapped).generation)
        return sealing.cipher(sealing.unseal(over.cipher, wrapped, place=_person_place(person)))
    except sealing.Unopenable as error:
        raise Undecryptable("The person's key does not open.") from error


def seal(person: Any, plaintext: bytes, *, place: bytes) -> bytes:
    """Sealed under the person's key for one place. Refuses with `Erased`."""
    if person._state.adding:
        give(person)
    return sealing.seal(_of_person(person), plaintext, key_id=person.pk, generation=person.key_generation, place=place)


def unseal(person: Any, sealed: bytes, *, place: bytes) -> bytes:
    """What was sealed for this person and place. Refuses with `Erased` and `Undecryptable`."""
    cipher = _of_person(person)
    try:
        if sealing.Header.read(sealed).key_id != person.pk:
            raise Undecryptable("This was sealed for another person.")
        return sealing.unseal(cipher, sealed, place=place)
    except sealing.Unopenable as error:
        raise Undecryptable("This does not open here: damaged, or moved from where it was sealed.") from error


# --- the erase epoch -------------------------------------------------------------------------------------------------
# A person read from the database a moment ago is believed. One held longer asks, at most every ERASE_EPOCH_SECONDS
# per process and tenant, whether anybody was erased since; if so, each held person's key is read again.
_asked: dict[UUID, tuple[float, int]] = {}
_distrusted: dict[UUID, float] = {}


def distrust(tenant_id: UUID) -> None:
    """Believe no key of this tenant's people that was read before now."""
    _distrusted[tenant_id] = time.monotonic()
    _person_keys.forget()


def _epoch_now(tenant_id: UUID) -> int:
    rows = apps.get_model("governance", "EraseEpoch").objects
    with tenancy.within(tenant_id):
        return rows.values_list("value", flat=True).first() or 0


def _look_at_epoch(tenant_id: UUID, now: float) -> None:
    value = _epoch_now(tenant_id)
    _, before = _asked.get(tenant_id, (0.0, -1))
    if value != before:
        distrust(tenant_id)
    _asked[tenant_id] = (now, value)


def _believe(person: Any) -> None:
    """Make sure the key this instance carries was not destroyed by another process meanwhile."""
    if person._state.adding:
        return
    now, read_at = time.monotonic(), getattr(person, "read_at", None)
    if read_at is None:
        return _read_again(person)
    asked_at, _ = _asked.get(person.tenant_id, (0.0, -1))
    if now - max(read_at, asked_at) > conf.get("ERASE_EPOCH_SECONDS"):
        _look_at_epoch(person.tenant_id, now)
    if read_at <= _distrusted.get(person.tenant_id, -1.0):
        _read_again(person)


def _read_again(person: Any) -> None:
    try:
        person.refresh_from_db(fields=["wrapped_key", "key_generation", "erased_at"])
    except ObjectDoesNotExist as error:
        raise Undecryptable("The person this was sealed for is gone.") from error
