"""Who and what can be booked, when they are open, and days that are unlike the others."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from governance.admin import TenantAdmin, TenantTabularInline
from scheduling.models import Bookable, DateOverride, Holiday, ServiceBookable, WeeklyRule

_CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-5][0-9])")


class ClockField(forms.Field):
    """Minutes after midnight, typed as a wall clock shows them: 09:30; past 24:00 is the next day."""

    default_error_messages = {"invalid": _("Write the time as hours and minutes, for example 09:30.")}

    def __init__(self, *, latest: int, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"size": 6, "inputmode": "numeric", "placeholder": "09:00"}))
        super().__init__(**kwargs)
        self.latest = latest

    def prepare_value(self, value: Any) -> Any:
        """Minutes as the clock shows them; what was typed stays as it was."""
        return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        match = _CLOCK.fullmatch(str(value).strip())
        minute = int(match[1]) * 60 + int(match[2]) if match else -1
        if not 0 <= minute <= self.latest:
            raise ValidationError(self.error_messages["invalid"], "invalid")
        return minute

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares what is shown, so that 9:00 and 09:00 are the same."""
        try:
            return self.to_python(data) != initial
        except ValidationError:
            return True


class NamedForm(forms.ModelForm):
    """A row of a table whose controls say their own names, since the column's heading is no label."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("aria-label", str(field.label))


class HoursForm(NamedForm):
    """Opening and closing time, typed as clock times."""

    start_minute = ClockField(label=_("opens"), latest=24 * 60 - 1)
    end_minute = ClockField(
        label=_("closes"), latest=48 * 60, help_text=_("24:00 is midnight; 26:00 is two in the morning after.")
    )


class OverrideForm(HoursForm):
    """Closed, or other hours on certain days."""

    start_minute = ClockField(label=_("opens"), latest=24 * 60 - 1, required=False)
    end_minute = ClockField(label=_("closes"), latest=48 * 60, required=False)


class WeeklyRuleInline(TenantTabularInline):
    """The usual week."""

    model = WeeklyRule
    form = HoursForm
    extra = 1
    fields = ("weekday", "start_minute", "end_minute", "valid_from", "valid_to", "every_n_weeks")


class DateOverrideInline(TenantTabularInline):
    """Days off and extra days."""

    model = DateOverride
    form = OverrideForm
    extra = 1
    fields = ("starts_on", "ends_on", "is_closed", "start_minute", "end_minute", "label")


class ServesInline(TenantTabularInline):
    """What this one serves."""

    model = ServiceBookable
    form = NamedForm
    extra = 1
    fields = ("service", "order")


@admin.register(Bookable)
class BookableAdmin(TenantAdmin):
    """People, rooms, equipment and units."""

    list_display = ("name", "kind", "time_zone", "observes_holidays", "is_active", "order")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (WeeklyRuleInline, DateOverrideInline, ServesInline)
    fieldsets = (
        (None, {"fields": (("kind", "name"), "slug", "description", ("is_active", "order"))}),
        (_("Hours"), {"fields": ("time_zone", "observes_holidays")}),
    )

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Whoever has had bookings is switched off, not deleted."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.allocations.exists())


@admin.register(DateOverride)
class DateOverrideAdmin(TenantAdmin):
    """Days that are unlike the others, for one or for everybody."""

    form = OverrideForm
    list_display = ("starts_on", "ends_on", "whose", "is_closed", "hours", "label")
    list_filter = ("is_closed", "bookable")
    list_select_related = ("bookable",)
    date_hierarchy = "starts_on"
    fields = ("bookable", ("starts_on", "ends_on"), "is_closed", ("start_minute", "end_minute"), "label")

    @admin.display(description=_("who or what"), ordering="bookable__name")
    def whose(self, override: DateOverride) -> str:
        """One of them, or everybody."""
        return str(override.bookable or _("everybody and everything"))

    @admin.display(description=_("hours"))
    def hours(self, override: DateOverride) -> str:
        """The other hours, if it is not closed."""
        if override.is_closed or override.start_minute is None or override.end_minute is None:
            return "–"
        return "–".join(
            f"{minute // 60:02d}:{minute % 60:02d}" for minute in (override.start_minute, override.end_minute)
        )


@admin.register(Holiday)
class HolidayAdmin(TenantAdmin):
    """Public holidays."""

    list_display = ("on", "name")
    search_fields = ("name",)
    date_hierarchy = "on"
