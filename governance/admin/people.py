"""People as staff see them: found by name, e-mail or phone, corrected through the verb, never added or deleted here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from governance import people, policies
from governance.admin.tenant import TenantAdmin
from governance.models import Person


class PersonForm(forms.ModelForm):
    """What staff may put right about a person."""

    email = forms.EmailField(label=_("E-mail"), max_length=254, required=False)

    class Meta:
        model = Person
        fields = people.CORRECTABLE


@admin.register(Person)
class PersonAdmin(TenantAdmin):
    """Names, e-mails and phones are opened for the page that shows them and for nothing else."""

    form = PersonForm
    fields = (*people.CORRECTABLE, "created_at", "erased_at", "pointing_here")
    readonly_fields = ("created_at", "erased_at", "pointing_here")
    list_display = ("name", "email", "phone", "locale", "created_at")
    search_fields = ("name",)  # shows the box; `get_search_results` answers it
    search_help_text = _("The beginning of a name, a whole e-mail address, or a whole phone number.")
    ordering = ("-created_at",)
    list_per_page = 50
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Person], search_term: str
    ) -> tuple[models.QuerySet[Person], bool]:
        """People found by what can be looked up without opening anything."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=people.search(search_term).values("pk")), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People come by booking or writing, not by this page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """Erasing is an act of its own."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """There is nothing here but what only they may read."""
        return policies.may_read_people(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """Nothing can be put right about an erased person, nor by those who may not read it."""
        may = policies.may_read_people(request.user) and super().has_change_permission(request, obj)
        return may and (obj is None or obj.erased_at is None)

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        """Correct through the verb; a refusal is shown."""
        fields = {name: form.cleaned_data[name] or "" for name in form.changed_data if name in people.CORRECTABLE}
        try:
            people.correct(obj, by=request.user, at=timezone.now(), **fields)
        except ValidationError as refusal:
            request.refused_correction = refusal  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Person) -> HttpResponse:
        """Say what was refused instead of claiming it was done."""
        refusal = getattr(request, "refused_correction", None)
        if refusal is None:
            return super().response_change(request, obj)
        messages.error(request, " ".join(refusal.messages))
        return self.response_post_save_change(request, obj)

    @admin.display(description=_("held about this person"))
    def pointing_here(self, person: Person) -> SafeString:
        """How many rows of what point at the person, with a way to those staff have a page for."""
        held = people.pointing_at(person)
        rows = [(self._link(found.model, field, person), found.count()) for field, found in held]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))

    def _link(self, model: type[models.Model], field: str, person: Person) -> SafeString:
        named, options = model._meta.verbose_name_plural, model._meta
        try:
            page = reverse(f"{self.admin_site.name}:{options.app_label}_{options.model_name}_changelist")
        except NoReverseMatch:
            return format_html("{}", named)
        return format_html('<a href="{}?{}__id__exact={}">{}</a>', page, field, person.pk, named)
