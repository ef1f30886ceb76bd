"""What other rooms' pages show of scheduling: `{% load scheduling_tags %}{% service_cards limit=3 %}`."""

from typing import Any

from django import template

from scheduling.models import Service

register = template.Library()


@register.inclusion_tag("scheduling/_service_cards.html")
def service_cards(limit: int = 3) -> dict[str, Any]:
    """The first services that can be booked, as cards; a word instead where there are none."""
    return {"services": Service.objects.active()[:limit]}
