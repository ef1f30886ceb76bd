"""The tenant's own pattern: a quilt of leaves and arcs drawn from its short name, in its colours."""

import hashlib
from collections.abc import Iterator

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

TILE = 60
SHAPES = (
    "M0 0h60a60 60 0 0 1-60 60z",  # a quarter disc in a corner
    "M60 0v60H0A60 60 0 0 1 60 0z",
    "M60 60H0V0a60 60 0 0 1 60 60z",
    "M0 60V0h60A60 60 0 0 1 0 60z",
    "M0 0h30a30 30 0 0 1 30 30v30H30A30 30 0 0 1 0 30z",  # the leaf of the wordmark
    "M60 0v30a30 30 0 0 1-30 30H0V30A30 30 0 0 1 30 0z",
    "M30 4a26 26 0 1 1 0 52a26 26 0 1 1 0-52z",  # a disc
    "M0 60a30 30 0 0 1 60 0z",  # a rising half
)
PAIRS = (("p0", "p1"), ("p4", "p3"), ("p1", "p0"), ("p5", "p2"), ("p0", "p3"), ("p3", "p1"), ("p4", "p1"), ("p0", "p2"))


@register.simple_tag
def brand_pattern(seed: object, columns: int = 5, rows: int = 5) -> SafeString:
    """An ornament without meaning, hidden from screen readers; the same seed always draws the same quilt."""
    tiles = format_html_join(
        "", '<g transform="translate({} {})"><path class="{}" d="M0 0h60v60H0z"/><path class="{}" d="{}"/></g>',
        _tiles(str(seed), columns, rows),
    )  # fmt: skip
    return format_html(
        '<svg class="pattern" viewBox="0 0 {} {}" preserveAspectRatio="xMidYMid slice" aria-hidden="true">{}</svg>',
        columns * TILE, rows * TILE, tiles,
    )  # fmt: skip


def _tiles(seed: str, columns: int, rows: int) -> Iterator[tuple[int, int, str, str, str]]:
    dice = hashlib.shake_128(seed.encode()).digest(2 * columns * rows)
    for at in range(columns * rows):
        ground, figure = PAIRS[dice[2 * at] % len(PAIRS)]
        yield at % columns * TILE, at // columns * TILE, ground, figure, SHAPES[dice[2 * at + 1] % len(SHAPES)]
