"""Latin hypercube: every axis has exactly one row in each of n equal parts of its range."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.designs.points import axis_stream
from genstudy.designs.source import BELOW_ONE
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from genstudy.designs.axes import Axis
    from genstudy.designs.kinds import Request
    from genstudy.designs.source import PointSource
    from genstudy.parameters.laws import Points

STEP = 2**17
"""Points that are handled at once while a column is made."""


class LatinPoints:
    """Latin hypercube samples, one block after the other.

    Column j of a block of n rows is (permutation + U) / n (McKay, Beckman and Conover, Technometrics 21,
    1979), with a stream of its own for every axis and block. One column is in memory at a time: all are
    spooled to an unnamed temporary file in `folder` (8 bytes a value) and read back chunk by chunk. Once rows
    are filtered, further blocks follow; stratification then holds for each block before the filter.

    parts: the rows that the first block got one after the other. Each part but the first is nested: its rows
    go into parts of the range that are still empty once it is cut into as many as there are rows by then
    (inherited Latin hypercubes: Wang, J. Mech. Design 125, 2003). Where the number of rows has become a
    multiple of what it was, the whole is a Latin hypercube again; otherwise old rows may share a part.
    filled: the least number of the `sum(parts)` equal parts of an axis that hold a row; None before the
    first draw.
    """

    kind: Literal["unit"] = "unit"
    total = None
    block = 1

    def __init__(self, axes: Sequence[Axis], seed: int, parts: Sequence[int], folder: Path | None) -> None:
        self._axes, self._seed, self._parts = axes, seed, parts
        self._rows = sum(parts)
        self._spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._block = -1
        self._next = self._rows
        self.filled: int | None = None

    def draw(self, count: int) -> Iterator[Points]:
        """Return the next rows of the block, or the first of the next one."""
        if self._next == self._rows:
            self._fill()
        first = self._next
        count = min(count, self._rows - first)
        self._next += count
        return self._read(first, count)

    def _read(self, first: int, count: int) -> Iterator[Points]:
        for place in range(len(self._axes)):
            self._spool.seek((place * self._rows + first) * 8)
            yield np.frombuffer(self._spool.read(count * 8))

    def _fill(self) -> None:
        self._block += 1
        self._next = 0
        self._spool.seek(0)
        for axis in self._axes:
            # No name is bound to the column: it would keep one in memory while the next is made.
            self._spool.write(self._column(axis).data)
        self._spool.flush()

    def _column(self, axis: Axis) -> Points:
        first, *others = self._parts if self._block == 0 else (self._rows,)
        points = latin_column(axis_stream(self._seed, axis, self._block), first)
        for number, more in enumerate(others, 1):
            generator = axis_stream(self._seed, axis, -number % 2**32)
            points, filled = nested_column(generator, points, more)
            if number == len(others):
                self.filled = filled if self.filled is None else min(filled, self.filled)
        return points

    def skip(self, count: int) -> None:
        """Pass over rows of the first block."""
        if self._next == self._rows:
            self._fill()
        self._next += count

    def close(self) -> None:
        """Drop the spool."""
        self._spool.close()


def latin_column(generator: np.random.Generator, rows: int) -> Points:
    """Return one column of a Latin hypercube: shape (rows,), one point in each [k / rows, (k + 1) / rows)."""
    try:
        points = np.arange(rows, dtype=np.float64)
    except (MemoryError, ValueError, OverflowError):  # numpy knows more than one way to say so
        raise UserError(
            f"lhs holds one column in memory, 8 bytes a row: {rows} rows are too many",
            hint="take fewer rows, or --design random or sobol",
        ) from None
    generator.shuffle(points)
    return _placed(generator, points, rows)


def nested_column(generator: np.random.Generator, points: Points, more: int) -> tuple[Points, int]:
    """Return a column with `more` points after those that are there, and how many of its parts hold one.

    The range is cut into as many parts as there are points then; the new ones are in different parts that
    were empty, chosen at random.
    """
    rows = len(points) + more
    taken = np.zeros(rows, dtype=np.bool_)
    taken[np.minimum((points * rows).astype(np.int64), rows - 1)] = True
    filled = int(np.count_nonzero(taken)) + more
    cells = np.flatnonzero(~taken).astype(np.float64)
    generator.shuffle(cells)
    return np.concatenate([points, _placed(generator, cells[:more].copy(), rows)]), filled


def _placed(generator: np.random.Generator, cells: Points, rows: int) -> Points:
    """Put a random point into each of these parts of a range that is cut into `rows` parts, in place."""
    for start in range(0, len(cells), STEP):
        part = cells[start : start + STEP]
        part += generator.random(len(part))
        part /= rows
    return np.minimum(cells, BELOW_ONE, out=cells)


def open_lhs(request: Request) -> PointSource:
    """Open the design that a request asks for."""
    if request.arguments["optimize"] is not None:
        from genstudy.designs.optimised import open_optimised

        return open_optimised(request)
    return LatinPoints(request.axes, request.seed, request.parts or (request.rows or 0,), request.folder)
