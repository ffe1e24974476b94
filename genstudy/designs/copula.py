"""Correlated inputs: a Gaussian copula on the points of a design."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi, sin
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.axes import ParameterAxis, ZipAxis, varies
from genstudy.designs.source import BELOW_ONE
from genstudy.errors import UserError, near
from genstudy.parameters.laws import inside, number_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis

    Column = NDArray[np.float64]

Correlation = tuple[str, str, float]
"""Two parameters and their rank correlation (Spearman)."""

Transform = Callable[["Sequence[NDArray[np.float64]]"], "Sequence[NDArray[np.float64]]"]

PLACE = "--correlate"
SHARES = 100
"""How finely the way out of impossible correlations is told: in hundredths."""


def make_copula(axes: Sequence[Axis], correlations: Sequence[Correlation]) -> Transform:
    """Return what turns independent points in [0, 1), a column an axis, into correlated ones.

    A pair's normal deviates get the correlation 2 sin(pi r / 6), which gives points of the rank correlation r
    (Pearson, On further methods of determining correlation, 1907); with levels, whose points are tied, it is
    less. Columns that are not named stay as they are, bit for bit, and so does the first that is named of
    those that hang together. A parameter in a zip stands for the zip. UserError for pairs that cannot be.
    """
    named = _axes_of(axes, correlations)
    matrix = np.eye(len(named))
    for first, second, wanted in correlations:
        one, other = named.index(_axis_of(axes, first)), named.index(_axis_of(axes, second))
        matrix[one, other] = matrix[other, one] = wanted
    return _Copula(named, _factor(matrix, correlations))


class _Copula:
    def __init__(self, places: Sequence[int], factor: NDArray[np.float64]) -> None:
        """Take the numbers of the axes that are correlated, and the Cholesky factor of their deviates."""
        self._places, self._factor = places, factor

    def __call__(self, columns: Sequence[Column]) -> Sequence[Column]:
        from scipy.special import ndtr, ndtri

        found = list(columns)
        deviates = [np.asarray(ndtri(inside(columns[place])), dtype=np.float64) for place in self._places]
        for row, place in enumerate(self._places):
            weights = self._factor[row]
            if not weights[:row].any():
                continue
            # Summed term by term: a product of matrices would depend on how many rows are drawn at once.
            mixed = weights[row] * deviates[row]
            for weight, others in zip(weights[:row].tolist(), deviates, strict=False):
                if weight:
                    mixed += weight * others
            found[place] = np.minimum(np.asarray(ndtr(mixed), dtype=np.float64), BELOW_ONE)
        return found


def _axes_of(axes: Sequence[Axis], correlations: Sequence[Correlation]) -> list[int]:
    """Return the numbers of the axes that are named, in the order in which they are; refuse mistakes."""
    named: list[int] = []
    seen: set[frozenset[int]] = set()
    for first, second, wanted in correlations:
        pair = [_axis_of(axes, first), _axis_of(axes, second)]
        told = f"{PLACE} {first} {second} {number_text(wanted)}"
        if first == second:
            raise UserError("a parameter cannot be correlated with itself", where=told)
        if pair[0] == pair[1]:
            raise UserError(
                f"{first} and {second} move together already, in {axes[pair[0]].name}",
                where=told,
                hint="take them out of the group, or leave the pair away",
            )
        if not -1 < wanted < 1:
            raise UserError(
                "a rank correlation is between -1 and 1, both left out",
                where=told,
                hint=f"what always rises together is a group: --group 'zip({first}, {second})'",
            )
        if frozenset(pair) in seen:
            raise UserError("this pair is there twice", where=told, hint="say it once")
        seen.add(frozenset(pair))
        named += [place for place in pair if place not in named]
    return named


def _axis_of(axes: Sequence[Axis], name: str) -> int:
    """Return the number of a parameter's axis."""
    names = {parameter.name: place for place, axis in enumerate(axes) for parameter in axis.parameters}
    if name not in names:
        raise UserError(f"there is no parameter '{name}'{near(name, names)}", where=PLACE)
    place = names[name]
    axis = axes[place]
    if not _moves_as_one(axis):
        raise UserError(
            f"{name} is in {axis.name}, whose combinations have no order to be correlated with",
            where=PLACE,
            hint="take it out of the product",
        )
    if not varies(axis):
        raise UserError(
            f"the parameter {name} has one value, and correlates with nothing",
            where=PLACE,
            hint="leave the pair away, or give it a law with more values",
        )
    return place


def _moves_as_one(axis: Axis) -> bool:
    return isinstance(axis, ParameterAxis) or (
        isinstance(axis, ZipAxis) and all(_moves_as_one(member) for member in axis.members)
    )


def _factor(matrix: NDArray[np.float64], correlations: Sequence[Correlation]) -> NDArray[np.float64]:
    """Return the Cholesky factor of the deviates' correlations, for rank correlations that go together."""
    factor = _cholesky(matrix)
    if factor is not None:
        return factor
    pairs = ", ".join(f"{first} {second} {number_text(wanted)}" for first, second, wanted in correlations)
    off = matrix - np.eye(len(matrix))
    share = next(
        share
        for share in range(SHARES, -1, -1)
        if _cholesky(np.eye(len(matrix)) + off * share / SHARES) is not None
    )
    raise UserError(
        f"no parameters have all of these correlations at once: {pairs}",
        where=PLACE,
        hint=f"bring them nearer to 0: with {share / SHARES:g} times each of them it can be done",
    )


def _cholesky(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the factor for these rank correlations, or None where the matrix is not positive definite."""
    normal = np.array([[2 * sin(pi * value / 6) for value in row] for row in matrix.tolist()])
    try:
        return np.linalg.cholesky(normal)
    except np.linalg.LinAlgError:
        return None
