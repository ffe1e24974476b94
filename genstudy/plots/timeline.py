"""When batches ran, as bars in lanes."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.plots.canvas import Canvas
from genstudy.plots.over_time import ABOVE, BELOW, MARGIN, WIDTH, draw_axes, draw_legend, time_panel
from genstudy.plots.panel import THINNEST
from genstudy.plots.scales import NumberScale, TimeScale
from genstudy.plots.style import state_colours
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.plots.panel import Panel

    Pixels = NDArray[np.float64]
    Lanes = NDArray[np.int64]

LANE, LANES = 14.0, 40
"""Pixels of a lane's height, and how many get as much; of more, each gets less."""

MOST_LANES = 400
THICK = 0.8
APART = 200
"""So many bars at most are told apart."""

BETWEEN, SHORTER = 1.0, 1 / 3
"""Pixels between bars that are told apart, and the part of a bar that may be taken away for that."""

NEAR = 0.5
"""Pixels between bars that are drawn as one, where there are too many to be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a batch ran, in seconds since 1970, and what became of it."""

    batch: str
    began: float
    ended: float
    state: str


def timeline_svg(spans: Sequence[Span], *, prefix: str) -> str:
    """Return when batches ran as an SVG element, 800 pixels wide, with a lane for each that ran at a time.

    Up to APART spans are told apart by a thin gap. Of more, what follows in a lane within half a pixel and
    has the same state is one bar, so the picture's size is bounded by its pixels. Rare states are drawn over
    frequent ones, and no bar is thinner than THINNEST.
    """
    ordered = sorted(spans, key=lambda span: (span.began, span.ended))
    lanes = np.array(_lanes(ordered), dtype=int)
    count = int(lanes.max(initial=0)) + 1
    began = min((span.began for span in ordered), default=0.0)
    scale = TimeScale(began, max((span.ended for span in ordered), default=began))
    height = LANE * min(max(count, 2), LANES)
    canvas = Canvas(WIDTH, height + ABOVE + BELOW)
    panel = time_panel(canvas, height, scale, NumberScale(0, count, whole=True))
    left = panel.across([span.began for span in ordered])
    right = panel.across([max(span.began, span.ended) for span in ordered])
    few = len(ordered) <= APART
    if few:
        right = right - _gaps(left, right, lanes)
    frequent = Counter(span.state for span in ordered)
    states = sorted(frequent, key=lambda state: (-frequent[state], state))
    colours = state_colours(states)
    for state in states:
        chosen = np.array([span.state == state for span in ordered])
        near = -np.inf if few else NEAR
        _draw_bars(panel, left[chosen], right[chosen], lanes[chosen], colours[state], near)
    draw_legend(canvas, [(f"{state} ({frequent[state]:,})", colours[state]) for state in states])
    panel.y_ticks(min(count, 5), MARGIN / 2)
    draw_axes(panel, scale, "batches")
    told = ", ".join(f"{frequent[state]:,} {state}" for state in states)
    title = f"When {counted(len(ordered), 'run')} of batches took place: {told}" if told else "No batch ran"
    return canvas.svg(title=title, prefix=prefix)


def _lanes(spans: Sequence[Span]) -> list[int]:
    """Return for each span the lowest lane that is free when it begins; they are in the order of that."""
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    found = []
    for span in spans:
        while busy and busy[0][0] <= span.began:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (span.ended, lane))
        found.append(min(lane, MOST_LANES - 1))
    return found


def _gaps(left: Pixels, right: Pixels, lanes: Lanes) -> Pixels:
    """Return how much shorter bars are drawn, shape (n,), for a gap to the next one in the lane."""
    order = np.lexsort((left, lanes))
    before, after = order[:-1], order[1:]
    lack = np.where(lanes[before] == lanes[after], BETWEEN - (left[after] - right[before]), 0.0)
    gaps = np.zeros(len(left))
    gaps[before] = np.clip(lack, 0.0, (right - left)[before] * SHORTER)
    return gaps


def _draw_bars(panel: Panel, left: Pixels, right: Pixels, lanes: Lanes, colour: str, near: float) -> None:
    """Draw bars in their lanes, those that are no more than `near` pixels apart as one."""
    order = np.lexsort((left, lanes))
    left, right, lanes = left[order], right[order], lanes[order]
    apart = (np.diff(lanes) != 0) | (left[1:] - right[:-1] > near)
    first = np.flatnonzero(np.append(True, apart))
    last = np.append(first[1:], len(lanes)) - 1
    more = np.maximum(0.0, THINNEST - (right[last] - left[first])) / 2
    middle = panel.down(lanes[first] + 0.5)
    thick = float(panel.down([0.0])[0] - panel.down([1.0])[0]) * THICK
    panel.canvas.lines(
        np.stack([left[first] - more, middle, right[last] + more, middle], axis=1), colour, thick
    )
