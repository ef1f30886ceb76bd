"""Who belongs to the tenant, and which roles they were given. Users themselves are the platform's: read-only here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import break_glass, policies, roles, tenants
from accounts.admin.refusals import RefusalsShown, each
from accounts.admin.rights import MemberPages
from accounts.models import Membership, Role, RoleGrant, User
from governance.admin import TenantAdmin, TenantInline


def _refuse_more_than_held(form: Any, role: Role | None, expires_at: Any = None) -> None:
    if role and not policies.may_give(form.by, role, at=timezone.now(), expires_at=expires_at):
        raise ValidationError(roles.MoreThanHeld().messages[0])


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Members of this tenant as users. What is theirs (e-mail, password, factors) nobody changes for them."""

    list_display = ["email", "display_name", "is_active", "last_login"]
    search_fields = ["email_key", "display_name"]
    fields = readonly_fields = ("email", "display_name", "is_active", "last_login", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Only people of this tenant."""
        return User.of_tenant()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """No column may be asked for in the address: password hashes would answer sign by sign."""
        return lookup.split("__")[0] in {"email", "email_key", "display_name", "is_active", "q"}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Members are let in under Members."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes another's account."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Memberships end; users stay."""
        return False


class AdmitForm(forms.ModelForm):
    """Whom to let in, as what."""

    by: User
    email = forms.EmailField(label=_("E-mail"), help_text=_("They get a mail with a link to choose a password."))
    name = forms.CharField(label=_("Name"), max_length=120)
    role = forms.ModelChoiceField(Role.objects.none(), label=_("Role"))

    class Meta:
        model = Membership
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = Role.objects.all()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuses a role above one's own."""
        cleaned = super().clean() or {}
        _refuse_more_than_held(self, cleaned.get("role"))
        return cleaned


class GrantsInline(TenantInline):
    """What a member was given. Given and taken under Role grants."""

    model = RoleGrant
    extra = 0
    can_delete = False
    fields = readonly_fields = ("role", "source", "expires_at", "reason", "granted_by", "granted_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Given elsewhere, by a verb."""
        return False


@admin.register(Membership)
class MembershipAdmin(MemberPages, RefusalsShown, TenantAdmin):
    """Members: let in with a role, ended and resumed by action."""

    list_display = ["user", "given_roles", "is_active", "joined_at"]
    list_filter = ["is_active"]
    list_select_related = ["user"]
    search_fields = ["user__email_key", "user__display_name"]
    actions = ["end", "resume"]
    inlines = [GrantsInline]
    change_form_template = "admin/accounts/membership/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """With their grants, in one query for the whole list."""
        return super().get_queryset(request).prefetch_related("grants__role")

    @admin.display(description=_("roles"))
    def given_roles(self, membership: Membership) -> str:
        """Names of the roles in force."""
        now = timezone.now()
        return ", ".join(given.role.name for given in membership.grants.all() if given.is_live(at=now))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Admitting asks who and as what."""
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("AdmitForm", (AdmitForm,), {"by": request.user})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who and as what when admitting, everything read-only afterwards."""
        fields = ["user", "is_active", "joined_at"] if obj else ["email", "name", "role"]
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Everything a verb governs."""
        return ["user", "is_active", "joined_at"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Grants of a member who is there."""
        return self.inlines if obj else []

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Admit, through the verb."""
        if not change:
            typed = form.cleaned_data
            admitted = tenants.admit(
                email=typed["email"], name=typed["name"], role=typed["role"].key, by=form.by, at=timezone.now()
            )
            obj.__dict__.update(admitted.__dict__)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Memberships end; they stay for the record."""
        return False

    @admin.action(description=_("End these memberships"), permissions=["change"])
    def end(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        """Sessions end at their next request."""
        each(request, rows, lambda row: roles.end_membership(row, by=request.user, at=timezone.now()))  # type: ignore

    @admin.action(description=_("Resume these memberships"), permissions=["change"])
    def resume(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        """With the roles they had."""
        each(request, rows, lambda row: roles.resume_membership(row, by=request.user, at=timezone.now()))  # type: ignore


class GrantForm(forms.ModelForm):
    """A role for a member, for good or until a moment."""

    by: User

    class Meta:
        model = RoleGrant
        fields = ["membership", "role", "expires_at", "reason"]

    def clean(self) -> dict[str, Any]:
        """Refuses more than one holds, and for longer."""
        cleaned = super().clean() or {}
        _refuse_more_than_held(self, cleaned.get("role"), cleaned.get("expires_at"))
        return cleaned


@admin.register(RoleGrant)
class RoleGrantAdmin(RefusalsShown, TenantAdmin):
    """Who holds what. Given here, taken by action, never edited."""

    form = GrantForm
    list_display = ["membership", "role", "source", "expires_at", "reason", "granted_by", "granted_at"]
    list_filter = ["source", "role"]
    list_select_related = ["membership__user", "role", "granted_by"]
    search_fields = ["membership__user__email_key", "membership__user__display_name"]
    actions = ["revoke"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form knows who gives."""
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: RoleGrant, form: Any, change: bool) -> None:
        """Give, through the verb."""
        given = roles.grant(
            obj.membership,
            role=obj.role,
            by=form.by,
            at=timezone.now(),
            expires_at=obj.expires_at,
            reason=obj.reason,
        )
        obj.__dict__.update(given.__dict__)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A grant is given and taken, not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Taken by the action below, which calls the verb."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return request.user.has_perm("accounts.delete_rolegrant")

    @admin.action(description=_("Take these roles back"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, rows: QuerySet[RoleGrant]) -> None:
        """Refused for more than one holds, and for the last owner."""
        each(request, rows, lambda row: break_glass.take_back(row, by=request.user, at=timezone.now()))  # type: ignore
