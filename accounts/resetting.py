"""A new password for those who forgot theirs: a code to the account's own address, then the password.

Nobody is signed in by it, so the second factor is asked for as ever; and nobody who comes in through a provider gets
a password by it.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import addresses, codes, passwords, signin
from accounts.addresses import Standing
from accounts.models import EmailCode, User
from audit import ledger, outbox

RESET = EmailCode.Purpose.RESET


def ask(*, email: str, locale: str, at: datetime) -> EmailCode:
    """Send a code, or a mail that says why there is none. Here nobody finds out which: no hash, no look at accounts."""
    with transaction.atomic():
        code = codes.send(RESET, facts={"email": email, "locale": locale}, at=at)
        signin.note(email, what="accounts.reset.asked", reason="a code was sent")
    return code


def whose(code: EmailCode) -> User:
    """The member whose password a code that was shown may change. Refuses `CodeOver`."""
    known = addresses.look_up(codes.facts(code)["email"])
    if known.standing is not Standing.MEMBER or known.user is None:
        raise codes.CodeOver
    return known.user


def choose(code_id: UUID, *, new: str, by: User | None, at: datetime) -> User:
    """Set the new password, validated by the caller; every session ends, and the owner is told. Refuses `CodeOver`."""
    with transaction.atomic():
        code = codes.spend(code_id, purpose=RESET, at=at)
        user = whose(code)
        put = passwords.change if user.has_usable_password() else passwords.choose_first
        put(user, new=new, at=at)
        ledger.record("accounts.reset.completed", user)
        outbox.post("accounts.password_changed", about=user, payload={"locale": codes.facts(code)["locale"]})
        codes.keep(code)
    return user
