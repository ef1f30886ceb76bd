"""Whatever colour a tenant chooses, what is written in it or on it can be read."""

from hypothesis import given
from hypothesis import strategies as st

from cms import brand

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS, COLOURS)
def test_every_colour_keeps_aa_on_every_ground_in_light_and_dark(chosen: str, accent: str) -> None:
    for dark, grounds in ((False, brand.LIGHT_GROUND), (True, brand.DARK_GROUND)):
        colours = brand.palette(chosen, accent, dark=dark)
        for role in ("brand", "accent"):
            assert brand.contrast(colours[role], colours[f"on-{role}"]) >= 4.5
            assert brand.contrast(colours[f"{role}-strong"], colours[f"on-{role}"]) >= 4.5
            assert min(brand.contrast(colours[f"{role}-edge"], ground) for ground in grounds) >= 3
            assert min(brand.contrast(colours[f"{role}-text"], g) for g in (*grounds, colours[f"{role}-soft"])) >= 4.5


def test_the_published_examples_of_contrast_hold() -> None:
    assert brand.contrast("#000000", "#ffffff") == 21
    assert round(brand.contrast("#777777", "#ffffff"), 2) == 4.48
    assert round(brand.contrast("#767676", "#ffffff"), 2) == 4.54


def test_a_readable_colour_is_left_as_the_tenant_chose_it() -> None:
    assert brand.palette("#1f6f5c", "#b4552d", dark=False)["brand"] == "#1f6f5c"
    assert brand.readable("#1a4d8f", ["#ffffff"]) == "#1a4d8f"
