"""A result against a parameter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from genstudy.plots.canvas import Canvas
from genstudy.plots.columns import looks_logarithmic
from genstudy.plots.panel import GAP, TICK, Panel
from genstudy.plots.scales import LevelScale, NumberScale
from genstudy.plots.spread import spread
from genstudy.plots.style import AXIS, BLUE, NORMAL, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.plots.scales import Scale

WIDTH, HEIGHT = 320, 240
MOST = 2000
"""So many points are drawn; of more, some all over."""


def result_svg(
    x: Sequence[float] | Sequence[str] | NDArray[np.float64],
    y: Sequence[float] | NDArray[np.float64],
    *,
    x_name: str,
    y_name: str,
    rho: float | None,
    prefix: str,
) -> str:
    """Return a scatter of a result over a parameter as an SVG element of 320 x 240 pixels.

    x: numbers, or texts, which are categories then; y: numbers; shape (n,) both. Points with a number that
    is not finite are left out. rho: Spearman's, or None where it cannot be told.
    """
    words = any(isinstance(value, str) for value in x)
    places = np.arange(len(x), dtype=float) if words else np.asarray(x, dtype=float)
    results = np.asarray(y, dtype=float)
    known = np.flatnonzero(np.isfinite(places) & np.isfinite(results))
    drawn = known[np.linspace(0, len(known) - 1, min(MOST, len(known))).astype(int)]
    shown = np.array([str(x[place]) for place in drawn], dtype=object) if words else places[drawn]
    across, down = _scale(shown, words=words), _scale(results[drawn], words=False)
    canvas = Canvas(WIDTH, HEIGHT)
    panel = Panel(canvas, (62, 22, WIDTH - 74, HEIGHT - 66), across, down)
    if len(drawn):
        at = across.place(shown) + spread(len(drawn), across, 0)
        canvas.dots(panel.across_of(at), panel.down(results[drawn]), BLUE, 3.0)
        panel.x_ticks(6)
        panel.y_ticks(5, 40)
    else:
        canvas.text("no values", WIDTH / 2, HEIGHT / 2, WIDTH, size=SMALL, align="center", colour=AXIS)
    panel.axes()
    canvas.text(x_name, 62 + panel.width / 2, panel.bottom + TICK + 3 * SMALL, panel.width, align="center")
    middle = panel.top + panel.height / 2
    canvas.text(y_name, NORMAL + GAP / 2, middle, panel.height, align="center", upright=True)
    told = f"Spearman's rho {rho:.2f}" if rho is not None and math.isfinite(rho) else ""
    canvas.text(told, WIDTH - 12, NORMAL + GAP / 2, WIDTH, size=SMALL, align="right", colour=AXIS)
    title = f"{y_name} over {x_name}: {len(drawn):,} of {len(x):,} rows" + (f", {told}" if told else "")
    return canvas.svg(title=title, prefix=prefix)


def _scale(values: NDArray[np.float64], *, words: bool) -> Scale:
    if words:
        return LevelScale(sorted(set(values)))
    if not len(values):
        return NumberScale(0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    return NumberScale(low, high, looks_logarithmic(low, high, values))
