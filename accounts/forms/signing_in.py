"""What people type to come in."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.utils.translation import gettext_lazy as _

from accounts import security, throttling


class SignInForm(AuthenticationForm):
    """E-mail and password. One sentence for every way they can be wrong."""

    username = UsernameField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    remember = forms.BooleanField(
        label=_("Remember me on this device"),
        required=False,
        help_text=_("Only on a device nobody else uses. Whoever works here signs in each day all the same."),
    )
    error_messages = {
        "invalid_login": _("This e-mail and password do not match. Please check both."),
        "inactive": _("This e-mail and password do not match. Please check both."),
    }

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:  # two_factor asks for it by name
        super().__init__(request, *args, **kwargs)
        if not security.in_force().remember_days:
            del self.fields["remember"]

    def clean(self) -> dict[str, Any]:
        """Gives a right password's place among the attempts back."""
        cleaned = super().clean()
        if self.user_cache is not None and self.request is not None:
            throttling.give_back(self.request, str(cleaned["username"]))
        return cleaned
