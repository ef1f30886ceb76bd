"""The base of read-only pages: rows of the current tenant, nothing to add, change or delete."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from audit import context


class EvidenceAdmin(admin.ModelAdmin):
    """Shows rows of the current tenant. Refuses every change, whoever asks."""

    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        """Rows of the tenant this page is shown in; the platform's own where no tenant is active."""
        return super().get_queryset(request).filter(tenant=context.current().tenant_id)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted."""
        return False
