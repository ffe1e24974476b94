"""A part of a picture with two axes, and what is drawn between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genstudy.plots.labels import text_width
from genstudy.plots.scales import LevelScale
from genstudy.plots.style import AXIS, INK, SMALL

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from genstudy.plots.canvas import Canvas
    from genstudy.plots.scales import Scale, Ticks

    Pixels = NDArray[np.float64]

TICK = 3.0
GAP = 4.0
"""Pixels between two labels at least, and between a label and what it belongs to."""

THINNEST = 1.5


class Panel:
    """A rectangle of a canvas: left, top, width and height in pixels, and the scales of its axes.

    pad: pixels between the rectangle's sides and the ends of the x axis, and of the y axis at the top and,
    with `floor`, not at the bottom.
    """

    def __init__(
        self,
        canvas: Canvas,
        place: tuple[float, float, float, float],
        x: Scale,
        y: Scale,
        *,
        pad: float = 6.0,
        floor: bool = False,
    ) -> None:
        self.canvas = canvas
        self.left, self.top, self.width, self.height = place
        self.x, self.y = x, y
        self._pad, self._floor = pad, 0.0 if floor else pad

    @property
    def bottom(self) -> float:
        """The place of the x axis."""
        return self.top + self.height

    def across(self, values: ArrayLike) -> Pixels:
        """Return where values of the x axis are, in pixels from the left."""
        return self.across_of(self.x.place(values))

    def across_of(self, places: ArrayLike) -> Pixels:
        """Return where places from 0 to 1 on the x axis are, in pixels from the left."""
        return self.left + self._pad + np.asarray(places) * (self.width - 2 * self._pad)

    def down(self, values: ArrayLike) -> Pixels:
        """Return where values of the y axis are, in pixels from the top."""
        return self.down_of(self.y.place(values))

    def down_of(self, places: ArrayLike) -> Pixels:
        """Return where places from 0 to 1 on the y axis are, in pixels from the top."""
        return self.bottom - self._floor - np.asarray(places) * (self.height - self._pad - self._floor)

    def axes(self) -> None:
        """Draw a line at the left and one at the bottom."""
        left, bottom = self.left, self.bottom
        right = left + self.width
        self.canvas.lines([(left, self.top, left, bottom), (left, bottom, right, bottom)], AXIS)

    def x_ticks(self, most: int) -> None:
        """Draw the x axis's ticks, and below them the labels that find room."""
        ticks = self._level_ticks(self.x, most) if isinstance(self.x, LevelScale) else self.x.ticks(most)
        where = self.across_of([place for place, _ in ticks])
        bottom = self.bottom
        self.canvas.lines([(x, bottom, x, bottom + TICK) for x in where], AXIS)
        # Half a number would be another one; a shortened text is still of use.
        room = self._room(len(ticks)) if isinstance(self.x, LevelScale) else self.width
        end = -np.inf
        for x, (_, label) in zip(where, ticks, strict=True):
            width = min(text_width(label, SMALL), room)
            over = GAP / 2 - width / 2
            middle = min(max(x, self.left - over), self.left + self.width + over)
            if middle - width / 2 < end + GAP:
                continue
            end = middle + width / 2
            self.canvas.text(
                label, middle, bottom + TICK + SMALL, width + 1, size=SMALL, align="center", colour=INK
            )

    def _level_ticks(self, scale: LevelScale, most: int) -> Ticks:
        """Return the levels of the x axis; of more than `most` as many as can be told apart."""
        for number in range(most, 2, -1):
            ticks = scale.ticks(number)
            widest = max((text_width(label, SMALL) for _, label in ticks), default=0.0)
            if len(ticks) == len(scale.levels) or widest <= self._room(len(ticks)):
                return ticks
        return scale.ticks(2)

    def _room(self, ticks: int) -> float:
        """Return how wide each of so many labels of the x axis may be."""
        return (self.width - 2 * self._pad) / max(1, ticks) - GAP

    def y_ticks(self, most: int, room: float) -> None:
        """Draw the y axis's ticks, with labels of `room` pixels at most to the left of it."""
        ticks = self.y.ticks(most)
        where = self.down_of([place for place, _ in ticks])
        self.canvas.lines([(self.left - TICK, y, self.left, y) for y in where], AXIS)
        for y, (_, label) in zip(where, ticks, strict=True):
            x = self.left - TICK - GAP / 2
            self.canvas.text(label, x, y + SMALL / 3, room, size=SMALL, align="right", colour=INK)

    def bars(self, left: ArrayLike, right: ArrayLike, heights: ArrayLike, colour: str) -> None:
        """Fill bars between places of the x axis, from the bottom to values of the y axis; shape (n,) each.

        None is thinner than THINNEST, and none reaches out of the panel: what would is made narrower on both
        sides.
        """
        x0, x1 = self.across_of(left), self.across_of(right)
        least, most = self.left + 1, self.left + self.width - 1
        out = max(least - x0.min(initial=least), x1.max(initial=most) - most)
        more = np.maximum(-out, (THINNEST - (x1 - x0)) / 2)
        found = np.asarray(heights) > 0
        tops = self.down(heights)
        self.canvas.boxes((x0 - more)[found], tops[found], (x1 + more)[found], self.bottom, colour)
