"""What people type to sign up, to get a new password, to change their address: allauth's forms, with the house's words.

What the stock forms look up (is the address taken? whose is it?) is not looked up here: no page shall know.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import BaseConfirmCodeForm, ResetPasswordForm, ResetPasswordKeyForm, SignupForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import bots
from accounts.models import User, normalise_email
from accounts.validators import one_line

LONGEST_PASSWORD = 1000


class AddressField(forms.EmailField):
    """An e-mail address as it will be written to: its spelling is kept."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": kwargs.pop("autocomplete", "email"), "inputmode": "email"}
        super().__init__(max_length=254, widget=forms.EmailInput(attrs=attrs), **{"label": _("E-mail"), **kwargs})

    def clean(self, value: Any) -> str:
        """Refuses one that grows beyond what is kept when it is spelt out."""
        address = str(super().clean(value))
        if len(normalise_email(address)) > 254:
            raise ValidationError(_("This address is too long."), code="max_length")
        return address


def _password(label: Any, **kwargs: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, strip=False, max_length=LONGEST_PASSWORD, widget=widget, **kwargs)


def _same_twice(form: forms.Form) -> None:
    typed = form.cleaned_data
    if {"password1", "password2"} <= set(typed) and typed["password1"] != typed["password2"]:
        form.add_error("password2", ValidationError(_("The two passwords are not the same."), code="password_mismatch"))


class SignUpForm(SignupForm):
    """Name, e-mail, a password twice. Whether the address is known is nobody's business here."""

    field_order = ["name", "email", "password1", "password2", "website", "altcha"]
    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    website = bots.TrapField()
    altcha = bots.ProofField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = AddressField(autocomplete="username")
        self.fields["password1"] = _password(_("Password"), help_text=password_validators_help_text_html())
        self.fields["password2"] = _password(_("Password, once more"))
        self.order_fields(self.field_order)

    def clean_email(self) -> str:
        """As it was typed; the stock form would look whether it is taken."""
        return str(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        """Judges the password beside name and address; the stock form knows no name. One look at the breaches."""
        typed = forms.Form.clean(self) or self.cleaned_data
        if typed.get("password1"):
            somebody = User(email=typed.get("email", ""), display_name=typed.get("name", ""))
            self._judge(somebody)
        _same_twice(self)
        return typed

    def _judge(self, somebody: User) -> None:
        try:
            get_adapter().clean_password(self.cleaned_data["password1"], user=somebody)
        except ValidationError as refusal:
            self.add_error("password1", refusal)


class ForgottenForm(ResetPasswordForm):
    """The address of the account."""

    email = AddressField(autocomplete="username")
    website = bots.TrapField()
    altcha = bots.ProofField()

    def clean_email(self) -> str:
        """As it was typed; the stock form would look whose it is."""
        return str(self.cleaned_data["email"])


class CodeForm(BaseConfirmCodeForm):
    """The code from the mail. It is compared by `codes.prove`; the stock form would need it in clear."""

    code = forms.CharField(
        label=_("Code from the mail"),
        max_length=100,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autofocus": True,
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )

    def __init__(
        self, *args: Any, user: Any = None, email: str = "", **kwargs: Any
    ) -> None:  # the stock view gives both
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        """As it was typed."""
        return str(self.cleaned_data["code"])


class ChosenPasswordForm(ResetPasswordKeyForm):
    """The new password, twice, under the same rules as everywhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"] = _password(_("New password"), help_text=password_validators_help_text_html())
        self.fields["password2"] = _password(_("New password, once more"))

    def clean_password1(self) -> str:
        """Refuses what `password_rules` refuse of this user."""
        return str(get_adapter().clean_password(self.cleaned_data["password1"], user=self.user))

    def clean(self) -> dict[str, Any]:
        """Both the same."""
        typed = forms.Form.clean(self) or self.cleaned_data
        _same_twice(self)
        return typed

    def save(self) -> None:
        """Nothing: `resetting.choose` does."""


class AddressForm(forms.Form):
    """The new address. allauth's form would look it up among rows of its own."""

    email = AddressField(label=_("New e-mail address"))
