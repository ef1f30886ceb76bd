"""What staff type to set up an identity provider."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import identity_providers, outgoing, policies, saml_metadata
from accounts.models import IdentityProvider, Role, User


class LinesField(forms.CharField):
    """A list of words, one a line."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "widget": forms.Textarea(attrs={"rows": 3}), **kwargs})

    def prepare_value(self, value: Any) -> Any:
        """One a line again."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The words, each once, in the order typed."""
        lines = (line.strip() for line in str(value or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other words are there now."""
        return bool(self.to_python(data) != (initial or []))


# On which field a refusal is shown.
PLACES: dict[type[ValidationError], str] = {
    identity_providers.SlugTaken: "slug",
    identity_providers.SlugInUse: "slug",
    identity_providers.SecretNeeded: "secret",
    identity_providers.IssuerInUse: "issuer",
    identity_providers.EntityInUse: "metadata",
    identity_providers.AnotherEntity: "issuer",
    identity_providers.MoreThanTheirs: "default_role",
    saml_metadata.BadMetadata: "metadata",
    identity_providers.NothingToEnforce: "allowed_domains",
    outgoing.Forbidden: "issuer",
}


def roles_to_give(by: User, *, beside: Iterable[Any] = ()) -> QuerySet[Role]:
    """The roles somebody may have a provider give: none that hold more than they do, but for those `beside`."""
    now = timezone.now()
    theirs = [role.pk for role in Role.objects.all() if policies.may_give(by, role, at=now, expires_at=None)]
    return Role.objects.filter(pk__in=[*theirs, *beside])


class IdentityProviderForm(forms.ModelForm):
    """A provider's row. The secret is typed and never shown again; empty keeps the one there is."""

    by: User
    secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        strip=True,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Kept encrypted and never shown again. Leave it empty to keep the one there is."),
    )
    mfa_evidence = LinesField(
        label=_("Counts as a second factor"),
        help_text=_(
            "Values of amr, acr or acrs (SAML: AuthnContextClassRef), one a line, such as mfa. Without any of them in"
            " a sign-in, it counts as one factor, and staff are asked for another one here."
        ),
    )
    allowed_domains = LinesField(
        label=_("E-mail domains"),
        help_text=_("One a line, such as example.org. Only people with a verified address there come in; empty: all."),
    )

    class Meta:
        model = IdentityProvider
        fields = list(identity_providers.DESCRIBES)
        help_texts = {
            "scopes": _("openid is needed; email and profile tell who somebody is. Some providers send groups by one."),
            "groups_claim": _("The claim or attribute with the groups. A path such as realm_access.roles works too."),
            "max_auth_age": _("Only sign-ins that the provider checked this recently count. Empty: any."),
            "default_role": _("New members hold it besides what their groups give. Empty: none."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "default_role" in self.fields:
            self.fields["default_role"].queryset = roles_to_give(self.by)  # type: ignore[attr-defined]

    def clean_metadata(self) -> str:
        """Refuses what is not one provider's metadata."""
        pasted = str(self.cleaned_data["metadata"])
        if pasted.strip():
            saml_metadata.read(pasted)
        return pasted

    def _post_clean(self) -> None:
        """Show what the verb would refuse where it was typed."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            typed = str(self.cleaned_data.get("secret", ""))
            identity_providers.check(self.instance, self.by, timezone.now(), secret=typed)
        except ValidationError as refusal:
            place = PLACES.get(type(refusal))
            self.add_error(place if place in self.fields else None, refusal.messages[0])
