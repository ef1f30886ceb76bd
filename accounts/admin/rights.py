"""Pages about rights: the matrix with its diff, a member explained, groups tried out, lists to take away."""

import csv
import io
import json
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import conf, impersonation, permissions, policies, rights, roles
from accounts.forms import SeeAsForm
from accounts.models import IdentityProvider, Membership, Role
from accounts.views import going

COLUMNS = 4
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Page = Callable[..., HttpResponse]


def _require(request: HttpRequest, *codes: str) -> None:
    if not request.user.has_perms(codes):
        raise PermissionDenied


class GroupsForm(forms.Form):
    """Groups as a provider would send them."""

    idp = forms.ModelChoiceField(IdentityProvider.objects.none(), label=gettext_lazy("Identity provider"))
    groups = forms.CharField(
        label=gettext_lazy("Groups"),
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("One a line, as the provider sends them: names or ids."),
        required=False,
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields["idp"].queryset = IdentityProvider.objects.all()  # type: ignore[attr-defined]

    def clean_groups(self) -> list[str]:
        """The lines that say something."""
        return [line.strip() for line in self.cleaned_data["groups"].splitlines() if line.strip()]


class Pages(ModelAdmin):
    """An admin with pages of its own beside the list and the form."""

    def _page(self, request: HttpRequest, template: str, title: str, **words: Any) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **words}
        return TemplateResponse(request, template, context)

    def _address(self, route: str, page: Page, name: str) -> URLPattern:
        return path(route, self.admin_site.admin_view(page), name=f"accounts_{self.opts.model_name}_{name}")


class RightsPages(Pages):
    """The role list's own pages: matrix, trial of groups, export."""

    change_list_template = "admin/accounts/role/change_list.html"

    def get_urls(self) -> list[Any]:
        """Before Django's, which take everything."""
        posts = require_http_methods(["GET", "HEAD", "POST"])
        reads = require_http_methods(["GET", "HEAD"])
        return [
            self._address("matrix/", posts(self.matrix), "matrix"),
            self._address("groups/", reads(self.groups), "groups"),
            self._address("export/<str:what>.<str:form>", reads(self.export), "export"),
            *super().get_urls(),
        ]

    # --- the matrix ---
    def matrix(self, request: HttpRequest) -> HttpResponse:
        """Look; change one's own roles; see the difference; confirm."""
        _require(request, "accounts.view_role")
        if request.method != "POST":
            return self._matrix(request)
        _require(request, "accounts.change_role")
        try:
            return self._save(request) if request.POST.get("step") == "save" else self._difference(request)
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
            return HttpResponseRedirect(reverse("admin:accounts_role_matrix"))

    def _editable(self, request: HttpRequest, role: Role) -> bool:
        may = request.user.has_perm("accounts.change_role") and not role.is_system
        return may and policies.may_take(going.here(request), role, at=timezone.now())

    def _matrix(self, request: HttpRequest) -> HttpResponse:
        shown, own, pages = self._columns(request)
        mine = policies.usable_permissions(going.here(request))
        editable = {role.pk for role in own if self._editable(request, role)}
        groups = [
            (group, [(line, [self._cell(role, line.code, editable, mine) for role in shown]) for line in group.lines])
            for group in rights.grouped(permission.code for permission in permissions.grantable())
        ]
        words = {"columns": [(role, role.pk in editable, roles.fingerprint(role)) for role in shown], "groups": groups}
        words |= {"may_save": bool(editable), "pages": pages, "width": len(shown) + 1}
        return self._page(request, "admin/accounts/role/matrix.html", _("Roles and permissions"), **words)

    def _columns(self, request: HttpRequest) -> tuple[list[Role], list[Role], list[tuple[int, bool]]]:
        """One page of the tenant's own roles, since a form has only so many fields; then system roles."""
        every = rights.columns()
        own = [role for role in every if not role.is_system]
        asked = request.GET.get("page", "1")
        last = max(1, -(-len(own) // COLUMNS))
        number = min(max(1, int(asked)), last) if asked.isdecimal() and len(asked) < 9 else 1
        some = own[(number - 1) * COLUMNS : number * COLUMNS]
        pages = [(page, page == number) for page in range(1, last + 1)] if last > 1 else []
        return some + [role for role in every if role.is_system], some, pages

    def _cell(self, role: Role, code: str, editable: set[Any], mine: frozenset[str]) -> dict[str, Any]:
        return {"role": role, "holds": code in role.permissions, "open": role.pk in editable and code in mine}

    def _asked(self, request: HttpRequest) -> list[Role]:
        """The tenant's own roles this form speaks of."""
        wanted = [UUID(pk) for pk in request.POST.getlist("role") if _is_uuid(pk)]
        return [role for role in Role.objects.filter(pk__in=wanted, is_system=False) if self._editable(request, role)]

    def _difference(self, request: HttpRequest) -> HttpResponse:
        changes = []
        for role in self._asked(request):
            wanted = set(request.POST.getlist(f"holds-{role.pk}"))
            added, dropped = wanted - role.permissions, role.permissions - wanted
            if request.POST.get(f"seen-{role.pk}") != roles.fingerprint(role):
                raise roles.ChangedMeanwhile
            if added or dropped:
                changes.append(self._change(role, added, dropped))
        if not changes:
            messages.info(request, _("Nothing would change."))
            return HttpResponseRedirect(reverse("admin:accounts_role_matrix"))
        return self._page(request, "admin/accounts/role/difference.html", _("What would change"), changes=changes)

    def _change(self, role: Role, added: AbstractSet[str], dropped: AbstractSet[str]) -> dict[str, Any]:
        unknown = added - {permission.code for permission in permissions.grantable()}
        if unknown:
            raise roles.UnknownPermission(unknown)
        live = Q(grants__expires_at=None) | Q(grants__expires_at__gt=timezone.now())
        holders = Membership.objects.filter(live, grants__role=role, is_active=True)
        return {
            "role": role,
            "seen": roles.fingerprint(role),
            "added": rights.grouped(added),
            "dropped": rights.grouped(dropped),
            "holders": holders.aggregate(n=Count("pk", distinct=True))["n"],
        }

    def _save(self, request: HttpRequest) -> HttpResponse:
        wanted, seen = {}, {}
        for role in self._asked(request):
            added, dropped = (set(request.POST.getlist(f"{name}-{role.pk}")) for name in ("add", "drop"))
            wanted[role] = frozenset((role.permissions | added) - dropped)
            seen[role.pk] = request.POST.get(f"seen-{role.pk}", "")
        if len(wanted) != len(set(request.POST.getlist("role"))):
            raise roles.MoreThanHeld
        changed = roles.revise(wanted, seen=seen, by=going.here(request), at=timezone.now())
        names = ", ".join(role.name for role in changed)
        messages.success(request, _("Changed: %(roles)s. It holds from the next request on.") % {"roles": names})
        return HttpResponseRedirect(reverse("admin:accounts_role_matrix"))

    # --- groups tried out ---
    def groups(self, request: HttpRequest) -> HttpResponse:
        """What groups of a provider would give. Changes nothing."""
        _require(request, "accounts.view_role", "accounts.view_rolegrant")
        form = GroupsForm(data=request.GET if "idp" in request.GET else None)
        trial = provider = None
        if form.is_valid():
            provider = form.cleaned_data["idp"]
            trial = rights.try_out(provider, form.cleaned_data["groups"], at=timezone.now())
        words = {"form": form, "trial": trial, "provider": provider}
        return self._page(request, "admin/accounts/role/groups.html", _("Try groups out"), **words)

    # --- lists to take away ---
    def export(self, request: HttpRequest, what: str, form: str) -> HttpResponse:
        """The matrix, or who holds what, as CSV or JSON."""
        _require(request, "accounts.view_role")
        if what not in rights.WHAT or form not in ("csv", "json"):
            raise Http404
        if what == "holdings":
            _require(request, "accounts.view_rolegrant", "accounts.view_membership", "accounts.view_user")
        rows = rights.hand_out(what, form=form, by=request.user, at=timezone.now())
        body = _csv(rows) if form == "csv" else json.dumps({what: rows}, ensure_ascii=False, indent=1)
        kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
        name = f"{what}-{timezone.localdate().isoformat()}.{form}"
        return HttpResponse(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _is_uuid(words: str) -> bool:
    try:
        UUID(words)
    except ValueError:
        return False
    return True


def _csv(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV; what a spreadsheet would take for a formula is quoted."""
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def _harmless(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


class MemberPages(Pages):
    """A member's own pages: their rights explained, and the site seen as them."""

    def get_urls(self) -> list[Any]:
        """Before Django's, which take everything."""
        posts, reads = require_http_methods(["GET", "HEAD", "POST"]), require_http_methods(["GET", "HEAD"])
        return [
            self._address("<uuid:pk>/rights/", reads(self.rights), "rights"),
            self._address("<uuid:pk>/see-as/", posts(self.see_as), "see_as"),
            *super().get_urls(),
        ]

    def _member(self, pk: UUID) -> Membership:
        return get_object_or_404(Membership.objects.select_related("user"), pk=pk)

    def rights(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Every permission of a member with its why, and what is missing."""
        _require(request, "accounts.view_membership", "accounts.view_rolegrant")
        member = self._member(pk)
        words = {
            "told": rights.explain(member, at=timezone.now()),
            "member": member,
            "has_factor": member.user.has_second_factor(),
            "may_see_as": policies.may_see_as(going.here(request), member.user),
        }
        title = _("What %(name)s may do") % {"name": member.user}
        return self._page(request, "admin/accounts/membership/rights.html", title, **words)

    def see_as(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask for the reason, then look at the site as the member; see `accounts.stepping_up` for the proof."""
        _require(request, "accounts.impersonate")
        member, user, now = self._member(pk), going.here(request), timezone.now()
        form = SeeAsForm(data=request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                impersonation.start(request.session, member.user, by=user, at=now, reason=form.cleaned_data["reason"])
            except ValidationError as refusal:
                form.add_error(None if refusal.code == "not_allowed" else "reason", refusal)
            else:
                return self._as_them(member)
        words = {"form": form, "member": member, "minutes": int(conf.SEEN_AS.total_seconds() // 60)}
        title = _("See the site as %(name)s") % {"name": member.user}
        return self._page(request, "admin/accounts/membership/see_as.html", title, **words)

    def _as_them(self, member: Membership) -> HttpResponse:
        start = "admin:index" if policies.is_staff(member.user) else "accounts:home"
        answer = HttpResponseRedirect(reverse(start))
        secure = settings.SESSION_COOKIE_SECURE
        answer.set_cookie(
            impersonation.COOKIE, "1", max_age=conf.SEEN_AS, samesite="Strict", httponly=True, secure=secure
        )
        return answer
