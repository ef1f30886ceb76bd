"""How the tenant presents itself, and the hosts it answers on."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import tenants
from accounts.admin.refusals import RefusalsShown
from accounts.models import Tenant, TenantDomain
from governance import tenancy


class HostsInline(admin.TabularInline):
    """Hosts, to read. Operators open them with `manage.py open_host`."""

    model = TenantDomain
    extra = 0
    can_delete = False
    fields = readonly_fields = ("host", "is_primary")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the tenant sees its hosts."""
        return request.user.has_perm("accounts.view_tenant")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not here."""
        return False


@admin.register(Tenant)
class TenantSettingsAdmin(RefusalsShown):
    """One's own tenant; operators see all of them."""

    list_display = ["name", "slug", "time_zone", "locale", "is_active"]
    readonly_fields = ["slug", "time_zone", "locale", "is_active"]
    fields = [*tenants.DESCRIBES, "slug", "time_zone", "locale", "is_active"]
    inlines = [HostsInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """The tenant at hand, or all for an operator."""
        rows: QuerySet[Tenant] = super().get_queryset(request)
        operates = request.user.has_perm("accounts.operate_platform")
        return rows if operates else rows.filter(pk=tenancy.current_id())

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """Describe, through the verb."""
        changed = {field: form.cleaned_data[field] or "" for field in form.changed_data}
        stored = Tenant.objects.get(pk=obj.pk)
        tenants.describe(stored, by=request.user, at=timezone.now(), **changed)  # type: ignore[arg-type]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Nothing needs asking here."""
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tenants are opened with `manage.py create_tenant`."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tenants are closed, not deleted."""
        return False
