"""The admin base of every tenant model: nothing of another tenant is listed, offered, filtered by or saved."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.filters import RelatedFieldListFilter
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from governance import keys, policies
from governance.models import EncryptedTextField, Person, TenantOwned
from governance.models.person import erased_words


def legible(row: Any, field: str) -> str:
    """An encrypted value as staff see it: the text, or that it was erased and when, or that it cannot be read."""
    try:
        return getattr(row, field) or ""
    except keys.Erased as gone:
        return erased_words(gone.at)
    except keys.Unreadable:
        return str(_("unreadable"))


def personal(person: Person | None, field: str, *, by: Any) -> str:
    """What staff see of a person: the value legibly, or a stand-in for those who may not read people."""
    if person is None or policies.may_read_people(by):
        return legible(person, field) if person else ""
    return stand_in(person, field)


def stand_in(person: Any, field: str) -> SafeString:
    """A person without their name: the end of their random id, alike on every page; and what it takes to see more."""
    words = f"#{person.pk.hex[-8:]}" if field == "name" else _("hidden")
    why = _("Names, e-mails and phone numbers are shown with the permission %(code)s.")
    return format_html('<abbr class="withheld" title="{}">{}</abbr>', why % {"code": policies.READ_PEOPLE}, words)


def choices_of(model: type[models.Model]) -> models.QuerySet[Any] | None:
    """The rows of a related model that may be offered in this tenant; None where all may.

    A model that serves several tenants (users) says which rows with a classmethod `of_tenant()`; without it, none.
    """
    if issubclass(model, TenantOwned):
        return model.objects.all()
    of_tenant: Callable[[], models.QuerySet[Any]] | None = getattr(model, "of_tenant", None)
    if of_tenant is not None:
        return of_tenant()
    shared = (settings.AUTH_USER_MODEL, settings.TENANT_MODEL, settings.TENANT_DOMAIN_MODEL)
    return model._default_manager.none() if model._meta.label in shared else None


class TenantRelatedFilter(RelatedFieldListFilter):
    """A list filter by a relation that offers this tenant's rows only."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """The choices, without rows of other tenants."""
        allowed = choices_of(field.related_model)
        offered: Any = super().field_choices(field, request, model_admin)
        if allowed is None:
            return offered
        ids = set(allowed.values_list("pk", flat=True))
        return [(pk, label) for pk, label in offered if pk in ids]


@cache
def _column(model: type[models.Model], name: str) -> Callable[[Any], str]:
    """A column that shows an encrypted field; always the same object for the same field."""

    def shown(row: Any) -> str:
        return legible(row, name)

    shown.__name__ = name
    field: Any = model._meta.get_field(name)
    shown.short_description = field.verbose_name  # type: ignore[attr-defined]
    return shown


@cache
def _hidden_column(shown: Callable[..., str], relation: str, name: str) -> Callable[[Any], str]:
    """The same column for those who may not read people; always the same object for the same column."""

    def hidden(row: Any) -> str:
        person = getattr(row, relation)
        return stand_in(person, name) if person else "–"

    hidden.__name__ = shown.__name__
    hidden.short_description = shown.short_description  # type: ignore[attr-defined]
    return hidden


def _encrypted(model: type[models.Model]) -> set[str]:
    return {field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)}


class TenantScoped:
    """What the admin pages and inlines of tenant models share."""

    model: Any
    # Columns that show a person: {the column: (the relation to the person, the field)}.
    personal_columns: dict[str, tuple[str, str]] = {}

    # --- only this tenant's rows are offered ---
    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer this tenant's rows, whatever the widget."""
        return super().formfield_for_foreignkey(db_field, request, **_limited(db_field, kwargs))  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer this tenant's rows, whatever the widget."""
        return super().formfield_for_manytomany(db_field, request, **_limited(db_field, kwargs))  # type: ignore[misc]

    # --- encrypted values are shown so that an erased one does not break the page ---
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """As declared, encrypted ones legibly."""
        return self._legible(super().get_readonly_fields(request, obj), request, _encrypted(self.model))  # type: ignore

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The tenant is never shown, and what is read-only stays out of the form."""
        names = super().get_exclude(request, obj) or ()  # type: ignore[misc]
        return [*names, "tenant", *self._read_only_encrypted(request, obj)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """As declared, encrypted read-only ones legibly."""
        names = self._read_only_encrypted(request, obj)
        return [
            (title, {**options, "fields": self._legible(options["fields"], request, names)})
            for title, options in super().get_fieldsets(request, obj)  # type: ignore[misc]
        ]

    def _read_only_encrypted(self, request: HttpRequest, obj: Any) -> set[str]:
        if obj is not None and not self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            return _encrypted(self.model)
        declared = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        return _encrypted(self.model) & {name for name in declared if isinstance(name, str)}

    def _legible(self, names: Iterable[Any], request: HttpRequest, encrypted: set[str]) -> list[Any]:
        """Each name as a column that may be shown to whoever asks."""
        hidden = {} if policies.may_read_people(request.user) else self.personal_columns
        return [
            self._legible(name, request, encrypted)
            if isinstance(name, list | tuple)
            else _hidden_column(getattr(type(self), name), *hidden[name])
            if name in hidden
            else _column(self.model, name)
            if name in encrypted
            else name
            for name in names
        ]


def _limited(db_field: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    allowed = choices_of(db_field.related_model)
    if allowed is None:
        return kwargs
    asked = kwargs.get("queryset")
    return {**kwargs, "queryset": allowed if asked is None else asked.filter(pk__in=allowed.values("pk"))}


@dataclass(frozen=True)
class _Nameless:
    """What the admin's log needs of a row, without the words that could name a person."""

    pk: Any
    _meta: Any

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


def _nameless(row: Any) -> Any:
    """The row, or its kind and id where its own words could name a person."""
    fields = row._meta.concrete_fields
    about_people = any(isinstance(field, EncryptedTextField) or field.related_model is Person for field in fields)
    return _Nameless(row.pk, row._meta) if about_people else row


class TenantAdmin(TenantScoped, admin.ModelAdmin):
    """The `ModelAdmin` of every tenant model."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """As declared, encrypted columns legibly."""
        return self._legible(super().get_list_display(request), request, _encrypted(self.model))

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """As declared, encrypted columns legibly."""
        links = super().get_list_display_links(request, list_display)
        return links and self._legible(links, request, _encrypted(self.model))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """As declared; a filter by a relation offers this tenant's rows."""
        return [self._tenants_own(item) for item in super().get_list_filter(request)]

    def _tenants_own(self, item: Any) -> Any:
        if not isinstance(item, str) or "__" in item:
            return item
        related = getattr(self.model._meta.get_field(item), "related_model", None)
        return (item, TenantRelatedFilter) if related and choices_of(related) is not None else item

    # --- the admin's own log holds no name ---
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note who added a row."""
        return super().log_addition(request, _nameless(obj), message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note who changed a row."""
        return super().log_change(request, _nameless(obj), message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note who removed rows."""
        nameless: Any = [_nameless(row) for row in queryset]
        return super().log_deletions(request, nameless)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What changed, by field; rows of inlines by kind only."""
        said: list[dict[str, dict[str, Any]]] = super().construct_change_message(request, form, formsets, add)
        return [
            {act: {**what, "object": "·"} if "object" in what else what for act, what in entry.items()}
            for entry in said
        ]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Whether the address may filter by this: never by tenant, keys or hashes, nor with a pattern of one's own."""
        words = set(lookup.split("__"))
        if words & {"tenant", "tenant_id", "wrapped_key", "token", "regex", "iregex"}:
            return False
        if any(word.endswith(("_index", "_hash")) or word.startswith("sealed_") for word in words):
            return False
        return bool(super().lookup_allowed(lookup, value, request))


class TenantTabularInline(TenantScoped, admin.TabularInline):
    """Rows of a tenant model in a table, on the page of the row they belong to."""


class TenantStackedInline(TenantScoped, admin.StackedInline):
    """Rows of a tenant model one below the other, on the page of the row they belong to."""


TenantInline = TenantTabularInline
