"""Second factors: the authenticator somebody enrols, and the codes that stand in for it once each.

Security keys are `accounts.security_keys`. No owner of a tenant can take somebody's factor away or reset it: whoever
could would be them. A lost phone is what recovery codes, and a second key, are for.
"""

import secrets
import time
from datetime import datetime
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists
from django.utils.translation import gettext_lazy as _

from accounts import conf, policies
from accounts.models import Authenticator, Membership, RecoveryCode, SecurityKey, User
from audit import ledger
from governance import tenancy

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


class StillNeeded(ValidationError):
    """Their roles, here or in another tenant, demand a factor, and this is the last one that serves."""

    def __init__(self) -> None:
        super().__init__(_("Your roles demand this one. Add another first, then remove it."), code="still_needed")


def locked_device(user: User) -> Authenticator | None:
    """The user's authenticator, its row locked: two who bring the same code are served one after the other."""
    device: Authenticator | None = Authenticator.objects.select_for_update().filter(user=user, confirmed=True).first()
    return device


def authenticator_of(user: User) -> Authenticator | None:
    """The user's authenticator, to read."""
    device: Authenticator | None = Authenticator.objects.filter(user=user, confirmed=True).first()
    return device


def ways(user: User, *, host: str) -> frozenset[str]:
    """How the user can show a second factor on this host: `webauthn`, `totp`, `recovery`. One query."""
    asked = User.objects.filter(pk=user.pk).values_list(
        Exists(SecurityKey.objects.filter(user=user)),
        Exists(SecurityKey.objects.filter(user=user).at(host)),
        Exists(Authenticator.objects.filter(user=user, confirmed=True)),
    )
    has_key, has_key_here, has_app = asked.first() or (False, False, False)
    has = {"webauthn": has_key_here, "totp": has_app, "recovery": has_key or has_app}
    return frozenset(way for way, there in has.items() if there)


def enrol(user: User, *, key: str, drift: int = 0, replacing: bool = False, at: datetime) -> Authenticator:
    """Make this key (hex) the authenticator; other sessions end. Refuses `AlreadyEnrolled` unless `replacing`."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if user.has_second_factor() and not replacing:
            raise AlreadyEnrolled
        had, _rows = Authenticator.objects.filter(user=user).delete()
        device = Authenticator(user=user, drift=drift, name="default", last_used_at=at)
        device.seed = bytes.fromhex(key)
        device.last_t = int(time.time() // device.STEP) + drift  # the code shown at enrolment is spent
        device.save()
        user.end_sessions()
        ledger.record("accounts.factor.replaced" if had else "accounts.factor.enrolled", user)
    return device


def remove_authenticator(user: User, *, at: datetime) -> None:
    """Forget the authenticator; other sessions end. Refuses `StillNeeded` while it is the last factor demanded."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        refuse_if_needed(user, authenticator=True)
        Authenticator.objects.filter(user=user).delete()
        forget_codes_without_factor(user)
        user.end_sessions()
        ledger.record("accounts.factor.removed", user)


def refuse_if_needed(user: User, *, authenticator: bool = False, security_key: SecurityKey | None = None) -> None:
    """Whether the user may do without this factor. Refuses `StillNeeded`."""
    needed = _most_demanded(user)
    keys = [key for key in SecurityKey.objects.filter(user=user) if key != security_key]
    has_code = not authenticator and Authenticator.objects.filter(user=user).exists()
    if needed >= policies.TWO_FACTORS and not (keys or has_code):
        raise StillNeeded
    was_last_here = security_key is not None and all(key.rp_id != security_key.rp_id for key in keys)
    if needed >= policies.RESISTS_PHISHING and was_last_here:
        raise StillNeeded


def _most_demanded(user: User) -> int:
    """The strongest verification demanded of them in any tenant they belong to."""
    with tenancy.across():
        tenants = list(Membership.across_tenants.filter(user=user, is_active=True).values_list("tenant", flat=True))
    levels = [policies.ONE_FACTOR]
    for tenant_id in tenants:
        with tenancy.within(tenant_id):
            levels.append(policies.held(user).required_level)
    return max(levels)


def forget_all(user: User) -> None:
    """Forget every factor and code, in the caller's transaction."""
    apps, _by_model = Authenticator.objects.filter(user=user).delete()
    keys, _by_model = SecurityKey.objects.filter(user=user).delete()
    if apps or keys:
        ledger.record("accounts.factor.removed", user, reason="set up before the mailbox was proven")
    forget_codes_without_factor(user)


def forget_codes_without_factor(user: User) -> None:
    """Recovery codes stand in for a factor: without any they go too."""
    if not user.has_second_factor():
        RecoveryCode.objects.filter(user=user).delete()


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
