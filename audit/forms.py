"""What staff look for in the ledger."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.utils.translation import gettext_lazy as _

from audit.models import Event

KINDS = ("user", "customer", "anonymous", "system")


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class LedgerFilterForm(forms.Form):
    """Filters of the viewer; all may be combined."""

    start = forms.DateTimeField(label=_("From"), required=False, widget=_moment())
    end = forms.DateTimeField(label=_("Until"), required=False, widget=_moment())
    action = forms.CharField(
        label=_("What happened"),
        required=False,
        max_length=100,
        help_text=_("Its code; end with a dot for all that begin so."),
        widget=forms.TextInput(attrs={"list": "acts", "autocomplete": "off"}),
    )
    actor = forms.CharField(label=_("Who"), required=False, max_length=254, help_text=_("E-mail, id, or kind."))
    object = forms.CharField(label=_("About"), required=False, max_length=100, help_text=_("Its id or its kind."))
    person = forms.CharField(label=_("Person"), required=False, max_length=64, help_text=_("A person's id."))
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=[("", _("any")), *Event.Outcome.choices])
    request = forms.CharField(label=_("Request id"), required=False, max_length=64)

    def clean(self) -> dict[str, Any]:
        """Refuses a range that ends before it begins, and what no database can look for."""
        typed = super().clean() or {}
        for name, value in typed.items():
            if isinstance(value, str) and "\0" in value:
                self.add_error(name, ValidationError(_("This cannot be looked for."), code="nul"))
        if typed.get("start") and typed.get("end") and typed["end"] <= typed["start"]:
            self.add_error("end", ValidationError(_("The end is before the beginning."), code="range"))
        return typed

    def choose(self, events: Any) -> Any:
        """The events that match."""
        typed = self.cleaned_data
        chosen = events.between(typed["start"], typed["end"])
        if action := typed["action"]:
            chosen = chosen.filter(action__startswith=action) if action.endswith(".") else chosen.filter(action=action)
        if typed["actor"]:
            chosen = chosen.filter(**_actor(typed["actor"]))
        if typed["object"]:
            chosen = chosen.filter(**{_object_column(typed["object"]): typed["object"]})
        if typed["person"]:
            chosen = chosen.concerning(typed["person"])
        if typed["outcome"]:
            chosen = chosen.filter(outcome=typed["outcome"])
        return chosen.filter(request_id=typed["request"]) if typed["request"] else chosen


def _actor(typed: str) -> dict[str, str]:
    if typed in KINDS:
        return {"actor_kind": typed}
    if "@" not in typed:
        return {"actor_id": typed}
    users: Any = get_user_model()._default_manager
    try:
        return {"actor_id": str(users.get_by_natural_key(typed).pk)}
    except ObjectDoesNotExist:
        return {"actor_id": typed}


def _object_column(typed: str) -> str:
    """`scheduling.appointment` is a kind; a UUID or a number is an id."""
    try:
        UUID(typed)
    except ValueError:
        return "object_id" if typed.isdigit() or "." not in typed else "object_type"
    return "object_id"
