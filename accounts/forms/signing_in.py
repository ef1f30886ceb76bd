"""What people type to come in."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import backends, bots, guesses, identity_providers, passwords, security


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
    altcha = bots.ProofField()
    error_messages = {
        "invalid_login": _("This e-mail and password do not match. Please check both."),
        "inactive": _("This e-mail and password do not match. Please check both."),
    }

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:  # two_factor asks for it by name
        super().__init__(request, *args, **kwargs)
        if not security.in_force().remember_days:
            del self.fields["remember"]

    def _refuse_whose_provider_is_the_only_way(self) -> None:
        """Looked at before the account is, at the cost of one hash like every other answer."""
        typed = self.cleaned_data
        idp = identity_providers.enforced_for(str(typed.get("username", "")))
        if idp is not None and typed.get("password"):
            backends.burn_a_hash(str(typed["password"]))
            raise ValidationError(
                _("People with this address sign in with %(name)s. Use the button above."),
                code="provider_enforced",
                params={"name": idp.name},
            )

    def clean(self) -> dict[str, Any]:
        """Gives a right password's place among the attempts back, and looks whether it must be changed."""
        self._refuse_whose_provider_is_the_only_way()
        cleaned = super().clean()
        if self.user_cache is not None and self.request is not None:
            guesses.give_back(self.request)
            passwords.proved(self.user_cache, str(cleaned["password"]), at=timezone.now())
        return cleaned
