"""What people type to come in, and to strengthen or change how they do."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm, UsernameField
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from two_factor.forms import AuthenticationTokenForm, TOTPDeviceForm

from accounts import factors, throttling
from accounts.models import User


class SignInForm(AuthenticationForm):
    """E-mail and password. One sentence for every way they can be wrong."""

    username = UsernameField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = {
        "invalid_login": _("This e-mail and password do not match. Please check both."),
        "inactive": _("This e-mail and password do not match. Please check both."),
    }

    def clean(self) -> dict[str, Any]:
        """Gives a right password's place among the attempts back."""
        cleaned = super().clean()
        if self.user_cache is not None and self.request is not None:
            throttling.give_back(self.request, str(cleaned["username"]))
        return cleaned


class TokenForm(AuthenticationTokenForm):
    """The six figures of the authenticator, checked with its row locked so that they serve once."""

    otp_token = forms.RegexField(
        label=_("Six-digit code"),
        regex=r"^[0-9 ]{6,7}$",
        help_text=_("Your authenticator app shows a new one every half minute."),
        error_messages={"invalid": _("The code has six digits.")},
        widget=forms.TextInput(
            attrs={"autofocus": True, "inputmode": "numeric", "autocomplete": "one-time-code", "class": "numeric"}
        ),
    )
    otp_error_messages = AuthenticationTokenForm.otp_error_messages | {
        "token_required": _("Please enter the six-digit code."),
        "invalid_token": _("This code is not right, or was used already. Wait for the next one and try again."),
    }

    def clean_otp_token(self) -> str:
        """The figures without the space some apps show between them."""
        return str(self.cleaned_data["otp_token"]).replace(" ", "")

    def _chosen_device(self, user: User) -> Device | None:
        return factors.locked_device(user)


class RecoveryForm(forms.Form):
    """One of the codes kept for the day the authenticator is lost. The page spends it: nothing is looked up here."""

    idempotent = False
    use_required_attribute = False
    otp_token = forms.CharField(
        label=_("Recovery code"),
        max_length=40,
        help_text=_("Sixteen letters and digits. Each code works once."),
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off", "autocapitalize": "characters"}),
    )


class EnrolForm(TOTPDeviceForm):
    """The first code of a new authenticator, proving that the key arrived. Saves nothing itself."""

    token = forms.RegexField(
        label=_("Six-digit code"),
        regex=r"^[0-9 ]{6,7}$",
        help_text=_("The code your app shows now for the new entry."),
        error_messages={"invalid": _("The code has six digits.")},
        widget=forms.TextInput(
            attrs={"autofocus": True, "inputmode": "numeric", "autocomplete": "one-time-code", "class": "numeric"}
        ),
    )
    error_messages = {"invalid_token": _("This code is not right. Check the clock of your phone and try the next one.")}

    def clean_token(self) -> int:
        """The figures as a number, checked against the new key."""
        self.cleaned_data["token"] = int(str(self.cleaned_data["token"]).replace(" ", ""))
        return int(super().clean_token())


class FirstPasswordForm(SetPasswordForm):
    """A first password, twice."""


class PasswordForm(SetPasswordForm):
    """A new password, twice, after the present one."""

    old_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    field_order = ["old_password", "new_password1", "new_password2"]

    def clean_old_password(self) -> str:
        """Refuses a wrong present password."""
        given = str(self.cleaned_data["old_password"])
        if not self.user.check_password(given):
            raise forms.ValidationError(_("This is not your current password."), code="password_incorrect")
        return given
