"""Governance's admin: the base every tenant model's admin builds on, people, and the keys' ages."""

from governance.admin.keys import TenantKeyAdmin
from governance.admin.people import PersonAdmin
from governance.admin.tenant import (
    TenantAdmin,
    TenantInline,
    TenantRelatedFilter,
    TenantScoped,
    TenantStackedInline,
    TenantTabularInline,
    legible,
    personal,
)

__all__ = [
    "PersonAdmin",
    "TenantAdmin",
    "TenantInline",
    "TenantKeyAdmin",
    "TenantRelatedFilter",
    "TenantScoped",
    "TenantStackedInline",
    "TenantTabularInline",
    "legible",
    "personal",
]
