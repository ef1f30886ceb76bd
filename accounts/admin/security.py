"""What the tenant demands of sessions, factors and passwords: one page, no list."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import security, security_settings
from accounts.admin.refusals import RefusalsShown
from accounts.models import IdentityProvider, SecurityPolicy
from governance.admin import TenantAdmin

OWN = "own"
AS_PLATFORM = _("as the platform says")
SOURCES = {"platform": _("platform"), "tenant": _("this tenant"), "both": _("both say the same")}
GROUPS = {
    _("Sessions"): ["idle_minutes", "absolute_hours", "remember_days"],
    _("Second factor and step-up"): ["second_factor", "needs_security_key", "step_up_minutes"],
    _("Passwords"): ["password_length", "password_history", "password_days"],
    _("Visitors"): ["visitors_may_sign_up"],
}


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if name == "second_factor":
        return str(SecurityPolicy.SecondFactor(value).label)
    return str(value)


class PolicyForm(forms.ModelForm):
    """Empty fields leave a matter to the platform."""

    class Meta:
        model = SecurityPolicy
        fields = list(security_settings.FIELDS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for matter in security.explained(self.instance):
            if field := self.fields.get(matter.name):
                field.required = False
                field.help_text = _explanation(matter, field.help_text)
                self._offer_the_platforms_word(matter, field)

    def _offer_the_platforms_word(self, matter: security.Matter, field: Any) -> None:
        if isinstance(field, forms.NullBooleanField):
            field.widget.choices = [("unknown", AS_PLATFORM), ("true", _("yes")), ("false", _("no"))]
        elif matter.name == "second_factor":
            field.choices = [("", AS_PLATFORM), *SecurityPolicy.SecondFactor.choices]
        else:
            field.widget.attrs["placeholder"] = str(matter.platform)


def _explanation(matter: security.Matter, help_text: Any = "") -> SafeString:
    """What holds and whose word that is, after what the field is about."""
    words = {"value": _in_words(matter.name, matter.in_force), "source": SOURCES[matter.source]}
    lines = [(help_text,)] if help_text else []
    lines.append((gettext("In force: %(value)s (%(source)s).") % words,))
    if matter.is_overruled:
        lines.append((gettext("Looser than the platform's word, which holds."),))
    return format_html_join("", "<div>{}</div>", lines)


@admin.register(SecurityPolicy)
class SecurityPolicyAdmin(RefusalsShown, TenantAdmin):
    """The one page, under the address where other models have their list."""

    form = PolicyForm
    readonly_fields = ("providers", "cookies")
    menu_order = 90

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """By matter; single sign-on and cookies to read."""
        groups = [(title, {"fields": names}) for title, names in GROUPS.items()]
        return [*groups, (_("Single sign-on"), {"fields": ["providers"]}), (_("Cookies"), {"fields": ["cookies"]})]

    @admin.display(description=_("identity providers"))
    def providers(self, policy: SecurityPolicy) -> SafeString:
        """Who else says who somebody is, and for whom that is the only way in; each is set up on its own page."""
        rows = [
            (reverse("admin:accounts_identityprovider_change", args=[idp.pk]), idp.name, _standing(idp))
            for idp in IdentityProvider.objects.order_by("name")
        ]
        where = reverse("admin:accounts_identityprovider_changelist")
        all_of_them = format_html('<div><a href="{}">{}</a></div>', where, _("Set up identity providers"))
        return format_html_join("", '<div><a href="{}">{}</a>: {}</div>', rows) + all_of_them

    @admin.display(description=_("flags in force"))
    def cookies(self, policy: SecurityPolicy) -> SafeString:
        """The flags of the cookies that matter; set by the platform, and the same for every tenant."""
        rows = [
            (settings.SESSION_COOKIE_NAME, _flags("SESSION")),
            (settings.CSRF_COOKIE_NAME, _flags("CSRF")),
            (settings.DEVICE_COOKIE_NAME, _flags("DEVICE")),
        ]
        return format_html("{}", format_html_join("", "<div><code>{}</code> {}</div>", rows))

    # --- one page instead of a list ---
    def get_urls(self) -> list[URLPattern]:
        """No adding, no deleting; history stays."""
        unwanted = {"accounts_securitypolicy_add", "accounts_securitypolicy_delete"}
        return [url for url in super().get_urls() if getattr(url, "name", "") not in unwanted]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Straight to the form."""
        words = {"show_save_and_add_another": False, "show_save_and_continue": False, "show_delete": False}
        return self.changeform_view(request, OWN, "", words | (extra_context or {}))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The tenant's row; before it ever said anything, an empty one that is not stored."""
        if object_id == OWN:
            return SecurityPolicy.objects.first() or SecurityPolicy()
        return super().get_object(request, object_id, from_field)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The title is the matter itself; there is no history before the first word."""
        is_stored = not context["original"]._state.adding
        words = {"title": _("Security policy"), "subtitle": "", "is_stored": is_stored}
        return super().render_change_form(request, context | words, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: SecurityPolicy, form: Any, change: bool) -> None:
        """Revise, through the verb."""
        words = {field: form.cleaned_data[field] for field in form.changed_data if field in security_settings.FIELDS}
        saved = security_settings.revise(by=request.user, at=timezone.now(), **words)  # type: ignore[arg-type]
        obj.__dict__.update(saved.__dict__)

    def response_post_save_change(self, request: HttpRequest, obj: SecurityPolicy) -> HttpResponseRedirect:
        """Back to the page."""
        return HttpResponseRedirect(reverse("admin:accounts_securitypolicy_changelist"))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Of this tenant's row only."""
        try:
            is_here = SecurityPolicy.objects.filter(pk=object_id).exists()
        except ValidationError as nonsense:  # not an id at all
            raise Http404 from nonsense
        if not is_here:
            raise Http404
        return super().history_view(request, object_id, extra_context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """One row at most, made by saving the page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Empty fields do the same."""
        return False


def _standing(idp: IdentityProvider) -> str:
    """What a provider's row says about who comes in by it."""
    words = [str(idp.get_status_display())]
    if idp.is_enforced:
        words.append(gettext("the only way in for %(domains)s") % {"domains": ", ".join(idp.allowed_domains)})
    return " · ".join(words)


def _flags(prefix: str) -> str:
    secure = settings.SESSION_COOKIE_SECURE if prefix == "DEVICE" else getattr(settings, f"{prefix}_COOKIE_SECURE")
    httponly = prefix == "DEVICE" or getattr(settings, f"{prefix}_COOKIE_HTTPONLY")
    flags = {
        "HttpOnly": httponly,
        "Secure": secure,
        f"SameSite={getattr(settings, f'{prefix}_COOKIE_SAMESITE')}": True,
    }
    return " · ".join(flag for flag, is_set in flags.items() if is_set)
