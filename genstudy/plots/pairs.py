"""Every two columns against each other, histograms on the diagonal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.plots.canvas import Canvas
from genstudy.plots.histogram import draw_bars, scale_of, top_of
from genstudy.plots.panel import GAP, TICK, Panel
from genstudy.plots.scales import NumberScale
from genstudy.plots.spread import spread
from genstudy.plots.style import AXIS, BLUE, NORMAL, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.plots.columns import ColumnSummary
    from genstudy.plots.summary import DesignSummary

MOST = 8
"""So many columns are drawn; of more the first."""

SIDE, ALONE = 132.0, 320.0
"""Pixels of a panel's side, and of that of a single one."""

BETWEEN = 10.0
LABELS, BELOW = 72.0, 40.0
"""Pixels at the left and below for ticks and names."""

DOTS, FEWEST_DOTS = 12_000, 500
"""Dots of all panels together, and of each at least, if there are as many rows."""


def picture_size(columns: int) -> tuple[float, float]:
    """Return width and height of the matrix of so many columns, in pixels."""
    count = min(columns, MOST)
    side = _side(count)
    length = count * side + (count - 1) * BETWEEN + 2 * GAP
    return LABELS + length, BELOW + length


def dots_drawn(summary: DesignSummary, columns: int) -> int:
    """Return how many rows each scatter of the matrix shows."""
    count = min(columns, MOST)
    return min(summary.sampled, max(FEWEST_DOTS, DOTS // max(1, count * (count - 1) // 2)))


def pairs_svg(summary: DesignSummary, columns: Sequence[str], *, prefix: str) -> str:
    """Return the matrix of the first MOST of some columns as an SVG element."""
    canvas = Canvas(*picture_size(len(columns)))
    draw_pairs(canvas, summary, columns, 0.0)
    return canvas.svg(title=describe_pairs(columns), prefix=prefix)


def describe_pairs(columns: Sequence[str]) -> str:
    """Return what the matrix shows, in words."""
    names = ", ".join(columns[:MOST])
    if len(columns) == 1:
        return f"Histogram of {names}"
    return f"Histograms of {names} on the diagonal, and every two of them against each other"


def draw_pairs(canvas: Canvas, summary: DesignSummary, columns: Sequence[str], top: float) -> None:
    """Draw the matrix at the left of a canvas, from `top` pixels down."""
    drawn = [summary.column(name) for name in columns[:MOST]]
    side = _side(len(drawn))
    chosen = np.linspace(0, summary.sampled - 1, dots_drawn(summary, len(drawn))).astype(int)
    across = [_places(column, summary, chosen, 0) for column in drawn]
    down = [_places(column, summary, chosen, 1) for column in drawn]
    for row, y in enumerate(drawn):
        for at, x in enumerate(drawn[: row + 1]):
            room = (LABELS + at * (side + BETWEEN), top + GAP + row * (side + BETWEEN), side, side)
            if at == row:
                panel = Panel(canvas, room, scale_of(x), NumberScale(0, top_of(x), whole=True), floor=True)
                draw_bars(panel, x)
            else:
                panel = Panel(canvas, room, scale_of(x), scale_of(y))
                _dots(panel, across[at], down[row], "too many texts" if x.count and y.count else "no values")
            panel.axes()
            _label(panel, x if row == len(drawn) - 1 else None, y if at == 0 else None, counts=at == row)


def _side(count: int) -> float:
    return ALONE if count == 1 else SIDE


def _places(
    column: ColumnSummary, summary: DesignSummary, chosen: NDArray[np.int64], axis: Literal[0, 1]
) -> NDArray[np.float64]:
    """Return where the chosen rows are on a column's axis, from 0 to 1; categories are spread a little."""
    scale = scale_of(column)
    sample = summary.sample[column.name]
    return scale.place([sample[row] for row in chosen]) + spread(len(chosen), scale, axis)


def _dots(panel: Panel, x: NDArray[np.float64], y: NDArray[np.float64], otherwise: str) -> None:
    """Draw dots; where none has a place, say why: `otherwise`."""
    known = np.isfinite(x) & np.isfinite(y)
    if known.any():
        size = 3.0 if known.sum() <= FEWEST_DOTS else 2.0
        panel.canvas.dots(panel.across_of(x[known]), panel.down_of(y[known]), BLUE, size)
    else:
        middle = (panel.left + panel.width / 2, panel.top + panel.height / 2)
        panel.canvas.text(otherwise, *middle, panel.width - GAP, size=SMALL, align="center", colour=AXIS)


def _label(panel: Panel, x: ColumnSummary | None, y: ColumnSummary | None, *, counts: bool) -> None:
    """Write ticks and names below the lowest panels and to the left of the first ones."""
    canvas = panel.canvas
    if x is not None:
        panel.x_ticks(4 if x.kind == "number" else 6)
        below = panel.bottom + TICK + 2.6 * SMALL
        canvas.text(x.name, panel.left + panel.width / 2, below, panel.width, size=NORMAL, align="center")
    if y is not None:
        room = LABELS - NORMAL - 4 * GAP
        panel.y_ticks(4 if counts or y.kind == "number" else 12, room)
        name = "rows" if counts else y.name
        middle = panel.top + panel.height / 2
        canvas.text(name, NORMAL + GAP / 2, middle, panel.height, size=NORMAL, align="center", upright=True)
