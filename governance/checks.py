"""What must be true of the house: every tenant row fenced, every key safe, every field classified."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.admin.sites import all_sites
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from governance import conf, grants, providers, registry, rls
from governance.admin.tenant import TenantScoped
from governance.models import AcrossTenantsManager, EncryptedTextField, TenantManager, TenantOwned
from governance.models.encrypted import PersonKeyField


def _owned() -> list[type[TenantOwned]]:
    return [model for model in apps.get_models() if issubclass(model, TenantOwned) and not model._meta.proxy]


# --- the first wall --------------------------------------------------------------------------------------------------
@register(Tags.models)
def tenant_rows_are_owned(**kwargs: Any) -> list[CheckMessage]:
    """E001: whatever points at a tenant is `TenantOwned`."""
    return [
        Error(
            f"{model._meta.label} points at a tenant and is not TenantOwned, so nothing fences its rows.",
            hint="Derive it from governance.models.TenantOwned instead of giving it a tenant of its own.",
            obj=model,
            id="governance.E001",
        )
        for model in apps.get_models(include_auto_created=True)
        if not issubclass(model, TenantOwned) and model._meta.label != settings.TENANT_DOMAIN_MODEL
        if any(_names_tenant(field) for field in model._meta.concrete_fields)
    ]


def _names_tenant(field: Any) -> bool:
    return bool(field.is_relation and field.related_model and field.related_model._meta.label == settings.TENANT_MODEL)


@register(Tags.models)
def tenant_managers_are_fenced(**kwargs: Any) -> list[CheckMessage]:
    """E002: no manager of a tenant model hands out every tenant's rows by default."""
    return [
        Error(
            f"{model._meta.label}.{manager.name} does not limit its rows to the active tenant.",
            hint="Build it from governance.models.TenantManager, for example TenantManager.from_queryset(…)().",
            obj=model,
            id="governance.E002",
        )
        for model in _owned()
        for manager in model._meta.managers
        if not isinstance(manager, TenantManager | AcrossTenantsManager)
    ]


@register(Tags.models)
def uniqueness_is_per_tenant(**kwargs: Any) -> list[CheckMessage]:
    """E003: what must be unique is unique within a tenant, so that no tenant learns of another's values."""
    return [
        Error(
            f"{model._meta.label}: {what} is unique over all tenants.",
            hint="Use UniqueConstraint(fields=['tenant', …]) instead.",
            obj=model,
            id="governance.E003",
        )
        for model in _owned()
        for what in _unique_everywhere(model)
    ]


def _unique_everywhere(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.local_concrete_fields:
        if field.unique and not field.primary_key and not field.is_relation:
            yield field.name
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and not _within_tenant(model, constraint):
            yield constraint.name
    for together in model._meta.unique_together:
        if next(iter(together)) != "tenant":
            yield "+".join(together)


def _within_tenant(model: type[models.Model], constraint: models.UniqueConstraint) -> bool:
    """Whether it starts with the tenant, or with a row that belongs to one tenant only."""
    first = constraint.fields[0] if constraint.fields else getattr(constraint.expressions[0], "name", "")
    if first == "tenant":
        return True
    field: Any = model._meta.get_field(first) if first in registry.fields_of(model) else None
    return bool(field and field.is_relation and issubclass(field.related_model, TenantOwned))


@register(Tags.models)
def tenant_rows_lie_in_one_table(**kwargs: Any) -> list[CheckMessage]:
    """E004: a child table of a tenant model would carry no tenant, so no policy could fence it."""
    return [
        Error(
            f"{model._meta.label} extends {parent._meta.label} in a table of its own, which carries no tenant.",
            hint="Derive it from TenantOwned and point at the other model with a OneToOneField.",
            obj=model,
            id="governance.E004",
        )
        for model in _owned()
        for parent in model._meta.parents
    ]


@register(Tags.models)
def encrypted_columns_are_owned(**kwargs: Any) -> list[CheckMessage]:
    """E005: an encrypted column needs a tenant and a person."""
    return [
        Error(
            f"{model._meta.label}.{field.name} is encrypted, but its row belongs to no tenant.",
            hint="Only TenantOwned models hold EncryptedTextField.",
            obj=model,
            id="governance.E005",
        )
        for model in apps.get_models()
        if not issubclass(model, TenantOwned)
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField | PersonKeyField)
    ]


@register(Tags.admin)
def tenant_admins_are_scoped(**kwargs: Any) -> list[CheckMessage]:
    """E006: whoever shows a tenant's rows in the admin builds on `TenantAdmin` and the tenant inlines."""
    shown = [(site.name, page) for site in all_sites for page in site._registry.values()]
    pages = [(name, part) for name, page in shown for part in (type(page), *page.inlines)]
    return [
        Error(
            f"{part.__module__}.{part.__qualname__} shows {part.model._meta.label} and is not scoped to the tenant."
            if getattr(part, "model", None)
            else f"{part.__module__}.{part.__qualname__} is not scoped to the tenant.",
            hint="Derive it from governance.admin.TenantAdmin, TenantTabularInline or TenantStackedInline.",
            obj=part,
            id="governance.E006",
        )
        for part in _unscoped(shown, pages)
    ]


def _unscoped(shown: Sequence[Any], pages: Sequence[Any]) -> list[Any]:
    registered = {type(page): page.model for _, page in shown}
    found = {part for _, part in pages if not issubclass(part, TenantScoped)}
    return sorted(
        (part for part in found if issubclass(registered.get(part) or part.model, TenantOwned)),
        key=lambda part: part.__qualname__,
    )


# --- the second wall -------------------------------------------------------------------------------------------------
@register(Tags.database)
def tables_are_fenced(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """E007: every tenant table has its row-level policy."""
    return [
        Error(
            f"{gap} on {using!r}.",
            hint="Find out who lifted the policy, then run `manage.py migrate`, which puts it back.",
            id="governance.E007",
        )
        for using in databases or ()
        for gap in rls.missing(using)
    ]


@register(Tags.database, deploy=True)
def the_webs_role_is_bound(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """W001: policies bind neither superusers nor owners."""
    return [
        Warning(
            f"{fault}.",
            hint="Let the web connect as a role of its own: `manage.py database_roles --create`.",
            id="governance.W001",
        )
        for using in databases or ()
        if using == "default"
        for fault in grants.faults(using)
    ]


# --- keys ------------------------------------------------------------------------------------------------------------
@register(Tags.security)
def keys_are_safe(**kwargs: Any) -> list[CheckMessage]:
    """E008–E010: there is a key provider, nobody else reads its file, and it lies outside the program's tree."""
    name = conf.get("KEY_PROVIDER")
    if name not in providers.NAMES:
        return [
            Error(
                f"KEY_PROVIDER={name!r} is not available here.",
                hint=f"Choose one of: {', '.join(providers.NAMES)}.",
                id="governance.E008",
            )
        ]
    return list(_key_file_faults(conf.key_file()))


def _key_file_faults(path: Path) -> Iterator[CheckMessage]:
    try:
        if path.exists() and providers.readable_by_others(path):
            yield Error(f"Others may read {path}.", hint=f"chmod 600 {path}", id="governance.E009")
    except (OSError, ImproperlyConfigured) as error:
        yield Error(f"The key file cannot be read: {error}.", hint="Set KEY_FILE.", id="governance.E009")
    inside = path.resolve().is_relative_to(Path(settings.ROOT).resolve())
    if inside and not conf.get("KEY_FILE_MAY_LIE_IN_TREE"):
        yield Error(
            f"The key file {path} lies inside the program's own tree, where backups and images pick it up.",
            hint="Set KEY_FILE, or VERSO_DATA_DIR, to a place outside it.",
            id="governance.E010",
        )


# --- the catalogue ---------------------------------------------------------------------------------------------------
@register(Tags.models)
def every_field_is_classified(**kwargs: Any) -> list[CheckMessage]:
    """E011: no field may hold something about a person without the catalogue knowing."""
    return [
        Error(
            f"{gap}.",
            hint=f"Say in {model._meta.app_label}/personal_data.py what it holds and why, or that it holds nothing.",
            obj=model,
            id="governance.E011",
        )
        for model, gap in registry.gaps()
    ]
