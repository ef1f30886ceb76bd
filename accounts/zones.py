"""Time zones a person may choose."""

from functools import cache
from importlib.resources import files
from itertools import groupby


@cache
def offered() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The zones of `zone.tab`, one per place people live in, as (region, names); UTC comes first."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    names = sorted({line.split("\t")[2].strip() for line in table.splitlines() if line and not line.startswith("#")})
    regions = groupby(names, key=lambda name: name.split("/")[0])
    return (("UTC", ("UTC",)), *((region, tuple(members)) for region, members in regions))
