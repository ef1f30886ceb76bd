"""What people type to choose a password."""

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.utils.translation import gettext_lazy as _

from accounts import bots


class FirstPasswordForm(SetPasswordForm):
    """A first password, twice; whoever has the link needs not be signed in."""

    altcha = bots.ProofField()


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
