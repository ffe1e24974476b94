"""Full factorial: every combination of the levels of every axis, once."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.designs.axes import levels_of
from genstudy.designs.order import make_order
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.kinds import Request
    from genstudy.designs.order import Order

    Levels = NDArray[np.int64]

MOST_ROWS = 2**63
STRETCH = 2**17
"""Combinations that are looked at together where few of them are new."""


class GridPoints:
    """All combinations, the last axis fastest, made by arithmetic on the row's number.

    known: for each axis which of its levels were there before, an array of booleans; combinations of such
    levels alone are left out. None: all combinations.
    """

    kind: Literal["level"] = "level"
    block = 1

    def __init__(
        self, axes: Sequence[Axis], order: Order, known: Sequence[NDArray[np.bool_]] | None = None
    ) -> None:
        self._counts = [levels_of(axis) for axis in axes]
        self._all = grid_size(axes)
        self.total = self._all - (prod(int(levels.sum()) for levels in known) if known else 0)
        self._strides = [prod(self._counts[place + 1 :]) for place in range(len(axes))]
        self._order, self._known = order, known
        self._next = 0
        self._left = self.total

    def draw(self, count: int) -> list[Levels]:
        """Return the levels of the next combinations."""
        # Where no more than `count` are left, they cannot be too many in a stretch of any length.
        stretch = max(count, STRETCH) if count >= self._left else count
        while True:
            rows = self._order(self._next, min(stretch, self._all - self._next))
            self._next += len(rows)
            columns = [
                rows // stride % levels for levels, stride in zip(self._counts, self._strides, strict=True)
            ]
            if self._known is None:
                return columns
            new = np.ones(len(rows), dtype=np.bool_)
            new &= ~np.logical_and.reduce(
                [levels[column] for levels, column in zip(self._known, columns, strict=True)]
            )
            if new.any() or self._next == self._all:
                self._left -= int(np.count_nonzero(new))
                return [column[new] for column in columns]

    def skip(self, count: int) -> None:
        """Pass over combinations."""
        if self._known is not None:
            raise TypeError("combinations that are left out cannot be counted")
        self._next += count

    def close(self) -> None:
        """Nothing is open."""


def grid_size(axes: Sequence[Axis]) -> int:
    """Return how many combinations there are. UserError for an axis without levels."""
    total = prod(levels_of(axis) for axis in axes)
    if total >= MOST_ROWS:
        raise UserError(
            f"the grid has {total} rows, which is past any table",
            hint="take fewer levels, or the design random, lhs or sobol",
        )
    return total


def open_grid(request: Request) -> GridPoints:
    """Open the design that a request asks for."""
    grid_size(request.axes)
    order = make_order(request.order, [levels_of(axis) for axis in request.axes], request.seed)
    return GridPoints(request.axes, order, request.known)
