"""A tenant's colours, made readable: whatever colour is chosen, text keeps WCAG 2.2 AA (4.5:1) in light and in dark.

Contrast and luminance as defined by WCAG 2.2 (relative luminance of sRGB). A colour keeps its hue; only its
lightness moves until it can be read on every ground it stands on.
"""

import colorsys
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

TEXT_RATIO = 4.6  # a little above AA's 4.5, so that rounding to #rrggbb never falls below
EDGE_RATIO = 3.1
STEPS = 60  # of lightness, from the tenant's colour to black or white
LIGHT_GROUND, DARK_GROUND = ("#fbfaf7", "#ffffff", "#f3f1eb"), ("#131513", "#1b1e1b", "#0e100e")
NIGHT_INK = "#000000"  # with pure black, one of the two always passes 4.5


class Rgb(NamedTuple):
    """A colour as three fractions from 0 to 1."""

    red: float
    green: float
    blue: float


def parse(colour: str) -> Rgb:
    """`#rrggbb` as fractions."""
    return Rgb(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))


def written(rgb: Iterable[float]) -> str:
    """Fractions as `#rrggbb`."""
    return "#" + "".join(f"{round(max(0.0, min(1.0, part)) * 255):02x}" for part in rgb)


def luminance(colour: str) -> float:
    """Relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parse(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, ground: str, share: float) -> str:
    """`share` of the colour laid over a ground."""
    return written(a * share + b * (1 - share) for a, b in zip(parse(colour), parse(ground), strict=True))


def text_on(fill: str) -> str:
    """White or near-black, whichever reads better on the fill: one of them always passes AA."""
    return max("#ffffff", NIGHT_INK, key=lambda ink: contrast(ink, fill))


def readable(colour: str, grounds: Iterable[str], *, ratio: float = TEXT_RATIO) -> str:
    """The colour, darkened on light grounds or lightened on dark ones until it reads on all of them."""
    grounds = tuple(grounds)
    hue, lightness, saturation = colorsys.rgb_to_hls(*parse(colour))
    end = 0.0 if luminance(grounds[0]) > 0.18 else 1.0
    for step in range(STEPS + 1):
        if min(contrast(colour, ground) for ground in grounds) >= ratio:
            break
        moved = lightness + (end - lightness) * step / STEPS
        colour = written(colorsys.hls_to_rgb(hue, moved, saturation))
    return colour


def _role(name: str, colour: str, grounds: tuple[str, ...]) -> dict[str, str]:
    """The custom properties of one brand colour on one theme's grounds."""
    is_dark = luminance(grounds[0]) < 0.18
    fill = readable(colour, grounds[:1], ratio=1.6) if is_dark else colour
    soft = mixed(colour, grounds[0], 0.16 if is_dark else 0.1)
    return {
        name: fill,
        f"on-{name}": text_on(fill),
        f"{name}-strong": _pressed(fill),
        f"{name}-edge": readable(colour, grounds, ratio=EDGE_RATIO),
        f"{name}-soft": soft,
        f"{name}-line": mixed(colour, grounds[0], 0.34),
        f"{name}-text": readable(colour, (*grounds, soft)),
    }


def _pressed(fill: str) -> str:
    """The fill under a pointer: away from its text colour, so that contrast only grows."""
    return mixed(fill, "#000000" if text_on(fill) == "#ffffff" else "#ffffff", 0.86)


def palette(brand: str, accent: str, *, dark: bool) -> dict[str, str]:
    """Every brand property of one theme, by name without the leading dashes."""
    grounds = DARK_GROUND if dark else LIGHT_GROUND
    return _role("brand", brand, grounds) | _role("accent", accent, grounds)


def stylesheet(brand: str, accent: str) -> str:
    """The tenant's stylesheet: light, dark by preference, and dark by the admin's own switch."""
    light, dark = (_declared(palette(brand, accent, dark=is_dark)) for is_dark in (False, True))
    return (
        f':root,html[data-theme="light"]{{{light}}}\n'
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f'html[data-theme="dark"]{{{dark}}}\n'
        f"@media print{{:root{{{light}}}}}\n"
    )


def icon(letter: str, brand: str) -> str:
    """The favicon: a leaf in the brand's colour with the name's first letter."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<path fill="{brand}" d="M0 0h22a10 10 0 0 1 10 10v22H10A10 10 0 0 1 0 22z"/>'
        f'<text x="16" y="22.5" fill="{text_on(brand)}" font-family="serif" font-size="19" text-anchor="middle">'
        f"{letter}</text></svg>"
    )


def version(*parts: str) -> str:
    """A short fingerprint for an immutable address."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:12]


def _declared(properties: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in properties.items())
