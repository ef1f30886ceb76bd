"""What people type about themselves, and to close their account."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User, normalise_email
from accounts.validators import no_control_characters, phone_number, time_zone
from accounts.zones import offered
from governance.models import Person


def _zones(chosen: str) -> list[Any]:
    """The zones by region, with the one chosen earlier where the list lacks it."""
    regions: list[Any] = [(region, [(name, name) for name in names]) for region, names in offered()]
    is_listed = any(chosen in names for _region, names in offered())
    return [("", _("As on this site")), *([] if is_listed or not chosen else [(chosen, chosen)]), *regions]


class ProfileForm(forms.Form):
    """How somebody is called, reached and written to."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        validators=[no_control_characters],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=33,
        validators=[phone_number],
        help_text=_("Only for questions about an appointment. It lies encrypted."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )
    locale = forms.ChoiceField(label=_("Language of mails"), required=False)
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        validators=[time_zone],
        help_text=_("The one you live in."),
    )

    def __init__(self, user: User, person: Person, **kwargs: Any) -> None:
        kept = {} if person.erased_at else {name: getattr(person, name) for name in ("phone", "locale", "time_zone")}
        name = user.display_name or ("" if person.erased_at else person.name)
        super().__init__(initial={"name": name, **kept}, **kwargs)
        self.fields["locale"].choices = [("", _("As on this site")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = _zones(str(kept.get("time_zone", "")))  # type: ignore[attr-defined]


class CloseForm(forms.Form):
    """One's own e-mail address once more, so that no account is closed by a slip of the hand."""

    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("Type it as you sign in with it, to confirm."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )

    def __init__(self, user: User, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user = user

    def clean_email(self) -> str:
        """Refuses any other address than the account's."""
        typed = str(self.cleaned_data["email"])
        if normalise_email(typed) != self.user.email_key:
            raise forms.ValidationError(_("This is not the address of this account."), code="another_address")
        return typed
