"""One's own name, phone, language and time zone: what members say of themselves here."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, User
from accounts.roles import NotHere
from audit import ledger
from governance import people
from governance.models import Person


class NotYourOwn(ValidationError):
    """Profile, data and account are their owner's, also while somebody sees the site as them."""

    def __init__(self) -> None:
        super().__init__(_("Only you yourself can do this."), code="not_your_own")


def person_of(user: User, *, at: datetime) -> Person:
    """Whom the active tenant knows this member as; recorded now where it was not yet. Refuses `NotHere`."""
    membership = Membership.objects.select_related("person").filter(user=user, is_active=True).first()
    if membership is None:
        raise NotHere
    return membership.person or _met(membership, at=at)


def _met(membership: Membership, *, at: datetime) -> Person:
    """A person for a membership that has none; two who ask at once are answered with the same one."""
    with transaction.atomic():
        kept = Membership.objects.select_for_update().get(pk=membership.pk)
        if kept.person is None:
            user = membership.user
            found = people.recognise(name=user.display_name, email=user.email, at=at)
            if Membership.objects.filter(person=found).exists():  # somebody else's account already
                found = people.record(name=user.display_name, email=user.email, at=at)
            kept.person = found
            kept.save(update_fields=["person"])
    return kept.person


def revise(user: User, *, name: str, phone: str, locale: str, time_zone: str, by: User, at: datetime) -> Person:
    """Write how somebody is called and reached: the name for all organisations, the rest for this one.

    Refuses `NotYourOwn`, `NotHere`, and `people.AlreadyErased`.
    """
    if by.pk != user.pk or by.seen_by is not None:
        raise NotYourOwn
    with transaction.atomic():
        person = person_of(user, at=at)
        kept = User.objects.select_for_update().get(pk=user.pk)
        if kept.display_name != name:
            User.objects.filter(pk=kept.pk).update(display_name=name)
            names = [ledger.Personal(person, kept.display_name), ledger.Personal(person, name)]
            ledger.record("accounts.profile.changed", user, changes={"display_name": names}, people=[person])
        said = {"name": name, "phone": phone, "locale": locale, "time_zone": time_zone}
        person = people.correct(person, by=by, at=at, **said)
    user.display_name = name
    return person
