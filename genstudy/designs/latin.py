"""Latin hypercube: every parameter has exactly one row in each of n equal parts of its range."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.points import BELOW_ONE, stream
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genstudy.parameters.laws import Parameter, Points, Values

STEP = 2**17
"""Points that are handled at once while a column is made."""


class LatinDesign:
    """Latin hypercube samples of `rows` rows each, one block after the other.

    Column j of a block is (permutation + U) / rows (McKay, Beckman and Conover, Technometrics 21, 1979), with
    a stream of its own for every name and block. One column is in memory at a time: all are spooled to an
    unnamed temporary file in `folder` (8 bytes a value) and read back chunk by chunk. Once rows are
    filtered, further blocks follow; stratification then holds for each block before the filter.
    """

    total = None

    def __init__(self, parameters: Sequence[Parameter], seed: int, rows: int, folder: Path | None) -> None:
        self._parameters = parameters
        self._seed = seed
        self._rows = rows
        self._spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._block = -1
        self._next = rows

    def draw(self, count: int) -> list[Values]:
        """Return the next rows of the block, or the first of the next one."""
        if self._next == self._rows:
            self._fill()
        count = min(count, self._rows - self._next)
        columns: list[Values] = []
        for place, parameter in enumerate(self._parameters):
            self._spool.seek((place * self._rows + self._next) * 8)
            points = np.frombuffer(self._spool.read(count * 8))
            columns.append(parameter.law.sample(points))
        self._next += count
        return columns

    def _fill(self) -> None:
        self._block += 1
        self._next = 0
        self._spool.seek(0)
        for parameter in self._parameters:
            # No name is bound to the column: it would keep one in memory while the next is made.
            self._spool.write(latin_column(stream(self._seed, parameter.name, self._block), self._rows).data)
        self._spool.flush()

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
    for start in range(0, rows, STEP):
        part = points[start : start + STEP]
        part += generator.random(len(part))
        part /= rows
    return np.minimum(points, BELOW_ONE, out=points)
