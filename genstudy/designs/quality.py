"""How good a design is: how evenly its rows fill the unit cube, how far apart they are, how they correlate.

Values become points in [0, 1] by their laws, so a design is judged by the probability of the parts that it
fills, whatever the laws.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.axes import ZipAxis
from genstudy.designs.scale import UnitScale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.copula import Correlation
    from genstudy.parameters.laws import Parameter, Points

MOST_DIMENSIONS = 20
"""Of more parameters no figure of all of them together is told: in so many, all points are far apart."""

MOST_WORK = 2**23
"""Points, squared, times parameters: so much takes about 0.03 s."""

MOST_POINTS = 2**12
MOST_LEVELS = 2**16
"""A grid with a parameter of so many levels is not judged."""

BLOCK = 2**15
"""Pairs of points that are looked at together: their arrays stay in a processor's cache."""

FEWEST = 2


def pairs_of(points: Points) -> tuple[float, Points]:
    """Return the squared centred L2 discrepancy, and the distance of each point from the nearest other.

    points: in [0, 1], shape (n, d). Discrepancy: equation 6 of Hickernell, A generalized discrepancy and
    quadrature error bound, Math. Comp. 67, 1998. All pairs are looked at, a block of rows at a time.
    """
    number, dimensions = points.shape
    columns = np.ascontiguousarray(points.T)
    aways = np.abs(columns - 0.5)
    single = float(np.prod(1 + aways / 2 - aways**2 / 2, axis=0).sum())
    double = 0.0
    nearest = np.empty(number)
    step = max(1, BLOCK // number)
    for first in range(0, number, step):
        part = slice(first, min(first + step, number))
        kernel, squares = _block(columns, aways / 2, part)
        double += float(kernel.sum())
        squares[np.arange(len(squares)), np.arange(part.start, part.stop)] = np.inf
        nearest[part] = np.sqrt(squares.min(axis=1))
    return (13 / 12) ** dimensions - 2 / number * single + double / number**2, nearest


def _block(columns: Points, halves: Points, part: slice) -> tuple[Points, Points]:
    """Return the kernel of the discrepancy and the squared distances, of some rows with all rows."""
    shape = (part.stop - part.start, columns.shape[1])
    kernel, squares = np.ones(shape), np.zeros(shape)
    for column, half in zip(columns, halves, strict=True):
        away = np.abs(column[part, None] - column)
        squares += away * away
        away *= -0.5
        away += half
        away += (1 + half[part])[:, None]
        kernel *= away
    return kernel, squares


def random_discrepancy(scales: Sequence[UnitScale | None], number: int) -> float:
    """Return the mean of the squared centred L2 discrepancy of `number` rows that are drawn at random.

    scales: of the parameters. Those of few levels count with their levels; others, and None, are uniform on
    [0, 1): with d of those alone it is ((5/4)^d - (13/12)^d) / number.
    """
    moments = [_moments(scale) for scale in scales]
    single, same, other = (float(prod(column)) for column in zip(*moments, strict=True))
    return (13 / 12) ** len(scales) - 2 * single + same / number + (1 - 1 / number) * other


def _moments(scale: UnitScale | None) -> tuple[float, float, float]:
    """Return the means of the discrepancy's terms: of one point, of a point with itself, of two points."""
    if scale is None or scale.levels is None or scale.shares is None:
        return 13 / 12, 5 / 4, 13 / 12
    return _moments_of(scale.levels, scale.shares)


def _moments_of(levels: Points, shares: Points) -> tuple[float, float, float]:
    away = np.abs(levels - 0.5)
    # The mean of |x - y| = 2 (x F(x) - integral): for rising levels, by their cumulated shares.
    below = np.cumsum(shares)[:-1]
    apart = 2 * float((below * (1 - below) * np.diff(levels)).sum())
    mean = float((shares * away).sum())
    single = 1 + mean / 2 - float((shares * away**2).sum()) / 2
    return single, 1 + mean, 1 + mean - apart / 2


def rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> float | None:
    """Return Spearman's rank correlation, equal values sharing their mean rank; None for a constant."""
    ranks = [_ranks(values) for values in (first, second)]
    ranks = [values - values.mean() for values in ranks]
    size = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float((ranks[0] * ranks[1]).sum()) / size if size else None


def _ranks(values: NDArray[Any]) -> Points:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: Points = (np.cumsum(counts) - (counts - 1) / 2)[places.ravel()]
    return found


class QualitySample:
    """Keeps the first rows of a table, as many as are judged in about 0.03 s.

    They are what is run first. A random sample would not do: one of any design is as uneven as random rows.
    most: how many rows are kept at most.
    """

    def __init__(self, axes: Sequence[Axis], pairs: Sequence[Correlation] = ()) -> None:
        """Take what the design varies, and the pairs of parameters whose correlation is told."""
        judged = [parameter for axis in axes for parameter in _on_their_own(axis)]
        self._laws = {parameter.name: parameter.law for parameter in judged if parameter.law.count != 1}
        self._pairs = pairs
        self._names = {*self._laws, *(name for first, second, _ in pairs for name in (first, second))}
        self.most = most_points(min(max(len(self._laws), 1), MOST_DIMENSIONS))
        self._kept: list[dict[str, NDArray[Any]]] = []
        self._rows = 0

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take the next rows: columns by name, of numbers or of indices of words."""
        wanted = self.most - self._rows
        if wanted <= 0 or not self._names:
            return
        self._kept.append({name: columns[name][:wanted].copy() for name in self._names})
        self._rows += min(wanted, len(next(iter(columns.values()))))

    def facts(self, *, even: bool) -> dict[str, Any] | None:
        """Return how good the rows are, as a table's record has it, or None where nothing can be told.

        even: whether they are meant to fill the cube evenly. points: the rows that are judged; parameters:
        those that vary on their own. discrepancy: the squared centred L2 discrepancy; random: its mean for as
        many rows drawn at random, where they are meant to be even. distance: the least one of two rows in the
        cube of side 1; 0 where two agree. correlation: Spearman's, of the pairs. None: cannot be told, or has
        no meaning.
        """
        together = 0 < len(self._laws) <= MOST_DIMENSIONS
        if self._rows < FEWEST or not (together or self._pairs):
            return None
        values = {name: np.concatenate([kept[name] for kept in self._kept]) for name in self._names}
        found: dict[str, Any] = dict.fromkeys(("discrepancy", "random", "distance"))
        if together:
            scales = [UnitScale(law, self._rows) for law in self._laws.values()]
            points = [scale(values[name]) for name, scale in zip(self._laws, scales, strict=True)]
            discrepancy, nearest = pairs_of(np.column_stack(points))
            found["distance"] = float(nearest.min())
            found["discrepancy"] = discrepancy
            if even:
                found["random"] = random_discrepancy(scales, self._rows)
        correlation = [[a, b, rank_correlation(values[a], values[b])] for a, b, _ in self._pairs]
        return {"points": self._rows, "parameters": len(self._laws), **found, "correlation": correlation}


def grid_facts(axes: Sequence[Axis], rows: int) -> dict[str, Any] | None:
    """Return how good a full grid is, as QualitySample.facts does: of all its rows, by their levels alone.

    All terms of the discrepancy are products over the parameters, so their means over a grid are products of
    means over levels. rows: how many there are. None where nothing can be told.
    """
    judged = [parameter for axis in axes for parameter in _on_their_own(axis)]
    laws = [parameter.law for parameter in judged if parameter.law.count != 1]
    if not 0 < len(laws) <= MOST_DIMENSIONS or any((law.count or MOST_LEVELS) >= MOST_LEVELS for law in laws):
        return None
    scales = [UnitScale(law, rows) for law in laws]
    levels = [
        np.sort(scale(law.at(np.arange(law.count or 0)))) for scale, law in zip(scales, laws, strict=True)
    ]
    moments = [_moments_of(points, np.full(len(points), 1 / len(points))) for points in levels]
    single, _, other = (float(prod(column)) for column in zip(*moments, strict=True))
    return {
        "points": rows,
        "parameters": len(laws),
        "discrepancy": (13 / 12) ** len(laws) - 2 * single + other,
        "random": random_discrepancy(scales, rows),
        "distance": float(min(np.diff(points).min() for points in levels)),
        "correlation": [],
    }


def _on_their_own(axis: Axis) -> list[Parameter]:
    """Return the parameters of an axis, but of those that move together one alone."""
    members = getattr(axis, "members", ())
    if isinstance(axis, ZipAxis):
        members = members[:1]
    if not members:
        return list(axis.parameters)
    return [parameter for member in members for parameter in _on_their_own(member)]


def most_points(dimensions: int) -> int:
    """Return how many rows of so many parameters are judged: a power of 2, for Sobol points."""
    most = MOST_POINTS
    while most > FEWEST and most**2 * dimensions > MOST_WORK:
        most //= 2
    return most


def quality_line(facts: Mapping[str, Any], rows: int) -> str:
    """Return the figures of a record in a line. rows: of the design, all together."""
    words = []
    if facts["discrepancy"] is not None:
        than = "" if facts["random"] is None else f" (random: {facts['random']:.3g})"
        words.append(f"discrepancy {facts['discrepancy']:.3g}{than}")
    if facts["distance"] is not None:
        words.append(f"least distance {facts['distance']:.2g}")
    for first, second, value in facts["correlation"]:
        words.append(f"correlation of {first} and {second} {'unknown' if value is None else f'{value:.2f}'}")
    which = f"the first {facts['points']}" if facts["points"] < rows else str(facts["points"])
    return f"{', '.join(words)}, of {which} rows"
