"""Designs of which all points are moved or chosen together, by scipy.stats.qmc; they are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.designs.order import as_they_are
from genstudy.designs.source import BELOW_ONE, MatrixPoints
from genstudy.errors import UserError

if TYPE_CHECKING:
    from genstudy.designs.kinds import Request
    from genstudy.parameters.laws import Points

MOST_WORK = 40_000
"""Rows times (axes + 2): so much takes random-cd 10 to 15 s."""

MOST_LLOYD = {2: 20_000, 3: 10_000, 4: 3000, 5: 1000, 6: 300, 7: 100}
"""By the number of axes, the rows that Lloyd's algorithm takes about 10 s for."""

DEFAULT_ROWS = 20
MOST_DISKS = {1: 5000, 2: 5000, 3: 5000, 4: 2000, 5: 1000, 6: 300}
"""By the number of axes, the points for which a radius is found in about 10 s."""

MOST_CELLS = 10**7
"""Of the grid in which scipy looks for neighbours: as many times axes floats of 4 bytes."""

SEARCHED = 8
"""Radii that are tried at most."""

NEAR = 1.03
"""The search for a radius ends once no more than so many times the points that are wanted fit."""


class OptimisedLatinPoints:
    """Latin hypercube samples whose points were rearranged, one block after the other.

    random-cd: values change places within a column as long as that lowers the centred discrepancy, so every
    column keeps its one row in each part. lloyd: points are moved towards the middles of their Voronoi
    cells, after which they are far apart, and parts may have no row or two.
    """

    kind: Literal["unit"] = "unit"
    total = None
    block = 1

    def __init__(self, how: Literal["random-cd", "lloyd"], axes: int, rows: int, seed: int) -> None:
        _check_size(how, axes, rows)
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
        engine = qmc.LatinHypercube(self._axes, optimization=self._how, rng=generator)
        return np.minimum(engine.random(self._rows), BELOW_ONE)

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
    return OptimisedLatinPoints(how, len(request.axes), request.rows or 0, request.seed)


def _check_size(how: str, axes: int, rows: int) -> None:
    where = f"--design 'lhs(optimize={how})'"
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


def open_poisson(request: Request) -> MatrixPoints:
    """Open `poisson(radius=...)`: points no two of which are nearer to each other than the radius."""
    axes, radius, wanted = len(request.axes), str(request.arguments["radius"]), request.rows
    most = MOST_DISKS.get(axes)
    if most is None:
        raise UserError(
            f"poisson takes {max(MOST_DISKS)} parameters at most, not {axes}",
            hint="in so many dimensions all points are far apart: take the design lhs or sobol",
        )
    if wanted is not None and wanted > most:
        raise UserError(
            f"poisson makes {most} rows of {axes} parameters at most, not {wanted}",
            hint="take the design lhs or sobol",
        )
    if radius == "auto":
        wanted = DEFAULT_ROWS if wanted is None else wanted
        points = _farthest_apart(axes, wanted, request.seed)
    else:
        points = _all_that_fit(axes, _radius(radius), request.seed)
    if wanted is not None and wanted > len(points):
        raise UserError(
            f"{len(points)} points fit with {radius} between them, and {wanted} rows are wanted",
            where="--design poisson",
            hint="take fewer rows or a smaller radius, or leave the radius out: poisson finds it",
        )
    # Shuffled: they grew from the first one on, and any part of them is to be spread over all of the cube.
    order = np.random.default_rng([request.seed, 1]).permutation(len(points))
    return MatrixPoints(points[order[:wanted]], "unit", as_they_are)


def _radius(text: str) -> float:
    try:
        radius = float(text)
    except ValueError:
        radius = 0.0
    if not 0 < radius < 100:
        raise UserError(
            f"'{text}' is no radius",
            where="--design poisson",
            hint="a number above 0, or auto; 1 is the side",
        )
    return radius


def _farthest_apart(axes: int, wanted: int, seed: int) -> Points:
    """Return points, `wanted` or a few more, with the largest radius that was found to give so many.

    As many points fit as the radius ** -axes, so each try tells about where the next should be.
    """
    # About where the search ends, for 1 to 6 axes.
    radius = (0.7 + 0.05 * axes) * wanted ** (-1 / axes)
    low, high = 0.0, float("inf")
    best: Points | None = None
    for _ in range(SEARCHED):
        points = _all_that_fit(axes, radius, seed)
        if len(points) >= wanted:
            best, low = points, radius
            if len(points) <= max(NEAR * wanted, wanted + 1):
                break
        else:
            high = radius
        radius *= (len(points) / (wanted + 0.5)) ** (1 / axes)
        if not low < radius < high:
            radius = (low + high) / 2 if high < float("inf") else low * 1.05
    while best is None:
        radius *= 0.9
        points = _all_that_fit(axes, radius, seed)
        best = points if len(points) >= wanted else None
    return best


def _all_that_fit(axes: int, radius: float, seed: int) -> Points:
    """Fill the cube with points no two of which are nearer than the radius (Bridson, SIGGRAPH 2007)."""
    from scipy.stats import qmc

    cells = np.ceil(axes**0.5 / radius) ** axes
    if cells > MOST_CELLS:
        raise UserError(
            f"the radius {radius:g} is too small for {axes} parameters",
            where="--design poisson",
            hint="take a larger one, or the design lhs or sobol",
        )
    engine = qmc.PoissonDisk(axes, radius=radius, rng=np.random.default_rng(seed))
    most = 2 * MOST_DISKS[axes]
    points = np.asarray(engine.random(most + 1))
    if len(points) > most:
        raise UserError(
            f"with the radius {radius:g}, more than {most} points fit",
            where="--design poisson",
            hint="take a larger radius, or the design lhs or sobol",
        )
    return np.clip(points, 0.0, BELOW_ONE)
