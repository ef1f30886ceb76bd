"""What visitors and staff type about bookings, turned into clean values. Nothing here saves."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts import bots
from accounts.validators import no_control_characters, phone_number
from governance.models import Person
from scheduling.walltime import check_zone

ANYBODY = "any"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REQUEST = RegexValidator(r"^[\x21-\x7e]{1,100}$", _("The request's key must be 1 to 100 plain characters."))


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
        validators=[phone_number],
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
    website = bots.TrapField()
    altcha = bots.ProofField()
    accept_terms = forms.BooleanField(
        label=_("I agree that my details are kept to arrange this appointment."),
        error_messages={"required": _("Please agree, so that we may keep your appointment.")},
    )

    def __init__(self, *args: Any, providers: Iterable[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["with"] = ProviderField(providers, widget=forms.HiddenInput)

    def body_hash(self, *others: object) -> str:
        """What makes two requests the same request."""
        return body_hash(self.cleaned_data, *others)


_OUTSIDE_BODY = {"request_id", "hold", "website", "altcha"}


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


class CalendarQuery(forms.Form):
    """Which part of the staff's calendar to show."""

    view = forms.ChoiceField(required=False, choices=[("day", _("Day")), ("week", _("Week"))])
    on = DayField(required=False, label=_("Day"))

    def __init__(self, *args: Any, bookables: Iterable[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"] = ProviderField(bookables)


class ReasonForm(forms.Form):
    """Why staff cancel; the customer reads it."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        validators=[no_control_characters],
        help_text=_("The customer reads it in the mail. Needed when it is short notice."),
    )


class StaffTimeForm(OpeningsQuery):
    """The time staff choose: one that is offered (`start`), or any other (`day`, `time`) with the reason for it."""

    start = InstantField(label=_("Time"), required=False)
    day = DayField(required=False, label=_("Day"))
    time = forms.TimeField(required=False, label=_("Time"), input_formats=["%H:%M"])
    override = forms.CharField(label=_("Reason"), required=False, max_length=200, validators=[no_control_characters])

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def clean(self) -> dict[str, Any]:
        """One instant, `start`; a time of one's own needs a reason."""
        clean = super().clean() or self.cleaned_data
        if clean.get("start") or not (clean.get("day") and clean.get("time")):
            return clean
        if not clean.get("override"):
            self.add_error("override", _("Say why this time is set aside from the rules."))
        wall_time = datetime.combine(clean["day"], clean["time"], ZoneInfo(self.zone))
        clean["start"] = wall_time.astimezone(UTC)
        return clean


class DeskForm(forms.Form):
    """For whom staff book: somebody we know (`customer`), or somebody new."""

    customer = forms.UUIDField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), required=False, max_length=120, validators=[no_control_characters])
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254)
    phone = forms.CharField(label=_("Phone"), required=False, max_length=33, validators=[phone_number])
    note = forms.CharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3, "cols": 60})
    )
    request_id = forms.CharField(required=False, max_length=100, validators=[_REQUEST], widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Somebody must be named. Refuses whoever is not held here, or no more."""
        clean = super().clean() or self.cleaned_data
        customer = clean.get("customer")
        if customer and not Person.objects.filter(pk=customer, erased_at=None).exists():
            self.add_error("name", _("This customer is not known here, or was erased. Choose another."))
        elif not customer:
            for name in ("name", "email"):
                if not clean.get(name) and name not in self.errors:
                    self.add_error(name, _("Choose a customer above, or write name and e-mail."))
        return clean

    def body_hash(self, *others: object) -> str:
        """What makes two requests the same request."""
        return body_hash(self.cleaned_data, *others)


def body_hash(typed: dict[str, Any], *others: object) -> str:
    """SHA-256 over everything typed but the request's own key and hold, as canonical JSON."""
    named = {name: str(typed[name]) for name in sorted(typed) if name not in _OUTSIDE_BODY}
    return hashlib.sha256(json.dumps([[str(part) for part in others], named]).encode()).hexdigest()
