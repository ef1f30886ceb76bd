"""Governance's admin: the base every tenant model's admin builds on, people, and the keys' ages."""

from governance.admin.tenant import (
    TenantAdmin,
    TenantInline,
    TenantRelatedFilter,
    TenantScoped,
    TenantStackedInline,
    TenantTabularInline,
    legible,
)

__all__ = [
    "TenantAdmin",
    "TenantInline",
    "TenantRelatedFilter",
    "TenantScoped",
    "TenantStackedInline",
    "TenantTabularInline",
    "legible",
]
