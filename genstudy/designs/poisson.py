"""Poisson disks: random points none of which are near each other, by scipy.stats.qmc; they are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.axes import varies, with_constants
from genstudy.designs.order import as_they_are
from genstudy.designs.source import BELOW_ONE, MatrixPoints
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.designs.kinds import Request
    from genstudy.parameters.laws import Points

DEFAULT_ROWS = 20
MOST_DISKS = {1: 5000, 2: 5000, 3: 5000, 4: 2000, 5: 1000, 6: 300}
"""By the number of axes, the points for which a radius is found in about 10 s."""

RADII = (1e-9, 100.0)
"""The smallest and the largest radius that may be asked for."""

SEARCHED = 16
"""Radii that are tried at most."""

NEAR = 1.03
"""The search for a radius ends once no more than so many times the points that are wanted fit."""

STARTS = 200
"""Starts that are tried with a radius, divided by the points that are wanted."""

FEW = 100
"""Of fewer points one more or less is much: the search goes on until the radius is known as well."""


def open_poisson(request: Request) -> MatrixPoints:
    """Open `poisson(radius=...)`: points no two of which are nearer to each other than the radius."""
    axes = sum(varies(axis) for axis in request.axes)
    radius, wanted = str(request.arguments["radius"]), request.rows
    if not axes:
        hint = "take the design random or grid"
        raise UserError("no parameter varies", where="--design poisson", hint=hint)
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
        points = _all_that_fit(axes, _radius(radius), [request.seed, 0])
    if wanted is not None and wanted > len(points):
        raise UserError(
            f"{len(points)} points fit with {radius} between them, and {wanted} rows are wanted",
            where="--design poisson",
            hint="take fewer rows or a smaller radius, or leave the radius out: poisson finds it",
        )
    # Shuffled: they grew from the first one on, and any part of them is to be spread over all of the cube.
    order = np.random.default_rng(request.seed).permutation(len(points))
    return MatrixPoints(with_constants(points[order[:wanted]], request.axes), "unit", as_they_are)


def _radius(text: str) -> float:
    try:
        radius = float(text)
    except ValueError:
        radius = 0.0
    if not RADII[0] <= radius <= RADII[1]:
        raise UserError(
            f"'{text}' is no radius",
            where="--design poisson",
            hint="a number from {:g} to {:g}, or auto; 1 is the side".format(*RADII),
        )
    return radius


def _usual_count(axes: int, radius: float) -> float:
    """Return how many points fit, about, for 1 to 6 axes."""
    return ((0.7 + 0.05 * axes) / radius) ** axes


def _farthest_apart(axes: int, wanted: int, seed: int) -> Points:
    """Return points, `wanted` or a few more, with the largest radius that was found to give so many.

    As many points fit as the radius ** -axes, so each try tells about where the next should be. How many do
    depends on where the first one is: for few, many starts are tried.
    """
    radius = _usual_count(axes, 1.0) ** (1 / axes) * wanted ** (-1 / axes)
    low, high = 0.0, float("inf")
    best: Points | None = None
    tried = 0
    while best is None or tried < SEARCHED:
        tried += 1
        starts = ([seed, start] for start in range(max(1, STARTS // wanted)))
        points = max((_all_that_fit(axes, radius, start) for start in starts), key=len)
        if len(points) >= wanted:
            best, low = points, radius
        else:
            high = radius
        if best is not None and len(best) <= NEAR * wanted and (wanted > FEW or high < NEAR * low):
            break
        radius *= (len(points) / (wanted + 0.5)) ** (1 / axes)
        if not low < radius < high:
            radius = (low + high) / 2 if high < float("inf") else low * 1.05
    return best


def _all_that_fit(axes: int, radius: float, seed: Sequence[int]) -> Points:
    """Fill the cube with points no two of which are nearer than the radius (Bridson, SIGGRAPH 2007)."""
    from scipy.stats import qmc

    count = _usual_count(axes, radius)
    if count > 2 * MOST_DISKS[axes]:
        raise UserError(
            f"with the radius {radius:g} about {count:.0f} points fit, and that would take long",
            where="--design poisson",
            hint="take a larger radius, or the design lhs or sobol",
        )
    engine = qmc.PoissonDisk(axes, radius=radius, rng=np.random.default_rng(seed))
    return np.clip(engine.fill_space(), 0.0, BELOW_ONE)
