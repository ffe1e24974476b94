"""What a campaign did over time, and what became of its rows."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.plots.canvas import Canvas
from genstudy.plots.histogram import draw_counts
from genstudy.plots.labels import shortened, text_width
from genstudy.plots.panel import GAP, THINNEST, TICK, Panel
from genstudy.plots.scales import ByteScale, NumberScale, TimeScale
from genstudy.plots.style import NORMAL, PALETTE, SMALL, state_colours
from genstudy.units import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from genstudy.plots.scales import Scale

    Points = NDArray[np.float64]

WIDTH, HEIGHT = 800, 180
ABOVE, BELOW, MARGIN = 24.0, 44.0, 76.0
"""Pixels for the legend, for the times, and for the numbers at the left."""

LANE, LANES = 14.0, 40
"""Pixels of a lane's height, and how many get as much; of more, each gets less."""

MOST_LANES = 400
THICK = 0.8
NEAR = 0.5
"""Pixels between bars that are drawn as one."""

LEGEND = 180.0
STATES_WIDTH, STATE_LINE = 400, 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a batch ran, in seconds since 1970, and what became of it."""

    batch: str
    began: float
    ended: float
    state: str


def timeline_svg(spans: Sequence[Span], *, prefix: str) -> str:
    """Return when batches ran as an SVG element, 800 pixels wide, with a lane for each that ran at a time.

    What follows in a lane within half a pixel and has the same state is one bar, so the picture's size is
    bounded by its pixels; rare states are drawn over frequent ones, and none is thinner than THINNEST.
    """
    ordered = sorted(spans, key=lambda span: (span.began, span.ended))
    lanes = np.array(_lanes(ordered), dtype=int)
    count = int(lanes.max(initial=0)) + 1
    began = min((span.began for span in ordered), default=0.0)
    scale = TimeScale(began, max((span.ended for span in ordered), default=began))
    height = LANE * min(max(count, 2), LANES)
    canvas = Canvas(WIDTH, height + ABOVE + BELOW)
    panel = _panel(canvas, height, scale, NumberScale(0, count, whole=True))
    frequent = Counter(span.state for span in ordered)
    states = sorted(frequent, key=lambda state: (-frequent[state], state))
    colours = state_colours(states)
    for state in states:
        chosen = np.array([span.state == state for span in ordered])
        ends = np.array([(span.began, max(span.began, span.ended)) for span in ordered])[chosen]
        _draw_bars(panel, ends, lanes[chosen], colours[state])
    _legend(canvas, [(f"{state} ({frequent[state]:,})", colours[state]) for state in states])
    panel.y_ticks(min(count, 5), MARGIN / 2)
    _finish(panel, scale, "batches")
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


def _draw_bars(panel: Panel, ends: Points, lanes: NDArray[np.int64], colour: str) -> None:
    """Draw bars from ends[:, 0] to ends[:, 1] in their lanes, those that touch as one."""
    left, right = panel.across(ends[:, 0]), panel.across(ends[:, 1])
    order = np.lexsort((left, lanes))
    left, right, lanes = left[order], right[order], lanes[order]
    apart = (np.diff(lanes) != 0) | (left[1:] - right[:-1] > NEAR)
    first = np.flatnonzero(np.append(True, apart))
    last = np.append(first[1:], len(lanes)) - 1
    more = np.maximum(0.0, THINNEST - (right[last] - left[first])) / 2
    middle = panel.down(lanes[first] + 0.5)
    thick = float(panel.down([0.0])[0] - panel.down([1.0])[0]) * THICK
    panel.canvas.lines(
        np.stack([left[first] - more, middle, right[last] + more, middle], axis=1), colour, thick
    )


def lines_svg(
    times: ArrayLike,
    series: Mapping[str, Sequence[float]],
    *,
    prefix: str,
    unit: Literal["files", "bytes"],
) -> str:
    """Return numbers of files or bytes over time as an SVG element of 800 x 248 pixels.

    times: seconds since 1970, rising, shape (n,); series: the numbers at these times, by name. All points are
    drawn, so their number decides the size of the picture.
    """
    moments = np.asarray(times, dtype=float)
    began, ended = (float(moments[0]), float(moments[-1])) if len(moments) else (0.0, 0.0)
    highest = max((float(max(values)) for values in series.values() if len(values)), default=0.0)
    across = TimeScale(began, ended)
    top = max(highest, 1.0)
    down: Scale = ByteScale(top) if unit == "bytes" else NumberScale(0, top, whole=True)
    canvas = Canvas(WIDTH, HEIGHT + ABOVE + BELOW)
    panel = _panel(canvas, HEIGHT, across, down)
    colours = dict(zip(series, cycle(PALETTE), strict=False))
    for name, values in series.items():
        canvas.curve(panel.across(moments), panel.down(values), colours[name])
    _legend(canvas, list(colours.items()))
    panel.y_ticks(5, MARGIN - NORMAL - 4 * GAP)
    _finish(panel, across, unit)
    title = f"{unit.capitalize()} over time: {', '.join(series)}, at most {_amount(highest, unit)}"
    return canvas.svg(title=title, prefix=prefix)


def _amount(number: float, unit: str) -> str:
    return size_text(number) if unit == "bytes" else f"{number:,.0f}"


def states_svg(counts: Mapping[str, int], *, prefix: str) -> str:
    """Return a bar for each state of rows, 400 pixels wide, in the order in which they are given."""
    colours = state_colours(list(counts))
    canvas = Canvas(STATES_WIDTH, max(1, len(counts)) * STATE_LINE + 2 * GAP)
    if counts:
        room = (GAP, GAP, STATES_WIDTH - 2 * GAP, float(len(counts) * STATE_LINE))
        draw_counts(canvas, [(state, count, colours[state]) for state, count in counts.items()], room)
    told = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    return canvas.svg(title=f"Rows by state: {told or 'none'}", prefix=prefix)


def _panel(canvas: Canvas, height: float, x: Scale, y: Scale) -> Panel:
    place = (MARGIN, ABOVE, WIDTH - MARGIN - 4 * GAP, height)
    return Panel(canvas, place, x, y, pad=0.0)


def _finish(panel: Panel, scale: TimeScale, name: str) -> None:
    panel.axes()
    panel.x_ticks(8)
    below = panel.bottom + TICK + 2.8 * SMALL
    middle = panel.left + panel.width / 2
    panel.canvas.text(scale.label, middle, below, panel.width, size=NORMAL, align="center")
    base, height = NORMAL + GAP / 2, panel.height + ABOVE
    panel.canvas.text(name, base, panel.top + panel.height / 2, height, align="center", upright=True)


def _legend(canvas: Canvas, entries: list[tuple[str, str]]) -> None:
    """Write names beside a square of their colour, above the picture, as many as find room."""
    left = MARGIN
    for name, colour in entries:
        width = text_width(shortened(name, LEGEND, SMALL), SMALL)
        if left + width + SMALL > WIDTH:
            return
        canvas.boxes(left, GAP + 2, left + SMALL - 2, GAP + SMALL, colour)
        canvas.text(name, left + SMALL + 2, GAP + SMALL, width + 1, size=SMALL)
        left += SMALL + width + 4 * GAP
