"""Second factors: the authenticator somebody enrols, and the codes that stand in for it once each."""

import secrets
import time
from datetime import datetime
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import conf
from accounts.models import RecoveryCode, User
from audit import ledger

# No 0, 1, I, L, O, U: codes are read from paper. Sixteen signs are 80 bits, beyond guessing even from the digests.
SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16


class AlreadyEnrolled(ValidationError):
    """There is an authenticator; another replaces it only for somebody who has just shown the old one."""

    def __init__(self) -> None:
        super().__init__(_("An authenticator is set up already. Confirm it first."), code="already_enrolled")


class WrongCode(ValidationError):
    """Not an unused recovery code of this person."""

    def __init__(self) -> None:
        super().__init__(_("This is not one of your unused recovery codes."), code="wrong_code")


def locked_device(user: User) -> TOTPDevice | None:
    """The user's authenticator, its row locked: two who bring the same code are served one after the other."""
    return TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).order_by("pk").first()


def enrol(user: User, *, key: str, drift: int = 0, replacing: bool = False, at: datetime) -> Device:
    """Make this key the authenticator; other sessions end. Refuses `AlreadyEnrolled` unless `replacing`."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if user.has_second_factor() and not replacing:
            raise AlreadyEnrolled
        TOTPDevice.objects.filter(user=user).delete()
        device = TOTPDevice(user=user, key=key, drift=drift, name="default", last_used_at=at)
        device.last_t = int((time.time() - device.t0) // device.step) + drift  # the code shown at enrolment is spent
        device.save()
        user.end_sessions()
        ledger.record("accounts.factor.replaced" if replacing else "accounts.factor.enrolled", user)
    return device


def _digest(user: User, code: str) -> str:
    letters = "".join(sign for sign in code.upper() if sign.isalnum())
    return sha256(b"verso.recovery" + user.pk.bytes + letters.encode()).hexdigest()


def make_recovery_codes(user: User, *, at: datetime) -> list[str]:
    """Ten fresh codes, returned this once; earlier ones stop working."""
    codes = ["".join(secrets.choice(SIGNS) for _ in range(LENGTH)) for _ in range(conf.RECOVERY_CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=_digest(user, code), made_at=at) for code in codes
        )
        ledger.record("accounts.recovery_codes.made", user, changes={"codes": [None, len(codes)]})
    return ["-".join(code[i : i + 4] for i in range(0, LENGTH, 4)) for code in codes]


def use_recovery_code(user: User, code: str, *, at: datetime) -> None:
    """Spend one code. Refuses `WrongCode`, also to all but one of those who bring the same code together."""
    with transaction.atomic():
        if not user.recovery_codes.all().spend(_digest(user, code), at=at):
            raise WrongCode
        ledger.record("accounts.recovery_codes.used", user, changes={"left": [None, codes_left(user)]})


def codes_left(user: User) -> int:
    """How many recovery codes still work."""
    return RecoveryCode.objects.filter(user=user).unused().count()
