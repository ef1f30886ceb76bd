"""Columns that hold personal text under the key of the person it is about, and columns it can be looked up by."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import FieldError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _

from governance import keys, sealing, spelling

_left_sealed: ContextVar[bool] = ContextVar("left_sealed", default=False)


@contextmanager
def leave_sealed() -> Iterator[None]:
    """Hand sealed values around as they are, without opening them."""
    token = _left_sealed.set(True)
    try:
        yield
    finally:
        _left_sealed.reset(token)


class Sealed(bytes):
    """A value as it lies in the database. Shows nothing of itself."""

    def __repr__(self) -> str:
        return "<sealed>"

    __str__ = __repr__


class SealedAttribute(DeferredAttribute):
    """Opens the value each time it is asked for, and keeps only the sealed form."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if type(value) is Sealed and not _left_sealed.get():
            return self.field.unseal(instance, value)  # type: ignore[attr-defined]
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.Field):
    """Text under the key of a person: `person` is the dotted path from the row to them, "self" on Person itself.

    Opens only in the tenant, model, field and row it was sealed for. Refuses lookups and bulk updates; reading
    raises `keys.Erased` once the key is destroyed and `keys.Undecryptable` for anything else that does not open.
    `max_length` counts characters before sealing.
    """

    descriptor_class = SealedAttribute
    empty_strings_allowed = True

    def __init__(self, *args: Any, person: str, max_length: int | None = None, **kwargs: Any) -> None:
        self.person = person
        super().__init__(*args, **{**kwargs, "max_length": max_length})
        if max_length is not None:
            self.validators.append(MaxLengthValidator(max_length))

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "person": self.person}

    def get_internal_type(self) -> str:
        return "BinaryField"

    # --- sealing and opening ---
    def _person_of(self, instance: Any) -> Any:
        found = instance
        for step in () if self.person == "self" else self.person.split("."):
            found = getattr(found, step)
            if found is None:
                raise keys.Undecryptable(f"{instance._meta.label}.{self.name} is about nobody: {self.person} is empty.")
        return found

    def _place(self, instance: Any) -> bytes:
        return sealing.bind(str(instance.tenant_id), instance._meta.label_lower, self.name, str(instance.pk))

    def seal(self, instance: Any, text: str) -> Sealed:
        """The text, sealed for this row. Refuses with `keys.Erased`."""
        return Sealed(keys.seal(self._person_of(instance), text.encode(errors="replace"), place=self._place(instance)))

    def unseal(self, instance: Any, value: Sealed) -> str:
        """The text of this row. Refuses with `keys.Erased` and `keys.Undecryptable`."""
        if not value:
            return ""  # a row older than the column
        return keys.unseal(self._person_of(instance), value, place=self._place(instance)).decode()

    def _is_at_home(self, instance: Any, value: Sealed) -> bool:
        """Whether an untouched sealed value still stands under the person the row points at (no query)."""
        if not value or "." in self.person:
            return True
        owner = instance.pk if self.person == "self" else getattr(instance, f"{self.person}_id")
        return value == keys.DESTROYED or sealing.Header.read(value).key_id == owner

    def pre_save(self, instance: Any, add: bool) -> Sealed | None:
        """The sealed form. Refuses with `keys.Misplaced` a sealed value that came from another row or person."""
        value = instance.__dict__.get(self.attname)
        if value is None:
            return None
        if not isinstance(value, Sealed):
            return self.seal(instance, self.to_python(value))
        if add or not self._is_at_home(instance, value):
            raise keys.Misplaced(f"{self.name} was sealed for another row or person: read it there, assign it here.")
        return value

    # --- the database's side ---
    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if not isinstance(value, bytes):
            raise FieldError(f"{self.name} is encrypted row by row: assign it to a row and save that.")
        return connection.Database.Binary(value)

    def get_lookup(self, lookup_name: str) -> Any:
        """`isnull` only: what is encrypted cannot be compared."""
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted and cannot be looked up; ask governance.people.search.")

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is encrypted and cannot be looked up; ask governance.people.search.")

    # --- the form's side ---
    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str | Sealed) else str(value)

    def value_from_object(self, obj: Any) -> Any:
        """What a form starts with: nothing, where the value can no longer be read."""
        try:
            return super().value_from_object(obj)
        except keys.Unreadable:
            return None

    def value_to_string(self, obj: Any) -> str:
        """What `dumpdata` writes: the sealed form, never the text."""
        with leave_sealed():
            value = super().value_from_object(obj)
        return base64.b64encode(value).decode() if isinstance(value, Sealed) else ""

    def formfield(self, **kwargs: Any) -> Any:
        long = self.max_length is None or self.max_length > 254
        defaults: dict[str, Any] = {"max_length": self.max_length, "form_class": forms.CharField}
        if long:
            defaults["widget"] = forms.Textarea
        if self.null:
            defaults["empty_value"] = None
        return super().formfield(**{**defaults, **kwargs})


NORMALISED: dict[str, Callable[[str], str]] = {"email": spelling.email, "phone": spelling.phone}


class BlindIndexField(models.CharField):
    """What an encrypted column can be found by: a truncated keyed hash of its normalised text, per tenant.

    Follows its column on every save. Equality only; see `keys.blind`.
    """

    def __init__(self, *args: Any, of: str, **kwargs: Any) -> None:
        self.of = of
        super().__init__(*args, **{"max_length": 32, "blank": True, "default": "", "editable": False, **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "of": self.of}

    def pre_save(self, instance: Any, add: bool) -> str:
        value = instance.__dict__.get(self.of, "")
        if value is not None and not isinstance(value, Sealed):
            setattr(instance, self.attname, look_up_by(self.of, value, instance.tenant_id))
        elif value is None:
            setattr(instance, self.attname, "")
        return str(getattr(instance, self.attname))


def look_up_by(kind: str, text: str, tenant_id: UUID) -> str:
    """The blind index of an e-mail or phone number; empty for empty."""
    normal = NORMALISED[kind](text)
    return keys.blind(tenant_id, kind, normal) if normal else ""


class PersonKeyField(models.BinaryField):
    """A person's own data key, under their tenant's key. Made with the row; leaves no process inside a copy."""

    description = _("Data key")

    def pre_save(self, instance: Any, add: bool) -> Any:
        if add:
            keys.give(instance)
        return super().pre_save(instance, add)
