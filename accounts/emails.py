"""Changing one's e-mail address: a code to the new one, a notice to the old one, every other session ended."""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import addresses, codes
from accounts.models import EmailCode, Membership, User, normalise_email
from audit import ledger, outbox
from governance import keys, people

EMAIL = EmailCode.Purpose.EMAIL


class ProviderDecides(ValidationError):
    """The address comes from an identity provider, or would belong to one."""

    def __init__(self) -> None:
        super().__init__(_("This address is managed by the organisation you sign in with."), code="provider_decides")


class SameAddress(ValidationError):
    """It is theirs already."""

    def __init__(self) -> None:
        super().__init__(_("This is your address already."), code="same_address")


class AddressTaken(ValidationError):
    """Another account has it by now."""

    def __init__(self) -> None:
        super().__init__(
            _("This address belongs to another account by now. Yours stays as it was."), code="address_taken"
        )


def ask(user: User, *, new: str, locale: str, by: User | None, at: datetime) -> EmailCode:
    """Send a code to a new address; the same for one that is taken. Refuses `ProviderDecides` and `SameAddress`."""
    _refuse_managed(user, new=new)
    if new == user.email:
        raise SameAddress
    with transaction.atomic():
        code = codes.send(EMAIL, facts={"email": new, "locale": locale}, user=user, at=at)
        ledger.record("accounts.email.change_asked", user)
    return code


def change(user: User, *, code_id: UUID, by: User | None, at: datetime) -> None:
    """Put the proven address in place; sessions end, the old address is told, this tenant's person follows.

    Refuses `CodeOver`, `ProviderDecides`, and `AddressTaken` all but the first who bring one address.
    """
    with transaction.atomic():
        code = codes.spend(code_id, purpose=EMAIL, at=at)
        if code.user_id != user.pk:
            raise codes.CodeOver
        kept = codes.facts(code)
        _refuse_managed(user, new=kept["email"])
        old = _move(user, kept["email"])
        user.end_sessions()
        ledger.record("accounts.email.changed", user)
        _let_the_person_follow(user, old=old, at=at)
        codes.keep(code, email=old, locale=kept["locale"])
        outbox.post("accounts.email_changed", about=code)


def is_taken(email: str, *, by_other_than: User | None) -> bool:
    """Whether another account has this address."""
    owners = User.objects.filter(email_key=normalise_email(email))
    return (owners.exclude(pk=by_other_than.pk) if by_other_than else owners).exists()


def _refuse_managed(user: User, *, new: str) -> None:
    if not addresses.may_change_address(user) or addresses.is_managed(new):
        ledger.refused("accounts.email.changed", user, reason="managed by a provider")
        raise ProviderDecides


def _move(user: User, new: str) -> str:
    """Write the new address; answers the old one. The user object is left as it was when that is refused."""
    old, old_key = user.email, user.email_key
    try:
        with transaction.atomic():
            user.email = new
            user.save(update_fields=["email", "email_key"])
    except IntegrityError as taken:
        user.email, user.email_key = old, old_key
        raise AddressTaken from taken
    return old


def _let_the_person_follow(user: User, *, old: str, at: datetime) -> None:
    """This tenant's person gets the new address where it had the old one; one that was erased stays so."""
    membership = Membership.objects.select_related("person").filter(user=user).first()
    person = membership.person if membership else None
    try:
        if person is not None and normalise_email(person.email or "") == normalise_email(old):
            people.correct(person, by=user, at=at, email=user.email)
    except (keys.Unreadable, people.AlreadyErased):
        return
