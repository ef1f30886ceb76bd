"""A row of any tenant model, filled by what its fields are: so that a test about all models meets the next one too.

Models whose rows only verbs can make are listed in `MADE_BY`; whatever else a new model needs goes there as well.
"""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

from django.db import models
from django.utils import timezone

from accounts.models import Tenant, User
from cms.models import ContactMessage
from governance import tenancy
from governance.models import TenantOwned
from scheduling.bookings import Customer
from tests.factories import accounts as people
from tests.factories.governance import AT, make_person
from tests.factories.scheduling import make_booking, make_service, morning


def _appointment(word: str) -> models.Model:
    tenant = Tenant.objects.get(pk=tenancy.current_id())
    service = make_service(tenant, name=f"{word} Booked", slug=f"{word.lower()}-booked")
    guest = Customer(f"{word} Guest", f"{word.lower()}@guest.example", "", "en")
    return make_booking(service, start=morning(), customer=guest).appointment


def _message(word: str) -> models.Model:
    person = make_person(f"{word} Writer", email=f"{word.lower()}@example.org")
    fields = {"subject": f"{word} subject", "text": word, "locale": "en", "received_at": AT, "sent_once": uuid4()}
    return ContactMessage.objects.create(person=person, **fields)


MADE_BY: dict[str, Callable[[str], models.Model]] = {
    "governance.Person": lambda word: make_person(f"{word} Person", email=f"{word.lower()}@example.net"),
    "scheduling.Appointment": _appointment,
    "cms.ContactMessage": _message,
}


def some(model: type[TenantOwned], word: str) -> Any:
    """A row of the active tenant: the one there is, or a new one whose texts hold `word`."""
    return model.objects.first() or make(model, word)


def make(model: type[TenantOwned], word: str) -> Any:
    """A new row of the active tenant whose texts hold `word`."""
    if model._meta.label in MADE_BY:
        return MADE_BY[model._meta.label](word)
    filled = {f.name: _value(f, word) for f in model._meta.concrete_fields if not f.primary_key and f.name != "tenant"}
    return model.objects.create(**{name: value for name, value in filled.items() if value is not None})


def _value(field: Any, word: str) -> Any:
    """What this field may hold; None leaves it to its default."""
    if field.is_relation:
        return None if field.null else _related(field.related_model, word)
    if getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False):
        return None
    if field.choices:
        return None if field.has_default() else field.choices[0][0]
    if isinstance(field, models.CharField | models.TextField):
        return _text(field, word)
    if field.has_default() or field.null:
        return None
    plain: dict[type, Any] = {
        models.DateTimeField: timezone.now(),
        models.DateField: date(2026, 12, 24),
        models.TimeField: time(12, 0),
        models.DurationField: timedelta(minutes=30),
        models.UUIDField: uuid4(),
        models.BinaryField: b"x",
        models.BooleanField: True,
        models.JSONField: [],
    }
    return next((value for kind, value in plain.items() if isinstance(field, kind)), 1)


def _text(field: Any, word: str) -> str | None:
    if field.has_default() and field.default:
        return None
    if isinstance(field, models.EmailField):
        return f"{word.lower()}@example.org"
    text = word.lower() if isinstance(field, models.SlugField) else word
    return text if field.max_length is None or len(text) <= field.max_length else text[: field.max_length]


def _related(model: type[models.Model], word: str) -> models.Model:
    if issubclass(model, User):
        return User.of_tenant().first() or people.make_member(word.lower(), role="visitor")
    if issubclass(model, Tenant):
        raise LookupError("Rows that point at tenants need a factory in MADE_BY.")
    if issubclass(model, TenantOwned):
        return some(model, word)
    raise LookupError(f"{model._meta.label} needs a factory in MADE_BY.")
