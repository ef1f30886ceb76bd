"""What people type to show a second factor, or to enrol one."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from two_factor.forms import AuthenticationTokenForm, TOTPDeviceForm

from accounts import factors, signin
from accounts.models import User


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
    """One of the codes kept for the day the authenticator is lost."""

    idempotent = False
    use_required_attribute = False
    otp_token = forms.CharField(
        label=_("Recovery code"),
        max_length=40,
        help_text=_("Sixteen letters and digits. Each code works once."),
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off", "autocapitalize": "characters"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_otp_token(self) -> str:
        """Spends the code: refusals of `factors.use_recovery_code` show beside the field."""
        code = str(self.cleaned_data["otp_token"])
        try:
            factors.use_recovery_code(self.user, code, at=timezone.now())
        except factors.WrongCode:
            signin.note_failure(self.user.email, what="accounts.factor.failed", reason="recovery code")
            raise
        return "spent"


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
