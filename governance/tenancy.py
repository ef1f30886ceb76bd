"""Which tenant is acted in. The tenant lives in `audit.context` and nowhere else.

`within(tenant)` enters one; `across()` is for operator code that serves several and says so.
Nothing active is an error (`NoTenant`), never all rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models

from audit import context

if TYPE_CHECKING:
    from accounts.models import Tenant


class NoTenant(RuntimeError):
    """Tenant rows were asked for while no tenant is active: a bug in the caller, refused."""


class NotAcross(RuntimeError):
    """`across_tenants` was used outside `tenancy.across()`."""


def current_id() -> UUID:
    """The active tenant's id. Refuses with `NoTenant`."""
    tenant_id = context.current().tenant_id
    if not tenant_id:
        raise NoTenant("No tenant is active here. Enter one with `tenancy.within(tenant)`.")
    return UUID(tenant_id)


def current_id_or_none() -> UUID | None:
    """The active tenant's id, or None where the platform itself acts."""
    tenant_id = context.current().tenant_id
    return UUID(tenant_id) if tenant_id else None


def tenant_model() -> type[models.Model]:
    """The model named by `settings.TENANT_MODEL`."""
    return apps.get_model(settings.TENANT_MODEL)


def current() -> "Tenant":
    """The active tenant's row. Refuses with `NoTenant`."""
    tenant: Any = tenant_model()._default_manager.get(pk=current_id())
    return tenant


@contextmanager
def within(tenant: "Tenant | UUID | str") -> Iterator[None]:
    """Act inside one tenant; `across_tenants` closes again."""
    tenant_id = getattr(tenant, "pk", tenant)
    with context.acting(tenant_id=str(tenant_id), across_tenants=False):
        yield


@contextmanager
def across() -> Iterator[None]:
    """Act for the platform over all tenants' rows, through `Model.across_tenants` only."""
    with context.acting(tenant_id="", across_tenants=True):
        yield
