"""Latin hypercubes whose points were rearranged, by scipy.stats.qmc; they are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.designs.axes import varies, with_constants
from genstudy.designs.order import as_they_are
from genstudy.designs.source import BELOW_ONE, MatrixPoints
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.designs.axes import Axis
    from genstudy.designs.kinds import Request
    from genstudy.parameters.laws import Points

MOST_WORK = 40_000
"""Rows times (axes + 2): so much takes random-cd 10 to 15 s."""

MOST_LLOYD = {2: 20_000, 3: 10_000, 4: 3000, 5: 1000, 6: 300, 7: 100}
"""By the number of axes, the rows that Lloyd's algorithm takes about 10 s for."""


class OptimisedLatinPoints:
    """Latin hypercube samples whose points were rearranged, one block after the other.

    random-cd: values change places within a column as long as that lowers the centred discrepancy, so every
    column keeps its one row in each part. lloyd: points are moved towards the middles of their Voronoi
    cells, after which they are far apart, and parts may have no row or two.
    """

    kind: Literal["unit"] = "unit"
    total = None
    block = 1

    def __init__(
        self, how: Literal["random-cd", "lloyd"], axes: Sequence[Axis], rows: int, seed: int
    ) -> None:
        self._varied = sum(varies(axis) for axis in axes)
        _check_size(how, self._varied, rows)
        self._how, self._axes, self._rows, self._seed = how, axes, rows, seed
        self._block = -1
        self._points: MatrixPoints | None = None
        self._left = 0

    def draw(self, count: int) -> list[Points]:
        """Return the next rows of the block, or the first of the next one."""
        if self._points is None or not self._left:
            self._block += 1
            self._points = MatrixPoints(self._made(), "unit", as_they_are)
            self._left = self._rows
        count = min(count, self._left)
        self._left -= count
        return self._points.draw(count)

    def _made(self) -> Points:
        from scipy.stats import qmc

        generator = np.random.default_rng([self._seed, self._block])
        engine = qmc.LatinHypercube(self._varied, optimization=self._how, rng=generator)
        return with_constants(np.minimum(engine.random(self._rows), BELOW_ONE), self._axes)

    def skip(self, count: int) -> None:
        """Pass over rows: they have to be made."""
        while count:
            count -= len(self.draw(count)[0])

    def close(self) -> None:
        """Nothing is open."""


def open_optimised(request: Request) -> OptimisedLatinPoints:
    """Open `lhs(optimize=...)`."""
    if len(request.parts) > 1:
        raise UserError(
            "a Latin hypercube that was optimised cannot be extended: its rows depend on each other",
            hint="make a new table with as many rows as are wanted, or take the design lhs or sobol",
        )
    how = request.arguments["optimize"]
    return OptimisedLatinPoints(how, request.axes, request.rows or 0, request.seed)


def _check_size(how: str, axes: int, rows: int) -> None:
    where = f"--design 'lhs(optimize={how})'"
    if not axes:
        raise UserError("no parameter varies", where=where, hint="take the design random or grid")
    if how == "lloyd":
        most = MOST_LLOYD.get(axes, 0)
        if axes < 2 or not most:
            raise UserError(
                f"lloyd takes 2 to {max(MOST_LLOYD)} parameters, not {axes}",
                where=where,
                hint="take optimize=random-cd",
            )
        if rows < axes + 2:
            raise UserError(
                f"lloyd takes {axes + 2} rows or more of {axes} parameters, not {rows}",
                where=where,
                hint="take more rows, or optimize=random-cd",
            )
    else:
        most = MOST_WORK // (axes + 2)
    if rows > most:
        raise UserError(
            f"{rows} rows of {axes} parameters would take long: {most} is the most",
            where=where,
            hint="take fewer rows, or the design lhs without optimize, or sobol",
        )
