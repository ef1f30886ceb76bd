"""Roles of the tenant: system roles to read, its own to make and revise."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import permissions, policies, roles
from accounts.admin import permission_table
from accounts.admin.permission_table import PermissionTable
from accounts.admin.refusals import RefusalsShown
from accounts.admin.rights import RightsPages
from accounts.models import Role, User
from governance.admin import TenantAdmin


class RoleForm(forms.ModelForm):
    """A role the tenant makes for itself, out of what its maker holds."""

    by: User
    own_name = forms.CharField(label=_("Name"), max_length=80)
    own_permissions = forms.MultipleChoiceField(
        label=_("Permissions"), widget=PermissionTable, help_text=_("Only what you hold yourself.")
    )

    class Meta:
        model = Role
        fields = ["key", "own_name", "own_permissions", "own_rank", "own_requires_mfa"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = policies.usable_permissions(self.by) | self.instance.permissions
        choices = [(p.code, p.label) for p in permissions.grantable() if p.code in held]
        self.fields["own_permissions"].choices = choices  # type: ignore[attr-defined]

    def clean_key(self) -> str:
        """A short name of a system role, or one in use, is taken."""
        key = str(self.cleaned_data["key"])
        if Role.objects.filter(key=key).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a role with this short name."))
        return key

    def clean(self) -> dict[str, Any]:
        """Refuses a rank above one's own."""
        cleaned = super().clean() or {}
        if cleaned.get("own_rank", 0) > policies.held(self.by).rank:
            self.add_error("own_rank", roles.MoreThanHeld().messages[0])
        return cleaned


@admin.register(Role)
class RoleAdmin(RightsPages, RefusalsShown, TenantAdmin):
    """Every role with what it holds."""

    form = RoleForm
    list_display = ["name", "rank", "requires_mfa", "is_system"]

    @admin.display(description=_("name"))
    def name(self, role: Role) -> str:
        """In the reader's language."""
        return role.name

    @admin.display(description=_("rank"))
    def rank(self, role: Role) -> int:
        """From code for system roles."""
        return role.rank

    @admin.display(description=_("needs a second factor"), boolean=True)
    def requires_mfa(self, role: Role) -> bool:
        """From code for system roles."""
        return role.requires_mfa

    @admin.display(description=_("permissions"))
    def holds(self, role: Role) -> str:
        """App by app and thing by thing."""
        return render_to_string(
            "admin/accounts/role/holds.html", {"sections": permission_table.sections(role.permissions)}
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form knows who makes the role."""
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A form for the tenant's own roles, a list of permissions for all others to read."""
        if self.has_change_permission(request, obj) or obj is None:
            return [(None, {"fields": RoleForm.Meta.fields})]
        return [(None, {"fields": ["name", "rank", "requires_mfa", "holds"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What is read and not typed; the short name once it is given."""
        return ["name", "rank", "requires_mfa", "holds"] + (["key"] if obj else [])

    def save_model(self, request: HttpRequest, obj: Role, form: Any, change: bool) -> None:
        """Define, through the verb."""
        typed = form.cleaned_data
        role = Role.objects.get(pk=obj.pk) if change else Role(key=typed["key"])
        defined = roles.define(
            role,
            name=typed["own_name"],
            codes=typed["own_permissions"],
            rank=typed["own_rank"],
            requires_mfa=typed["own_requires_mfa"],
            by=form.by,
            at=timezone.now(),
        )
        obj.__dict__.update(defined.__dict__)

    def has_change_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        """System roles are defined in code."""
        return bool(super().has_change_permission(request, obj)) and not (obj and obj.is_system)

    def has_delete_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        """Roles stay: the ledger and old grants name them."""
        return False
