"""Identity providers in the back office: set up, tried, taken live; roles by group; who came that way."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import flows, identity_providers, saml_metadata
from accounts.admin import guides
from accounts.admin.refusals import RefusalsShown
from accounts.forms import IdentityProviderForm, roles_to_give
from accounts.models import ExternalIdentity, GroupRoleMapping, IdentityProvider
from accounts.views import oidc, refusals, saml, trying
from audit import ledger
from governance.admin import TenantAdmin, TenantInline

Protocol, Status = IdentityProvider.Protocol, IdentityProvider.Status
BADGES = {Status.DRAFT: "warn", Status.TEST: "brand", Status.LIVE: "good"}
# What begins a try, by protocol.
TRIES: dict[str, Callable[..., HttpResponse]] = {Protocol.OIDC: oidc.begin_try, Protocol.SAML: saml.begin_try}
MOVES = {
    Status.TEST: _("Take into test"),
    Status.LIVE: _("Go live"),
    Status.DRAFT: _("Back to draft"),
}


def _may_set_up(request: HttpRequest) -> bool:
    return identity_providers.may_set_up(request.user, at=timezone.now())  # type: ignore[arg-type]


class MappingsInline(TenantInline):
    """Which groups hold which roles."""

    model = GroupRoleMapping
    extra = 0
    fields = ("group", "role")
    verbose_name = _("group's role")
    verbose_name_plural = _("Roles by group: held for as long as somebody is in the group, from sign-in to sign-in")

    def get_formset(self, request: HttpRequest, obj: IdentityProvider | None = None, **kwargs: Any) -> Any:
        """With the roles whoever sets up may give, and those that are mapped already."""
        formset = super().get_formset(request, obj, **kwargs)
        mapped = GroupRoleMapping.objects.filter(idp=obj).values_list("role_id", flat=True)
        if "role" in formset.form.base_fields:
            formset.form.base_fields["role"].queryset = roles_to_give(request.user, beside=mapped)  # type: ignore
        return formset


@admin.register(IdentityProvider)
class IdentityProviderAdmin(RefusalsShown, TenantAdmin):
    """One row per provider, saved and moved through the verbs. The secret goes in and never comes out."""

    menu_order = 60
    form = IdentityProviderForm
    change_form_template = "admin/accounts/identityprovider/change_form.html"
    change_list_template = "admin/accounts/identityprovider/change_list.html"
    list_display = ["name", "protocol", "how_far", "is_enforced", "linked"]
    list_filter = ["protocol", "status"]
    search_fields = ["name", "slug", "issuer"]
    inlines = [MappingsInline]
    readonly_fields = ["how_far", "to_copy", "has_secret", "told"]

    # --- what is shown ---
    @admin.display(description=_("status"), ordering="status")
    def how_far(self, idp: IdentityProvider) -> SafeString:
        """Draft, test or live."""
        return format_html(
            '<span class="badge badge--{}">{}</span>', BADGES[Status(idp.status)], idp.get_status_display()
        )

    @admin.display(description=_("people linked"))
    def linked(self, idp: IdentityProvider) -> int:
        """How many come in with it."""
        return int(getattr(idp, "people", 0))

    @admin.display(description=_("to copy into the provider"))
    def to_copy(self, idp: IdentityProvider) -> SafeString:
        """The addresses the provider must know."""
        return format_html_join("", "<div>{}<br><code>{}</code></div>", guides.addresses(idp))

    @admin.display(description=_("what the metadata says"))
    def told(self, idp: IdentityProvider) -> SafeString:
        """Whom it is about, and the fingerprints to compare with the provider's by another way."""
        try:
            facts = saml_metadata.read(idp.metadata)
        except saml_metadata.BadMetadata as unreadable:
            return format_html("{}", unreadable.messages[0] if idp.metadata else "—")
        lines = [(_("entity id"), facts.entity_id), (_("signs in at"), facts.asked_at)]
        lines += [(_("certificate (SHA-256)"), fingerprint) for fingerprint in facts.fingerprints]
        return format_html_join("", "<div>{}<br><code>{}</code></div>", lines)

    @admin.display(description=_("client secret"))
    def has_secret(self, idp: IdentityProvider) -> str:
        """Only whether there is one."""
        return gettext("entered, not shown") if idp.sealed_secret else gettext("not entered yet")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With how many people are linked, in one query for the whole list."""
        return super().get_queryset(request).annotate(people=Count("identities"))

    def get_fieldsets(self, request: HttpRequest, obj: IdentityProvider | None = None) -> Any:
        """Name and protocol first; then that protocol's part, who may come in, and how strongly."""
        about = ["name", "slug", "protocol"] if obj is None else ["how_far", "name", "slug", "protocol", "to_copy"]
        may_type = self.has_change_permission(request, obj) if obj else True
        secret = "secret" if may_type else "has_secret"
        speaks = {
            Protocol.OIDC: ("OpenID Connect", ["issuer", "client_id", secret, "scopes"]),
            Protocol.SAML: ("SAML 2.0", ["metadata", *(["told"] if obj else [])]),
        }
        parts = speaks.values() if obj is None else [speaks[Protocol(obj.protocol)]]
        people = ["allowed_domains", "makes_members", "default_role", "groups_claim", "is_enforced"]
        return [
            (None, {"fields": about}),
            *((title, {"fields": fields}) for title, fields in parts),
            (_("Who comes in"), {"fields": people}),
            (_("How strongly"), {"fields": ["mfa_evidence", "max_auth_age"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: IdentityProvider | None = None) -> list[Any]:
        """The protocol stays once chosen."""
        return [*super().get_readonly_fields(request, obj), *(["protocol"] if obj else [])]

    def get_inlines(self, request: HttpRequest, obj: IdentityProvider | None) -> Any:
        """Groups once there is a provider."""
        return self.inlines if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form knows who sets up."""
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user  # type: ignore[attr-defined]
        return form

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """With the steps that can be taken from here."""
        idp = kwargs.get("obj")
        if idp is not None and self.has_change_permission(request, idp):
            steps = [(to, MOVES[Status(to)]) for to in identity_providers.NEXT[idp.status]]
            may_try = idp.status != Status.DRAFT and idp.protocol in TRIES
            context |= {"steps": steps, "may_try": may_try, "lacks": identity_providers.lacks(idp)}
        return super().render_change_form(request, context, *args, **kwargs)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """The filters, and no other column: a sealed secret would answer sign by sign."""
        return lookup.partition("__")[0] in self.list_filter

    # --- what is done ---
    def save_model(self, request: HttpRequest, obj: IdentityProvider, form: Any, change: bool) -> None:
        """Define, through the verb."""
        typed = {name: form.cleaned_data[name] for name in identity_providers.DESCRIBES if name in form.cleaned_data}
        idp = IdentityProvider.objects.get(pk=obj.pk) if change else IdentityProvider()
        secret = form.cleaned_data.get("secret", "")
        defined = identity_providers.define(idp, by=form.by, at=timezone.now(), secret=secret, **typed)
        obj.__dict__.update(defined.__dict__)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Map and unmap groups, through the verbs."""
        added, now = formset.save(commit=False), timezone.now()
        moved = [mapping for mapping, _fields in formset.changed_objects]
        for mapping in [*formset.deleted_objects, *moved]:
            stored = GroupRoleMapping.objects.select_related("idp", "role").get(pk=mapping.pk)
            identity_providers.unmap_group(stored, by=form.by, at=now)
        for mapping in added:
            idp, group, role = form.instance, mapping.group, mapping.role
            identity_providers.map_group(idp, group=group, role=role, by=form.by, at=now)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever could make an owner."""
        return bool(super().has_add_permission(request)) and _may_set_up(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever could make an owner."""
        return bool(super().has_change_permission(request, obj)) and _may_set_up(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A provider goes back to draft; who came in with it stays on record."""
        return False

    def get_urls(self) -> list[Any]:
        """Trying, moving and the guide, beside Django's."""
        wrap, name = self.admin_site.admin_view, "accounts_identityprovider"
        return [
            path("<uuid:pk>/move/", wrap(self.move), name=f"{name}_move"),
            path("<uuid:pk>/guide/", wrap(self.guide), name=f"{name}_guide"),
            path("<uuid:pk>/try/", wrap(self.try_it), name=f"{name}_try"),
            path("<uuid:pk>/tried/", wrap(self.tried), name=f"{name}_tried"),
            *super().get_urls(),
        ]

    def _found(self, request: HttpRequest, pk: Any, *, to_change: bool) -> IdentityProvider:
        idp = self.get_object(request, str(pk))
        may = self.has_change_permission if to_change else self.has_view_permission
        if idp is None or not may(request, idp):
            raise PermissionDenied
        found: IdentityProvider = idp
        return found

    def _page(self, request: HttpRequest, name: str, idp: IdentityProvider, words: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "idp": idp, **words}
        return render(request, f"admin/accounts/identityprovider/{name}.html", context)

    def move(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """One step further, or back."""
        idp = self._found(request, pk, to_change=True)
        if request.method == "POST":
            try:
                to = request.POST.get("to", "")
                moved = identity_providers.move(idp, to=to, by=request.user, at=timezone.now())  # type: ignore[arg-type]
                said = gettext("%(name)s is now: %(status)s.") % {"name": moved, "status": moved.get_status_display()}
                messages.success(request, said)
            except ValidationError as refusal:
                messages.error(request, " ".join(refusal.messages))
        return HttpResponseRedirect(reverse("admin:accounts_identityprovider_change", args=[idp.pk]))

    def guide(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """What to do at the provider's console."""
        idp = self._found(request, pk, to_change=False)
        all_guides = guides.of(idp)
        chosen = next((one for one in all_guides if one.key == request.GET.get("at")), all_guides[0])
        words = {"title": gettext("Setting up %(name)s") % {"name": idp}, "guides": all_guides, "chosen": chosen}
        return self._page(request, "guide", idp, {**words, "addresses": guides.addresses(idp)})

    def try_it(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """To the provider, to see what a sign-in would give."""
        idp = self._found(request, pk, to_change=True)
        back = HttpResponseRedirect(reverse("admin:accounts_identityprovider_change", args=[idp.pk]))
        if idp.status == Status.DRAFT or idp.protocol not in TRIES:
            messages.error(request, gettext("Take the provider into test first."))
            return back
        try:
            answer = TRIES[idp.protocol](request, idp, by=request.user)
        except refusals.REFUSALS as refusal:
            ledger.refused("accounts.idp.tried", idp, reason=refusals.reason(refusal))
            messages.error(request, f"{refusal.messages[0]} ({refusals.reason(refusal)})")
            return back
        ledger.record("accounts.idp.tried", idp)
        return answer

    def tried(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """What came of a try, for the one who began it."""
        idp = self._found(request, pk, to_change=True)
        shown: dict[str, Any] = {}
        try:
            shown = trying.shown(request, idp)
        except flows.FlowOver:
            messages.error(request, gettext("This result is no longer kept. Please try again."))
        if (shown.get("provider"), shown.get("by")) != (str(idp.pk), str(request.user.pk)):
            return HttpResponseRedirect(reverse("admin:accounts_identityprovider_change", args=[idp.pk]))
        words = {"title": gettext("What a sign-in with %(name)s would give") % {"name": idp}, "shown": shown}
        return self._page(request, "tried", idp, words)


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(TenantAdmin):
    """Whom a provider's subject is here. Made by signing in, read only."""

    menu_order = 61
    list_display = ["user", "idp", "subject", "linked_at", "last_seen_at"]
    list_filter = ["idp"]
    list_select_related = ["user", "idp"]
    search_fields = ["user__email_key", "user__display_name", "subject"]
    fields = readonly_fields = ("user", "idp", "subject", "linked_at", "last_seen_at")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """The filter, and no column of the provider behind it."""
        return lookup in {"idp", "idp__id__exact"}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People link themselves by signing in."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody says who somebody else is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Links stay for the record."""
        return False
