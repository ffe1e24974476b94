"""The picture of a design: its parameters against each other, and how well they fill their box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.plots.canvas import Canvas
from genstudy.plots.histogram import HEIGHT, SHOWN, WIDTH, draw_histogram, shown_levels
from genstudy.plots.labels import wrapped
from genstudy.plots.pairs import MOST, describe_pairs, dots_drawn, draw_pairs, picture_size
from genstudy.plots.style import AXIS, LARGE, NORMAL
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.plots.summary import DesignSummary

NARROWEST = 520.0
EDGE = 12.0
LINE = 1.45 * NORMAL
MOST_ALONE = 40
"""So many columns beyond those of the matrix have a histogram of their own."""

TOLD = 3


def design_picture(summary: DesignSummary, title: str, lines: Sequence[str]) -> Canvas:
    """Return the picture of all columns of a summary, with a title above and a caption of these lines.

    The first MOST are drawn against each other, the next MOST_ALONE as histograms.
    """
    names = summary.names
    matrix = picture_size(len(names))
    width = max(NARROWEST, matrix[0] + 2 * EDGE)
    room = width - 2 * EDGE
    heading = wrapped(title, room, LARGE)
    caption = [part for line in (*lines, *notes_of(summary)) for part in wrapped(line, room, NORMAL)]
    others = names[MOST : MOST + MOST_ALONE]
    per_line = max(1, int(room // WIDTH))
    grid = -(-len(others) // per_line) * (HEIGHT + EDGE)
    above = EDGE + len(heading) * 1.4 * LARGE
    canvas = Canvas(round(width), round(above + matrix[1] + grid + EDGE + len(caption) * LINE + EDGE))
    for place, line in enumerate(heading):
        canvas.text(line, EDGE, EDGE + LARGE + place * 1.4 * LARGE, room, size=LARGE)
    draw_pairs(canvas, summary, names, above)
    top = above + matrix[1]
    for place, name in enumerate(others):
        left = EDGE + (place % per_line) * room / per_line
        draw_histogram(canvas, summary.column(name), left, top + place // per_line * (HEIGHT + EDGE) + EDGE)
    for place, line in enumerate(caption):
        canvas.text(line, EDGE, top + grid + EDGE + NORMAL + place * LINE, room, colour=AXIS)
    return canvas


def notes_of(summary: DesignSummary) -> list[str]:
    """Return what the picture leaves out, a sentence each."""
    names, notes = summary.names, []
    drawn = dots_drawn(summary, len(names))
    if len(names) > 1 and drawn < summary.rows:
        notes.append(f"the dots are {drawn:,} of {counted(summary.rows, 'row')}, drawn at random")
    if len(names) > MOST:
        more = (
            f", and {len(names) - MOST - MOST_ALONE:,} are not shown"
            if len(names) > MOST + MOST_ALONE
            else ""
        )
        notes.append(
            f"the first {MOST} of {len(names):,} columns are drawn against each other{more}; "
            "--columns a,b,c chooses others"
        )
    crowded = [column for column in summary.columns[:MOST] if column.levels and len(column.levels) > SHOWN]
    notes += [
        f"{column.name}: the {SHOWN} most frequent of {len(column.levels or ())} texts are shown"
        for column in crowded
        if column.kind == "category" and len(shown_levels(column)) == SHOWN
    ][:TOLD]
    gaps = [column for column in summary.columns if column.missing]
    return (
        notes + [f"{column.name}: {counted(column.missing, 'cell')} empty or NaN" for column in gaps][:TOLD]
    )


def describe_design(summary: DesignSummary, title: str, lines: Sequence[str]) -> str:
    """Return what the picture shows, in words."""
    return ". ".join((title, describe_pairs(summary.names), *lines))
