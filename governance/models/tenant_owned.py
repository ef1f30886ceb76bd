"""Rows that belong to one tenant. The default manager sees the current tenant's rows only."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext_lazy as _

from audit import context
from governance import tenancy
from governance.fields import uuid7


class CurrentTenant(models.Value):
    """The active tenant's id, read when the SQL is written, so that a queryset may be built before."""

    def __init__(self) -> None:
        super().__init__(None, output_field=models.UUIDField())

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        """The bound parameter. Refuses with `NoTenant`."""
        return models.Value(tenancy.current_id(), output_field=models.UUIDField()).as_sql(compiler, connection)


class TenantManager(models.Manager["TenantOwned"]):
    """Rows of the current tenant. No tenant active is an error, not all rows."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(tenant_id=CurrentTenant())


class AcrossTenantsManager(models.Manager["TenantOwned"]):
    """Every tenant's rows, for operator code inside `tenancy.across()`. Refuses with `NotAcross`."""

    def get_queryset(self) -> models.QuerySet[Any]:
        if not context.current().across_tenants:
            raise tenancy.NotAcross("Wrap operator code in `with tenancy.across():` to see every tenant's rows.")
        return super().get_queryset()


class TenantOwned(models.Model):
    """Abstract base of every row a tenant owns."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        settings.TENANT_MODEL,
        verbose_name=_("tenant"),
        on_delete=models.PROTECT,
        default=tenancy.current_id,
        editable=False,
        related_name="+",
    )

    objects: models.Manager[Self] = TenantManager()  # type: ignore[assignment]
    across_tenants: models.Manager[Self] = AcrossTenantsManager()  # type: ignore[assignment]

    class Meta:
        abstract = True
