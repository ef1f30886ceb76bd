"""The tenant's keys: which generation is in use, how old it is, which provider wrapped it. Never the keys."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from governance.admin.tenant import TenantAdmin
from governance.models import TenantKey


@admin.register(TenantKey)
class TenantKeyAdmin(TenantAdmin):
    """Read-only."""

    change_form_template = "admin/audit/evidence.html"
    list_display = ("purpose", "generation", "age", "provider", "provider_version", "created_at", "destroyed_at")
    fields = list_display
    readonly_fields = list_display

    @admin.display(description=_("age"), ordering="created_at")
    def age(self, key: TenantKey) -> str:
        """How long the key has been in use."""
        return timesince(key.created_at, timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Keys are made when they are first needed."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are rotated, not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Destroying a key is an act of its own."""
        return False
