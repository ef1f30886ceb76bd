"""Signing up: nothing exists until the code that was sent to the address is shown. No page tells who is known."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import addresses, codes, roles, security, tenants
from accounts.addresses import Standing
from accounts.models import EmailCode, Role, User
from audit import ledger

SIGNUP = EmailCode.Purpose.SIGNUP
VISITOR = "visitor"


class SignUpClosed(ValidationError):
    """The tenant lets nobody sign up by themselves."""

    def __init__(self) -> None:
        super().__init__(_("Nobody can sign up here by themselves at the moment."), code="signup_closed")


class AlreadyHere(ValidationError):
    """The address has an account here by now."""

    def __init__(self) -> None:
        super().__init__(_("You have an account here already. Please sign in."), code="already_here")


def is_open() -> bool:
    """Whether visitors may sign up here."""
    return security.in_force().visitors_may_sign_up


def ask(*, email: str, name: str, password: str, locale: str, at: datetime) -> EmailCode:
    """Keep what was typed, the password as its hash, and send a code. The same for everybody: one hash, one mail.

    Refuses `SignUpClosed`. The password was validated by the caller.
    """
    if not is_open():
        raise SignUpClosed
    kept = {"email": email, "name": name, "password": make_password(password), "locale": locale}
    with transaction.atomic():
        code = codes.send(SIGNUP, facts=kept, at=at)
        ledger.refused("accounts.signup.asked", None, reason="a code was sent", outcome="success")
    return code


def admit(code_id: UUID, *, by: User | None, at: datetime) -> tuple[User, bool]:
    """Make whoever has shown their code a visitor of this tenant; answers whether the password typed is theirs now.

    A user of another tenant keeps name and password, and belongs here too from now on. Refuses `CodeOver`,
    `SignUpClosed`, and `AlreadyHere` everybody an account of whom exists here.
    """
    if not is_open():
        raise SignUpClosed
    with transaction.atomic():
        code = codes.spend(code_id, purpose=SIGNUP, at=at)
        kept = codes.facts(code)
        newcomer = _newcomer(kept, at=at)
        user = newcomer or _known_elsewhere(kept["email"])
        membership = tenants.join(user, at=at)
        roles.grant(membership, role=Role.objects.get(key=VISITOR, is_system=True), by=None, at=at, reason="signed up")
        ledger.record("accounts.signup.completed", user, people=[membership.person] if membership.person else [])
        codes.keep(code)
    return user, newcomer is not None


def _newcomer(kept: dict[str, str], *, at: datetime) -> User | None:
    """A new user with the hash kept; None where the address has one, also since a moment ago."""
    if addresses.look_up(kept["email"]).standing is not Standing.UNKNOWN:
        return None
    try:
        with transaction.atomic():
            user = tenants.register(email=kept["email"], name=kept["name"])
            user.password, user.password_set_at = kept["password"], at
            user.save(update_fields=["password", "password_set_at"])
    except (IntegrityError, ValidationError):  # somebody else brought the same address at the same time
        return None
    return user


def _known_elsewhere(email: str) -> User:
    """The user of another tenant whose own address this is. Refuses with `AlreadyHere` everybody else.

    An address that only counts as the same (ſ and K for s and K) was not proven by this code.
    """
    known = addresses.look_up(email)
    if known.standing is not Standing.ELSEWHERE or known.user is None or known.email.lower() != email.lower():
        raise AlreadyHere
    return known.user
