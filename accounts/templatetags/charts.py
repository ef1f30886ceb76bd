"""Small charts for the back office: drawn on the server, readable without seeing them, free of script and style."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django import template

register = template.Library()

WIDTH, HEIGHT, TOP, FOOT, GAP = 264, 116, 18, 20, 8


class Bar(NamedTuple):
    """One bar in the chart's own units; `rest` is the height of what remains of its whole."""

    label: str
    value: int
    x: float
    middle: float
    y: float
    width: float
    height: float
    rest_y: float
    rest: float
    text_y: float


@register.inclusion_tag("admin/includes/bars.html")
def bars(points: Iterable[tuple[str, int] | tuple[str, int, int]], *, name: str, title: str, unit: str = "") -> Any:
    """Bars for (label, value) or (label, value, whole) points, with the same figures in a table below.

    `name` makes ids unique on the page; `title` says what is shown.
    """
    rows = [(str(label), int(value), int(whole[0]) if whole else int(value)) for label, value, *whole in points]
    return {
        "bars": list(_laid_out(rows)),
        "name": name,
        "title": title,
        "unit": unit,
        "width": WIDTH,
        "height": HEIGHT,
        "base": HEIGHT - FOOT,
    }


def _laid_out(rows: list[tuple[str, int, int]]) -> Iterable[Bar]:
    room, highest = HEIGHT - TOP - FOOT, max((max(value, whole) for _label, value, whole in rows), default=0) or 1
    width = (WIDTH - GAP * (len(rows) - 1)) / max(1, len(rows))
    for place, (label, value, whole) in enumerate(rows):
        base = HEIGHT - FOOT
        x, height, full = place * (width + GAP), room * value / highest, room * max(value, whole) / highest
        sizes = (x, x + width / 2, base - height, width, height, base - full, full - height, base - full - 5)
        yield Bar(label, value, *(round(size, 1) for size in sizes))
