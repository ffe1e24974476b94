"""Numbers over time, and what became of rows."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.plots.canvas import Canvas
from genstudy.plots.histogram import draw_counts
from genstudy.plots.over_time import ABOVE, BELOW, MARGIN, WIDTH, draw_axes, draw_legend, time_panel
from genstudy.plots.panel import GAP
from genstudy.plots.scales import ByteScale, NumberScale, TimeScale
from genstudy.plots.style import NORMAL, PALETTE, state_colours
from genstudy.units import size_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from genstudy.plots.scales import Scale

HEIGHT = 180
THIN, THICKER = 1.5, 1.25
"""Pixels of the first line, and how much more the next one below it has: so all are seen where they agree."""

STATES_WIDTH, STATE_LINE = 400, 18


def lines_svg(
    times: ArrayLike,
    series: Mapping[str, Sequence[float]],
    *,
    prefix: str,
    unit: Literal["files", "bytes"],
) -> str:
    """Return numbers of files or bytes over time as an SVG element of 800 x 248 pixels.

    times: seconds since 1970, rising, shape (n,); series: the numbers at these times, by name. All points are
    drawn, so their number decides the size of the picture. The first line is the uppermost.
    """
    moments = np.asarray(times, dtype=float)
    began, ended = (float(moments[0]), float(moments[-1])) if len(moments) else (0.0, 0.0)
    highest = max((float(max(values)) for values in series.values() if len(values)), default=0.0)
    across = TimeScale(began, ended)
    top = max(highest, 1.0)
    down: Scale = ByteScale(top) if unit == "bytes" else NumberScale(0, top, whole=True)
    canvas = Canvas(WIDTH, HEIGHT + ABOVE + BELOW)
    panel = time_panel(canvas, HEIGHT, across, down)
    colours = dict(zip(series, cycle(PALETTE), strict=False))
    for place, (name, values) in reversed(list(enumerate(series.items()))):
        width = THIN + place * THICKER
        canvas.curve(panel.across(moments), panel.down(values), colours[name], width)
    draw_legend(canvas, list(colours.items()))
    panel.y_ticks(5, MARGIN - NORMAL - 4 * GAP)
    draw_axes(panel, across, unit)
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
