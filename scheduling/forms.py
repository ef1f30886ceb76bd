"""What visitors and staff type about bookings, turned into clean values. Nothing here saves."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from scheduling.walltime import check_zone

ANYBODY = "any"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PHONE = RegexValidator(r"^\+?[0-9 ()./\-]{5,32}$", _("Write the phone number with digits, for example +34 600 000 000."))
_REQUEST = RegexValidator(r"^[\x21-\x7e]{1,100}$", _("The request's key must be 1 to 100 plain characters."))


def no_control_characters(value: str) -> None:
    """Refuses line breaks and other control characters in a one-line value."""
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in value):
        raise ValidationError(_("Line breaks and control characters do not belong here."), "control")


class InstantField(forms.Field):
    """A UTC instant written `YYYY-MM-DDTHH:MMZ`."""

    default_error_messages = {
        "required": _("Choose a time."),
        "invalid": _("That is not a time we offered. Choose one from the list."),
    }

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise ValidationError(self.error_messages["invalid"], "invalid")
        try:
            instant = datetime.strptime(value, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], "invalid") from error
        if not FIRST_DAY <= instant.date() <= LAST_DAY:
            raise ValidationError(self.error_messages["invalid"], "invalid")
        return instant


class DayField(forms.Field):
    """A day written `YYYY-MM-DD`, in this century."""

    default_error_messages = {"invalid": _("Write the day as year-month-day, for example 2026-11-30.")}

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values:
            return None
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValidationError(self.error_messages["invalid"], "invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], "invalid") from error
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(self.error_messages["invalid"], "invalid")
        return day


class ProviderField(forms.Field):
    """`any`, or the id or short name of somebody who takes bookings; cleans to the id, or None for anybody."""

    default_error_messages = {"invalid": _("That person does not take bookings for this service.")}

    def __init__(self, providers: Iterable[Any], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.ids = {name: row.pk for row in providers for name in (str(row.pk), row.slug)}

    def to_python(self, value: Any) -> UUID | None:
        if value in self.empty_values or value == ANYBODY:
            return None
        if value not in self.ids:
            raise ValidationError(self.error_messages["invalid"], "invalid")
        return self.ids[value]


class ZoneField(forms.CharField):
    """An IANA time zone; empty means the tenant's own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=64, validators=[check_zone], **kwargs)


class OpeningsQuery(forms.Form):
    """Which openings to show: `from`, `to`, `tz` and `with` of the address."""

    tz = ZoneField(label=_("Time zone"))
    to = DayField(required=False, label=_("Last day"))

    def __init__(self, *args: Any, providers: Iterable[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = DayField(required=False, label=_("First day"))
        self.fields["with"] = ProviderField(providers, label=_("With"))


class ChoiceQuery(OpeningsQuery):
    """One opening picked from the list."""

    start = InstantField(label=_("Time"))


class BookingForm(forms.Form):
    """A visitor's booking. Refuses anything that is not an offered time, a reachable e-mail and accepted terms."""

    start = InstantField(label=_("Time"), widget=forms.HiddenInput)
    hold = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    request_id = forms.CharField(required=False, max_length=100, validators=[_REQUEST], widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        validators=[no_control_characters],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The confirmation goes here, with a link to change or cancel."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=33,
        validators=[_PHONE],
        help_text=_("Only for questions about this appointment."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )
    note = forms.CharField(
        label=_("Anything we should know?"),
        required=False,
        max_length=2000,
        help_text=_("Please leave out what we do not need to know."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    timezone = ZoneField(label=_("Time zone"), widget=forms.HiddenInput)
    accept_terms = forms.BooleanField(
        label=_("I agree that my details are kept to arrange this appointment."),
        error_messages={"required": _("Please agree, so that we may keep your appointment.")},
    )

    def __init__(self, *args: Any, providers: Iterable[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["with"] = ProviderField(providers, widget=forms.HiddenInput)

    def body_hash(self, service: str) -> str:
        """What makes two requests the same request: SHA-256 over everything typed, as canonical JSON."""
        typed = {name: str(self.cleaned_data[name]) for name in sorted(self.cleaned_data) if name not in _OUTSIDE_BODY}
        return hashlib.sha256(json.dumps([service, typed], ensure_ascii=True).encode()).hexdigest()


_OUTSIDE_BODY = {"request_id", "hold"}


class CancelForm(forms.Form):
    """A customer's cancellation, with a reason if they care to give one."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        validators=[no_control_characters],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RescheduleForm(forms.Form):
    """A new time for an appointment."""

    start = InstantField(label=_("New time"))
