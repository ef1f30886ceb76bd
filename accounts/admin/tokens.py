"""API tokens of the tenant's members: staff see that they exist and end them; nobody makes one for another."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import tokens
from accounts.admin.refusals import each
from accounts.models import ApiToken
from governance.admin import TenantAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(TenantAdmin):
    """Read-only, but for the action that revokes."""

    list_display = ["name", "user", "prefix", "expires_at", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__email_key"]
    fields = readonly_fields = (
        "name",
        "user",
        "prefix",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    actions = ["revoke"]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """A digest answers no questions."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Made by their owners, under their accounts."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Made and revoked, never edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revoked ones stay for the record."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return request.user.has_perm("accounts.delete_apitoken")

    @admin.action(description=_("Revoke these tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        """Refused for tokens of those who stand higher."""
        each(request, rows.select_related("user"), lambda row: tokens.revoke(row, by=request.user, at=timezone.now()))  # type: ignore
