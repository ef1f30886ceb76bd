"""What people type to make an API token, and to see the site as somebody else."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import gate, permissions, policies
from accounts.models import User


class TokenMakingForm(forms.Form):
    """A name, what it may do out of what its maker may do, and for how long."""

    name = forms.CharField(label=_("What is it for?"), max_length=80)
    scopes = forms.MultipleChoiceField(label=_("It may"), widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(
        label=_("It ends after"),
        coerce=int,
        choices=[(7, _("a week")), (30, _("a month")), (90, _("three months")), (365, _("a year"))],
        initial=30,
    )

    def __init__(self, user: User, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        known, offered = permissions.known(), sorted(gate.scopes() & policies.usable_permissions(user))
        self.fields["scopes"].choices = [(code, str(known[code].label)) for code in offered]  # type: ignore[attr-defined]

    def expires_at(self, *, at: datetime) -> datetime:
        """The end, counted from a moment."""
        return at + timedelta(days=self.cleaned_data["days"])


class SeeAsForm(forms.Form):
    """Why somebody looks at the site as another."""

    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("It stays in the ledger."))
