"""What is done with people: recognise, correct, find, erase. Their name, e-mail and phone lie encrypted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import connections, router, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit import ledger
from governance import keys, spelling, tenancy
from governance.fields import uuid7
from governance.models import EraseEpoch, NameToken, Person
from governance.models.encrypted import leave_sealed, look_up_by

CORRECTABLE = ("name", "email", "phone", "locale", "time_zone")
SEALED = ("name", "email", "phone")
MOST_CANDIDATES = 20


class NotAnAddress(ValidationError):
    """The e-mail is not one."""


class AlreadyErased(ValidationError):
    """The person was erased; nothing about them can be written any more."""


class NotCorrectable(ValidationError):
    """A field that `correct` does not write."""


# --- recognise -------------------------------------------------------------------------------------------------------
def recognise(*, name: str, email: str, phone: str = "", locale: str = "", time_zone: str = "", at: datetime) -> Person:
    """The person who typed this: a row of theirs if nothing typed contradicts it, a new one otherwise.

    Never changes or shows what is stored: whoever types somebody's e-mail with another name or phone becomes a new row.
    Refuses with `NotAnAddress`.
    """
    typed = {"name": name.strip(), "email": email.strip(), "phone": phone.strip()}
    _refuse_unless_address(typed["email"])
    for candidate in _candidates(typed["email"]):
        if not _contradicts(candidate, typed):
            return candidate
    return _register(typed, locale=locale, time_zone=time_zone, at=at)


def record(*, name: str, email: str, at: datetime) -> Person:
    """A new row for somebody whom no row held so far may be taken for. Refuses with `NotAnAddress`."""
    typed = {"name": name.strip(), "email": email.strip(), "phone": ""}
    _refuse_unless_address(typed["email"])
    return _register(typed, locale="", time_zone="", at=at)


def _refuse_unless_address(email: str) -> None:
    if email:
        try:
            EmailValidator()(email)
        except ValidationError as error:
            raise NotAnAddress(_("Enter a valid e-mail address."), code="email") from error


def _candidates(email: str) -> QuerySet[Person]:
    index = look_up_by("email", email, tenancy.current_id()) if email else ""
    if not index:
        return Person.objects.none()
    return Person.objects.filter(email_index=index, erased_at=None).order_by("-created_at")[:MOST_CANDIDATES]


def _contradicts(person: Person, typed: Mapping[str, str]) -> bool:
    """Whether something typed is not exactly what is stored, spelling aside. Typing nothing contradicts nothing."""
    try:
        return any(
            typed[field] and normal(typed[field]) != normal(getattr(person, field) or "")
            for field, normal in (("name", spelling.name), ("email", spelling.email), ("phone", spelling.phone))
        )
    except keys.Unreadable:
        return True


@transaction.atomic(savepoint=False)  # nobody goes on in this transaction without the person
def _register(typed: Mapping[str, str], *, locale: str, time_zone: str, at: datetime) -> Person:
    person = Person(**typed, locale=locale[:10], time_zone=time_zone[:64], created_at=at)
    person.save(force_insert=True)
    _file_name(person, typed["name"])
    ledger.record("governance.person.recorded", person, people=[person])
    return person


def _file_name(person: Person, name: str) -> None:
    """Keep the tokens the person is found by, in step with the name."""
    tokens = {keys.blind(tenancy.current_id(), "name", prefix) for prefix in spelling.prefixes(name)}
    if tokens:
        _insert_tokens(person, sorted(tokens))


def _insert_tokens(person: Person, tokens: list[str]) -> None:
    """In one statement without a row object for each: every new customer has a dozen."""
    db = connections[router.db_for_write(NameToken)]
    stored = NameToken._meta.pk.get_db_prep_value
    tenant, whose = stored(tenancy.current_id(), db), stored(person.pk, db)
    values = [value for token in tokens for value in (stored(uuid7(), db), tenant, whose, token)]
    places = ", ".join(["(%s, %s, %s, %s)"] * len(tokens))
    with db.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {NameToken._meta.db_table} (id, tenant_id, person_id, token) VALUES {places}",  # nosec B608
            values,
        )


# --- correct ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def correct(person: Person, *, by: Any, at: datetime, **fields: str) -> Person:
    """Write what the person or staff say is right (name, email, phone, locale, time_zone).

    Refuses with `AlreadyErased`, `NotAnAddress`, `NotCorrectable`.
    """
    if unknown := set(fields) - set(CORRECTABLE):
        raise NotCorrectable(_("%(fields)s cannot be corrected here.") % {"fields": ", ".join(sorted(unknown))})
    kept = _locked(person.pk)
    _refuse_unless_address(fields.get("email", ""))
    changes = _changes(kept, fields)
    if not changes:
        return kept
    for field, (_before, after) in changes.items():
        setattr(kept, field, after)
    kept.save()
    if "name" in changes:
        NameToken.objects.filter(person=kept).delete()
        _file_name(kept, kept.name)
    ledger.record("governance.person.corrected", kept, changes=_for_ledger(kept, changes), people=[kept])
    return kept


def _locked(person_id: UUID) -> Person:
    kept = Person.objects.select_for_update().get(pk=person_id)
    if kept.erased_at is not None:
        raise AlreadyErased(_("This person was erased."), code="erased")
    return kept


def _changes(kept: Person, fields: Mapping[str, str]) -> dict[str, list[str]]:
    before = {field: getattr(kept, field) for field in fields}
    return {field: [before[field], after.strip()] for field, after in fields.items() if before[field] != after.strip()}


def _for_ledger(kept: Person, changes: Mapping[str, list[str]]) -> dict[str, Any]:
    """The changes, with personal values marked to be stored under the person's key."""
    return {
        field: [ledger.Personal(kept, value) if field in SEALED else value for value in values]
        for field, values in changes.items()
    }


# --- find ------------------------------------------------------------------------------------------------------------
def search(text: str) -> QuerySet[Person]:
    """People of this tenant whose e-mail or phone is `text`, or the words of whose name begin like its words."""
    found = Q(pk__in=[])
    tenant_id = tenancy.current_id()
    if "@" in text:
        found |= Q(email_index=look_up_by("email", text, tenant_id))
    elif sum(sign.isdigit() for sign in text) >= 5:
        found |= Q(phone_index=look_up_by("phone", text, tenant_id))
    elif asked := spelling.asked(text):
        found |= _named(tenant_id, asked)
    return Person.objects.filter(found, erased_at=None)


def _named(tenant_id: UUID, asked: set[str]) -> Q:
    every = Q()
    for prefix in sorted(asked):
        token = keys.blind(tenant_id, "name", prefix)
        every &= Q(Exists(NameToken.objects.filter(person=OuterRef("pk"), token=token)))
    return every


# --- erase -----------------------------------------------------------------------------------------------------------
@transaction.atomic
def erase(person: Person, *, by: Any, at: datetime, reason: str = "") -> Person:
    """Destroy the person's key and everything they could be found by; what was sealed under it is gone everywhere.

    The row stays, so that what points at it keeps its place. Refuses with `AlreadyErased`.
    """
    kept = _locked(person.pk)
    NameToken.objects.filter(person=kept).delete()
    Person.objects.filter(pk=kept.pk).update(
        wrapped_key=None,
        erased_at=at,
        email_index="",
        phone_index="",
        locale="",
        time_zone="",
        **dict.fromkeys(SEALED, keys.DESTROYED),
    )
    _bump_epoch()
    ledger.record("governance.person.erased", kept, people=[kept], reason=reason)
    tenant_id = tenancy.current_id()
    keys.distrust(tenant_id)
    transaction.on_commit(lambda: keys.distrust(tenant_id))
    with leave_sealed():
        kept.refresh_from_db()
    return kept


def _bump_epoch() -> None:
    EraseEpoch.objects.get_or_create()
    EraseEpoch.objects.update(value=F("value") + 1)


def pointing_at(person: Person) -> list[tuple[str, QuerySet[Any]]]:
    """What is held about a person: the field that points at them, with this tenant's rows of each model."""
    relations = [r for r in Person._meta.related_objects if r.related_model is not NameToken]
    return [(r.field.name, r.related_model._default_manager.filter(**{r.field.name: person})) for r in relations]
