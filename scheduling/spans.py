"""Arithmetic on half-open spans of whole UTC seconds: when is somebody free to start?"""

from collections.abc import Iterable
from typing import NamedTuple

Span = tuple[int, int]


class Window(NamedTuple):
    """A stretch of open time. Starts are counted from `start`, its anchor, up to `until`; `end` is when it closes.

    `until` comes before `end` where the next day's hours begin while this open time lasts: from there their grid holds.
    """

    start: int
    until: int
    end: int


class Shape(NamedTuple):
    """How one booking lies in time, in seconds: its length, the buffers around it, and the step between starts."""

    length: int
    before: int
    after: int
    step: int


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time as sorted spans that neither overlap nor touch."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def windows(open_spans: Iterable[Span]) -> list[Window]:
    """Open spans, each the anchor of a grid that holds until the next anchor of the same unbroken open time."""
    kept = list(open_spans)
    anchors = sorted({start for start, _end in kept})
    found, index = [], 0
    for _start, end in union(kept):
        while index < len(anchors) and anchors[index] < end:
            following = anchors[index + 1] if index + 1 < len(anchors) else end
            found.append(Window(anchors[index], min(following, end), end))
            index += 1
    return found


def starts(open_windows: list[Window], busy: list[Span], shape: Shape, lo: int, hi: int) -> list[range]:
    """The starts in [lo, hi) that lie on the grid, fit into open time, and with their buffers touch nothing busy.

    One sweep with two pointers over sorted windows and united busy spans. The grid never moves with a booking's end.
    """
    found: list[range] = []
    length, before, after, step = shape
    tail, first, count = length + after, 0, len(busy)
    for anchor, until, end in open_windows:
        cursor, last = max(anchor, lo), min(until - 1, end - length, hi - 1)
        if cursor > last:
            continue
        while first < count and busy[first][1] + before <= cursor:
            first += 1
        for index in range(first, count):
            taken_from, taken_until = busy[index]
            free_until = taken_from - tail
            if free_until >= last:
                break
            if free_until >= cursor:
                found.append(range(anchor - (anchor - cursor) // step * step, free_until + 1, step))
            cursor = max(cursor, taken_until + before)
            if cursor > last:
                break
        if cursor <= last:
            found.append(range(anchor - (anchor - cursor) // step * step, last + 1, step))
    return found
