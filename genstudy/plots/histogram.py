"""How the values of one column are spread: bars of bins, of single levels, or of categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genstudy.plots.canvas import Canvas
from genstudy.plots.labels import harmless
from genstudy.plots.panel import GAP, Panel
from genstudy.plots.scales import LevelScale, NumberScale
from genstudy.plots.style import AXIS, INK, NORMAL, SKY, SMALL, VERMILLION
from genstudy.units import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genstudy.plots.columns import ColumnSummary
    from genstudy.plots.scales import Scale

    Places = NDArray[np.float64]

WIDTH, HEIGHT = 220, 140
SHOWN = 24
"""So many categories have a place on an axis."""

ROWS = 7
"""So many categories have a bar of their own where each is a line of text."""

FILLED = 0.7
"""The part of the room of a level that its bar takes."""

TALLEST = 26.0
"""Pixels that a category's line takes at most."""

LAW_LENGTH = 200


def scale_of(column: ColumnSummary) -> Scale:
    """Return the axis of a column: its range, or its most frequent categories."""
    if column.kind == "category":
        return LevelScale(shown_levels(column))
    if column.edges:
        return NumberScale(column.edges[0], column.edges[-1], column.log)
    return NumberScale(column.low, column.high, column.log)


def shown_levels(column: ColumnSummary) -> list[str]:
    """Return the categories that have a place, in their order; of too many the most frequent."""
    levels = column.levels or ()
    most = set(sorted(levels, key=lambda level: -level[1])[:SHOWN])
    return [str(level[0]) for level in levels if level in most]


def bars_of(column: ColumnSummary, scale: Scale) -> tuple[Places, Places, Places]:
    """Return the bars of a column: left and right ends as places on its axis, and heights, shape (n,) each.

    The height of a bin that is narrower or wider than the first is what it would be if it were as wide. A bar
    of a level takes FILLED of the room that it has.
    """
    if column.edges and column.low < column.high:
        ends = scale.place(column.edges)
        widths = np.diff(ends)
        return ends[:-1], ends[1:], np.array(column.counts) * (widths[0] / widths)
    shown = set(shown_levels(column)) if column.kind == "category" else None
    levels = [(level, count) for level, count in column.levels or () if shown is None or level in shown]
    places = scale.place([level for level, _ in levels])
    count = column.law_count if column.kind == "number" else None
    apart = 1 / (count - 1) if count is not None and count > 1 else 1.0
    half = FILLED / 2 * float(np.diff(np.sort(places)).min(initial=apart))
    return places - half, places + half, np.array([count for _, count in levels], dtype=float)


def draw_bars(panel: Panel, column: ColumnSummary) -> None:
    """Draw the histogram of a column into a panel whose x axis is the column's."""
    panel.bars(*bars_of(column, panel.x), SKY)


def top_of(column: ColumnSummary) -> float:
    """Return the height of the highest bar, 1 at least."""
    _, _, heights = bars_of(column, scale_of(column))
    return float(heights.max(initial=1.0))


def describe(column: ColumnSummary) -> str:
    """Return what a histogram shows, in words."""
    missing = f", {column.missing:,} missing" if column.missing else ""
    law = f", law {column.law[:LAW_LENGTH]}" if column.law else ""
    if column.minimum is not None and column.maximum is not None and column.mean is not None:
        spread = f"from {column.minimum:.10g} to {column.maximum:.10g}, mean {column.mean:.6g}"
        if column.minimum == column.maximum:
            spread = f"all {column.minimum:.10g}"
        return f"Histogram of {column.name}: {counted(column.count, 'number')}, {spread}{missing}{law}"
    if column.levels is None:
        return (
            f"{column.name}: {counted(column.count, 'text')}, too many different ones to show{missing}{law}"
        )
    levels = counted(len(column.levels), "text")
    if not column.levels:
        return f"{column.name}: no values{missing}{law}"
    most, count = max(column.levels, key=lambda level: level[1])
    return (
        f"Bars of {column.name}: {levels} in {counted(column.count, 'row')}, "
        f"most often {str(most)[:LAW_LENGTH]} ({count:,} times){missing}{law}"
    )


def histogram_svg(column: ColumnSummary, *, prefix: str) -> str:
    """Return the histogram of a column as an SVG element of 220 x 140 pixels; see Canvas.svg for `prefix`."""
    canvas = Canvas(WIDTH, HEIGHT)
    draw_histogram(canvas, column, 0, 0)
    return canvas.svg(title=describe(column), prefix=prefix)


def draw_histogram(canvas: Canvas, column: ColumnSummary, left: float, top: float) -> None:
    """Draw the histogram of a column with its name, 220 x 140 pixels, at a place of a canvas."""
    if column.missing:
        note = f"{column.missing:,} missing"
        canvas.text(
            note, left + WIDTH - GAP, top + SMALL, WIDTH, size=SMALL, align="right", colour=VERMILLION
        )
    if column.kind == "number":
        room = (left + 40, top + 14, WIDTH - 52, HEIGHT - 52)
        panel = Panel(canvas, room, scale_of(column), NumberScale(0, top_of(column), whole=True), floor=True)
        draw_bars(panel, column)
        panel.axes()
        panel.x_ticks(4)
        panel.y_ticks(4, 34)
    elif column.levels:
        _draw_categories(canvas, column, left, top + 14)
    else:
        note = "no values" if not column.count else "too many different texts"
        canvas.text(note, left + WIDTH / 2, top + HEIGHT / 2, WIDTH, size=SMALL, align="center", colour=AXIS)
    canvas.text(column.name, left + WIDTH / 2, top + HEIGHT - 6, WIDTH - 8, size=NORMAL, align="center")


def _draw_categories(canvas: Canvas, column: ColumnSummary, left: float, top: float) -> None:
    """Draw a line for each category: its text, its bar, its count."""
    levels = list(column.levels or ())
    if len(levels) > ROWS:
        most = set(sorted(levels, key=lambda level: -level[1])[: ROWS - 1])
        others = [level for level in levels if level not in most]
        levels = [level for level in levels if level in most]
        levels.append((f"{len(others)} others", sum(count for _, count in others)))
    room = HEIGHT - 40.0
    height = min(room, len(levels) * TALLEST)
    draw_counts(
        canvas,
        [(str(level), count, SKY) for level, count in levels],
        (left + GAP, top + (room - height) / 2, WIDTH - 2 * GAP, height),
    )


def draw_counts(
    canvas: Canvas, counts: list[tuple[str, int, str]], place: tuple[float, float, float, float]
) -> None:
    """Draw a bar for each (name, count, colour), one below the other; place: left, top, width, height."""
    left, top, width, height = place
    line = height / len(counts)
    names, numbers = 0.36 * width, 0.22 * width
    longest = max(1, *(count for _, count, _ in counts))
    start, room = left + names + GAP, width - names - numbers - 2 * GAP
    for number, (name, count, colour) in enumerate(counts):
        base = top + number * line + line / 2
        canvas.text(
            harmless(name) or "(empty)", left + names, base + SMALL / 3, names, size=SMALL, align="right"
        )
        end = start + room * count / longest
        if count:
            canvas.boxes(start, base - 0.35 * line, max(end, start + 1), base + 0.35 * line, colour)
        canvas.text(f"{count:,}", end + GAP, base + SMALL / 3, numbers, size=SMALL, colour=INK)
