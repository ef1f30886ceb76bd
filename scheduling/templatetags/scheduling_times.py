"""Times as visitors read them. A week holds hundreds of openings, so its list is written without a template loop."""

from functools import cache

from django import template
from django.utils.formats import number_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.zones import offered
from scheduling import zones
from scheduling.models import Service
from scheduling.weeks import Day, Week

register = template.Library()


@register.filter
def minutes(value: int) -> str:
    """A length of time: 90 is 1 h 30 min."""
    hours, rest = divmod(int(value), 60)
    if not hours:
        return _("%(minutes)d min") % {"minutes": rest}
    if not rest:
        return _("%(hours)d h") % {"hours": hours}
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}


@register.filter
def price(service: Service) -> str:
    """What it costs, if that is said: 60 EUR, 12.50 EUR."""
    if service.price is None:
        return ""
    amount = number_format(service.price, decimal_pos=2 if service.price % 1 else 0, use_l10n=True)
    return f"{amount} {service.currency}".strip()


@register.simple_tag
def week_of_openings(week: Week) -> SafeString:
    """Each day with its openings as radio inputs named `start`, the value being the UTC instant."""
    return mark_safe(f'<div class="days days--week">{"".join(_day(day) for day in week.days)}</div>')  # nosec B308 B703 - made of escaped parts


def _day(day: Day) -> str:
    weekday, date = escape(day.weekday), escape(day.day)
    title = f'<h3 class="day__name"><span>{weekday}</span> <span class="muted">{date}</span></h3>'
    if not day.choices:
        nothing = escape(_("Nothing free"))
        return f'<section class="day day--empty">{title}<p class="small">{nothing}</p></section>'
    rows = "".join(_choice(f"{weekday} {date}", *choice) for choice in day.choices)
    return f'<section class="day">{title}<div class="openings">{rows}</div></section>'


def _choice(day: str, value: str, label: str, offset: str) -> str:
    shown = f"{label} <small>{offset}</small>" if offset else label
    name = " ".join(filter(None, (label, offset, day)))
    return (
        f'<label class="opening"><input type="radio" name="start" required value="{value}" aria-label="{name}">'
        f"<span>{shown}</span></label>"
    )


@register.simple_tag
def zone_options(chosen: str) -> SafeString:
    """The zones as options grouped by region, the chosen one selected (and added where the list lacks it)."""
    options = _zone_options()
    marked = f'<option value="{escape(chosen)}">'
    if marked not in options:
        return format_html('<option value="{0}" selected>{0}</option>{1}', chosen, options)
    return mark_safe(options.replace(marked, f"{marked[:-1]} selected>", 1))  # nosec B308 B703 - the choice is escaped


@cache
def _zone_options() -> SafeString:
    groups = (
        (region, format_html_join("", '<option value="{}">{}</option>', ((name, zones.place(name)) for name in names)))
        for region, names in offered()
    )
    return format_html_join("", '<optgroup label="{}">{}</optgroup>', groups)
