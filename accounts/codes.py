"""Codes by e-mail: made, sent, shown once, used up. They serve the browser that asked, and nobody else.

allauth makes the code (eight letters of a CSPRNG, RFC 8628 §6.1); it would keep it in clear in the session and count
tries there, where two requests at a time lose one. Here a row counts and a keyed hash compares.
"""

import json
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts import conf
from accounts.models import EmailCode, User
from audit import ledger, outbox
from governance import keys, sealing, tenancy

Purpose = EmailCode.Purpose
SEALED_UNDER = "secrets"  # the tenant's key for what the house keeps for itself


class WrongCode(ValidationError):
    """Not the code that was sent."""

    def __init__(self) -> None:
        super().__init__(_("This is not the code we have sent. Please look at it again."), code="wrong_code")


class CodeOver(ValidationError):
    """No such code for this browser: run out, used, tried too often, or never asked for."""

    def __init__(self) -> None:
        super().__init__(_("This code is over. Please ask for a new one."), code="code_over")


class SentEnough(ValidationError):
    """Another one is not sent: too soon, or too many were."""

    def __init__(self, *, too_soon: bool) -> None:
        soon = _("We have just sent you one. Please wait a minute before you ask for another.")
        many = _("We have sent you several already. Please use the latest one, or start again.")
        super().__init__(soon if too_soon else many, code="sent_enough")


# --- made and sent ----------------------------------------------------------------------------------------------------
def send(purpose: str, *, facts: dict[str, Any], at: datetime, user: User | None = None) -> EmailCode:
    """Make a code and leave its mail in the outbox. What the mail says is found out there: nobody here waits for it."""
    with transaction.atomic():
        code = EmailCode(purpose=purpose, user=user, sealed_facts=b"")
        code.sealed_facts = _seal(code, "facts", json.dumps(facts))
        _make(code, at=at)
        code.save(force_insert=True)
        outbox.post("accounts.code", about=code)
    return code


def send_again(code_id: UUID | str, *, purpose: str, at: datetime) -> EmailCode:
    """Another code in place of the one before. Refuses `CodeOver` and `SentEnough`."""
    with transaction.atomic():
        code = _locked(code_id, purpose)
        if not code.is_open(at=at):
            raise CodeOver
        if code.sendings >= conf.CODE_SENDINGS or at < code.sent_at + conf.CODE_PAUSE:
            raise SentEnough(too_soon=code.sendings < conf.CODE_SENDINGS)
        code.sendings, code.tries = code.sendings + 1, 0
        _make(code, at=at)
        code.save()
        outbox.post("accounts.code", about=code)
        ledger.refused("accounts.code.sent_again", code.user, reason=purpose, outcome="success")
    return code


def _make(code: EmailCode, *, at: datetime) -> None:
    clear = str(get_adapter().generate_email_verification_code())
    code.sealed_code, code.digest = _seal(code, "code", clear), _digest(code, clear)
    code.sent_at, code.expires_at = at, at + conf.CODE_FOR


def clear_code(code: EmailCode) -> str:
    """The code for its mail, as long as the mail has not left; else empty."""
    return _unseal(code, "code", bytes(code.sealed_code)) if code.sealed_code else ""


def forget_clear(code: EmailCode) -> None:
    """The mail has left: the code itself is kept no longer. One made meanwhile stays."""
    EmailCode.objects.filter(pk=code.pk, digest=code.digest).update(sealed_code=None)


# --- shown and used ---------------------------------------------------------------------------------------------------
def pending(code_id: UUID | str, *, purpose: str, at: datetime) -> EmailCode | None:
    """The code this browser may try, or has shown and not used."""
    code = EmailCode.objects.filter(pk=code_id, purpose=purpose).first()
    if code is None or not (code.is_open(at=at) or code.is_proven(at=at)):
        return None
    with suppress(CodeOver):
        facts(code)
        return code
    return None


def prove(code_id: UUID | str, *, purpose: str, typed: str, at: datetime) -> EmailCode:
    """Show a code: right once, wrong five times. Refuses `WrongCode` and `CodeOver`; call it outside transactions."""
    with transaction.atomic():
        code = _locked(code_id, purpose)
        refusal = _try(code, typed, at=at)
        code.save(update_fields=["tries", "proven_at"])
    if refusal is not None:
        ledger.refused("accounts.code.refused", code.user, reason=f"{purpose}: {refusal.code}", outcome="failed")
        raise refusal
    return code


def _try(code: EmailCode, typed: str, *, at: datetime) -> ValidationError | None:
    if not code.is_open(at=at):
        return CodeOver()
    if constant_time_compare(code.digest, _digest(code, typed)):
        code.proven_at = at
        return None
    code.tries += 1
    return WrongCode() if code.tries < conf.CODE_TRIES else CodeOver()


def spend(code_id: UUID | str, *, purpose: str, at: datetime) -> EmailCode:
    """Use up a code that was shown, in the caller's transaction. Refuses `CodeOver`, also the second of two at once."""
    code = _locked(code_id, purpose)
    if not code.is_proven(at=at):
        raise CodeOver
    code.spent_at, code.sealed_code = at, None
    code.save(update_fields=["spent_at", "sealed_code"])
    return code


def _locked(code_id: UUID | str, purpose: str) -> EmailCode:
    code = EmailCode.objects.select_for_update().filter(pk=code_id, purpose=purpose).first()
    if code is None:
        raise CodeOver
    return code


# --- what is kept -----------------------------------------------------------------------------------------------------
def facts(code: EmailCode) -> dict[str, Any]:
    """What was typed when the code was asked for. Refuses `CodeOver` what does not open any more."""
    try:
        kept: dict[str, Any] = json.loads(_unseal(code, "facts", bytes(code.sealed_facts)))
    except (sealing.Unopenable, keys.Unreadable) as lost:
        raise CodeOver from lost
    return kept


def keep(code: EmailCode, **kept: Any) -> None:
    """Keep these facts in place of those there were; none at all once nothing more is told about them."""
    code.sealed_facts = _seal(code, "facts", json.dumps(kept))
    code.save(update_fields=["sealed_facts"])


def _digest(code: EmailCode, clear: str) -> str:
    """A keyed hash of one row's code, however it is spelt: dashes, blanks and case say nothing."""
    normal = "".join(sign for sign in clear[:100] if sign.isalnum()).upper()
    return salted_hmac("accounts.codes", f"{code.pk}:{normal}", algorithm="sha256").hexdigest()


def _place(code: EmailCode, what: str) -> bytes:
    return sealing.bind("email code", what, str(code.tenant_id), str(code.pk))


def _seal(code: EmailCode, what: str, text: str) -> bytes:
    key = keys.of_tenant(tenancy.current_id(), SEALED_UNDER)
    place = _place(code, what)
    return sealing.seal(key.cipher, text.encode(), key_id=key.key_id, generation=key.generation, place=place)


def _unseal(code: EmailCode, what: str, sealed: bytes) -> str:
    key = keys.of_tenant(tenancy.current_id(), SEALED_UNDER, sealing.Header.read(sealed).generation)
    return sealing.unseal(key.cipher, sealed, place=_place(code, what)).decode()
