"""A figure: what was measured, what is to be reached, and whether it was."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the report. `reached` is None where the contract names no bound."""

    what: str
    value: str
    target: str = ""
    reached: bool | None = None

    def __str__(self) -> str:
        mark = {True: "ok  ", False: "MISS", None: "    "}[self.reached]
        return f"{mark} {self.what:<58} {self.value:>22}   {self.target}"


def at_least(what: str, value: float, bound: float, note: str = "") -> Figure:
    """A ratio that should not be smaller than `bound`."""
    return Figure(what, f"{value:.2f}{note}", f">= {bound}", value >= bound)


def at_most(what: str, value: float, bound: float, unit: str = "") -> Figure:
    """A figure that should not be larger than `bound`."""
    return Figure(what, f"{value:.2f}{unit}", f"<= {bound}{unit}", value <= bound)


def median_seconds(act: Callable[[], object], times: int) -> float:
    """The median duration of `act`, in seconds, after two unmeasured turns."""
    act()
    act()
    return statistics.median(timed(act) for _turn in range(times))


def timed(act: Callable[[], object]) -> float:
    """How long `act` takes once, in seconds."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
