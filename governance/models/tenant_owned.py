"""Rows that belong to one tenant. The default manager sees the current tenant's rows only."""

from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.core.exceptions import FullResultSet
from django.db import models
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext_lazy as _

from audit import context
from governance import tenancy
from governance.fields import uuid7
from governance.models.encrypted import leave_sealed

Row = TypeVar("Row", bound=models.Model)


class CurrentTenant(models.Value):
    """The active tenant's id, read when the SQL is written, so that a queryset may be built before."""

    def __init__(self) -> None:
        super().__init__(None, output_field=models.UUIDField())

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        """The bound parameter. Refuses with `NoTenant`."""
        return models.Value(tenancy.current_id(), output_field=models.UUIDField()).as_sql(compiler, connection)


class InsideAcross(models.Value):
    """True inside `tenancy.across()`, and refused with `NotAcross` anywhere else, when the SQL is written."""

    def __init__(self) -> None:
        super().__init__(True, output_field=models.BooleanField())

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        """Always everything. Refuses with `NotAcross`."""
        _refuse_unless_across()
        raise FullResultSet


def _refuse_unless_across() -> None:
    if not context.current().across_tenants:
        raise tenancy.NotAcross("Wrap operator code in `with tenancy.across():` to see every tenant's rows.")


class TenantManager(models.Manager[Row]):
    """Rows of the current tenant. No tenant active is an error, not all rows.

    A model with a queryset of its own: `objects = TenantManager.from_queryset(AppointmentQuerySet)()`.
    """

    def get_queryset(self) -> models.QuerySet[Any]:
        hints = self._hints  # type: ignore[attr-defined]
        if hints and context.current().across_tenants:  # Django follows a relation of a row already in hand
            return super().get_queryset().filter(InsideAcross())
        return super().get_queryset().filter(tenant_id=CurrentTenant())


class AcrossTenantsManager(models.Manager[Row]):
    """Every tenant's rows, for operator code inside `tenancy.across()`. Refuses with `NotAcross`."""

    def get_queryset(self) -> models.QuerySet[Any]:
        _refuse_unless_across()
        return super().get_queryset().filter(InsideAcross())


class OwningTenant(models.ForeignKey):
    """The tenant a row belongs to. Nothing is written for another tenant than the active one."""

    def pre_save(self, instance: Any, add: bool) -> Any:
        """The owner's id. Refuses with `AnotherTenant` a row that points at another tenant's row."""
        for field in instance._meta.concrete_fields:
            if field.is_relation and field.is_cached(instance):
                owner = getattr(field.get_cached_value(instance), "tenant_id", instance.tenant_id)
                if field is not self and owner != instance.tenant_id and _is_owned(field):
                    raise tenancy.AnotherTenant(f"{field.name} belongs to another tenant.")
        return super().pre_save(instance, add)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """The column's value. Refuses with `NoTenant` and `AnotherTenant`."""
        if not hasattr(value, "resolve_expression"):
            tenancy.require(self.target_field.to_python(value))
        return super().get_db_prep_save(value, connection)

    def deconstruct(self) -> Any:
        """An ordinary foreign key, as far as migrations are concerned."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs


def _is_owned(field: Any) -> bool:
    return issubclass(field.related_model, TenantOwned)


class TenantOwned(models.Model):
    """Abstract base of every row a tenant owns."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = OwningTenant(
        settings.TENANT_MODEL,
        verbose_name=_("tenant"),
        on_delete=models.PROTECT,
        default=tenancy.current_id,
        editable=False,
        related_name="+",
    )

    objects: ClassVar[models.Manager[Self]] = TenantManager()
    across_tenants: ClassVar[models.Manager[Self]] = AcrossTenantsManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the row. Refuses with `NoTenant` and `AnotherTenant`."""
        tenancy.require(self.tenant_id)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Remove the row. Refuses with `NoTenant` and `AnotherTenant`."""
        tenancy.require(self.tenant_id)
        return super().delete(*args, **kwargs)

    @classmethod
    def within_reach(cls) -> models.QuerySet[Self]:
        """This tenant's rows, or every tenant's inside `tenancy.across()`."""
        manager = cls.across_tenants if context.current().across_tenants else cls.objects
        return manager.all()

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row again; sealed values stay sealed until somebody asks for them."""
        with leave_sealed():
            super().refresh_from_db(*args, **kwargs)

    def validate_unique(self, exclude: Any = None) -> None:
        """Uniqueness is within the tenant, which no form shows, so it must not be left out."""
        super().validate_unique(exclude=_without_tenant(exclude))

    def validate_constraints(self, exclude: Any = None) -> None:
        """Constraints name the tenant, which no form shows, so it must not be left out."""
        super().validate_constraints(exclude=_without_tenant(exclude))


# Named here and not in Meta, where every model's migrations would repeat it: Django finds it through the base class.
# Relations are followed, rows saved and refreshed through the fenced manager too.
TenantOwned._meta.base_manager_name = "objects"


def _without_tenant(exclude: Any) -> set[str]:
    return set(exclude or ()) - {"tenant"}
