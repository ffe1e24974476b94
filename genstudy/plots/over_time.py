"""Pictures over time: what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.plots.labels import shortened, text_width
from genstudy.plots.panel import GAP, TICK, Panel
from genstudy.plots.style import NORMAL, SMALL

if TYPE_CHECKING:
    from genstudy.plots.canvas import Canvas
    from genstudy.plots.scales import Scale, TimeScale

WIDTH = 800
ABOVE, BELOW, MARGIN = 24.0, 44.0, 76.0
"""Pixels for the legend, for the times, and for the numbers at the left."""

LEGEND = 180.0


def time_panel(canvas: Canvas, height: float, x: Scale, y: Scale) -> Panel:
    """Return the part of a picture of WIDTH pixels that has the axes, `height` pixels high."""
    place = (MARGIN, ABOVE, WIDTH - MARGIN - 4 * GAP, height)
    return Panel(canvas, place, x, y, pad=0.0)


def draw_axes(panel: Panel, scale: TimeScale, name: str) -> None:
    """Draw the axes with times below, and a name at the left; y ticks are the caller's."""
    panel.axes()
    panel.x_ticks(8)
    below = panel.bottom + TICK + 2.8 * SMALL
    middle = panel.left + panel.width / 2
    panel.canvas.text(scale.label, middle, below, panel.width, size=NORMAL, align="center")
    base, height = NORMAL + GAP / 2, panel.height + ABOVE
    panel.canvas.text(name, base, panel.top + panel.height / 2, height, align="center", upright=True)


def draw_legend(canvas: Canvas, entries: list[tuple[str, str]]) -> None:
    """Write names beside a square of their colour, above the picture, as many as find room."""
    left = MARGIN
    for name, colour in entries:
        width = text_width(shortened(name, LEGEND, SMALL), SMALL)
        if left + width + SMALL > WIDTH:
            return
        canvas.boxes(left, GAP + 2, left + SMALL - 2, GAP + SMALL, colour)
        canvas.text(name, left + SMALL + 2, GAP + SMALL, width + 1, size=SMALL)
        left += SMALL + width + 4 * GAP
