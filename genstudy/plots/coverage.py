"""How well a design fills the box of its parameters, judged by the sample of a summary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.quality import FEWEST, MOST_DIMENSIONS, pairs_of, random_discrepancy
from genstudy.designs.scale import UnitScale
from genstudy.plots.ranges import number_law
from genstudy.plots.scales import NumberScale
from genstudy.units import counted, percent_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.plots.columns import ColumnSummary
    from genstudy.plots.summary import DesignSummary

CELLS = 10
"""Parts that a parameter's range is cut into; one of fewer levels has a part for each level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How well `points` rows fill the box of their parameters; None: cannot be told.

    single: the share of parts that hold a row, by parameter, each range cut into CELLS parts, equally
    probable ones where the law is known. pairs: the same of the squares of two parameters, the mean over all
    pairs; expected: what as many points would fill on average if they were drawn at random.

    discrepancy: the squared centred L2 discrepancy of the points in the unit cube (see unit_points): how far
    the share of points in boxes at its corners differs from the volume of these boxes; 0 would be perfectly
    even (Hickernell, A generalized discrepancy and quadrature error bound, Math. Comp. 67, 1998). ratio: to
    its mean for random points: below 1 is more even than chance, above 1 less.

    nearest: the median distance of a point from the one nearest to it, least: the smallest; in the unit cube,
    0 where two rows agree (Johnson, Moore and Ylvisaker, Minimax and maximin distance designs, J. Stat. Plan.
    Inference 26, 1990). dimensions: the parameters that these figures are of, those of numbers that have a
    histogram; with few levels, nothing is even. Distances are told only if all others are constant.
    """

    points: int
    single: dict[str, float]
    pairs: float | None
    expected: float | None
    dimensions: int
    discrepancy: float | None = None
    ratio: float | None = None
    nearest: float | None = None
    least: float | None = None


def unit_points(column: ColumnSummary, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers of a column as points in [0, 1], shape (n,).

    They are what the column's law gives to the values below each; without a law, their places between the
    ends of the axis. The levels of a law of levels become the middles of as many equal parts.
    """
    scale = _scale(column, len(values))
    if scale is not None:
        return scale(values)
    found = np.clip(NumberScale(column.low, column.high, column.log).place(values), 0.0, 1.0)
    count = column.law_count
    return found if not count else (found * (count - 1) + 0.5) / count


def _scale(column: ColumnSummary, points: int) -> UnitScale | None:
    law = number_law(column.law)
    return None if law is None else UnitScale(law, points)


def coverage_of(summary: DesignSummary, columns: Sequence[str]) -> Coverage:
    """Return how well the sample of a summary fills the box of some columns.

    Ends of the box are those of the columns' axes. Columns with missing cells, or texts of many levels, are
    left out.
    """
    cells = {name: parts for name in columns if (parts := _cells(summary, name)) is not None}
    single = {name: len(np.unique(places)) / count for name, (places, count) in cells.items()}
    pairs = [_pair(*both) for both in combinations(cells.values(), 2)]
    judged = [summary.column(name) for name in cells if summary.column(name).edges]
    found = Coverage(
        points=summary.sampled,
        single=single,
        pairs=float(np.mean([filled for filled, _ in pairs])) if pairs else None,
        expected=float(np.mean([chance for _, chance in pairs])) if pairs else None,
        dimensions=len(judged),
    )
    alone = len(judged) == sum(not _is_constant(summary, name) for name in columns)
    return _with_distances(found, summary, judged, alone=alone)


def _cells(summary: DesignSummary, name: str) -> tuple[NDArray[np.int64], int] | None:
    """Return the part of the range that each point is in, and how many parts there are."""
    column, sample = summary.column(name), summary.sample[name]
    if column.missing or not column.count:
        return None
    if not column.edges and column.levels is not None:
        count = max(len(column.levels), column.law_count or 0)
        if count <= CELLS:
            _, places = np.unique(np.asarray(sample), return_inverse=True)
            return places.astype(np.int64), count
    if column.kind != "number":
        return None
    unit = unit_points(column, np.asarray(sample, dtype=float))
    return np.minimum((unit * CELLS).astype(np.int64), CELLS - 1), CELLS


def _pair(first: tuple[NDArray[np.int64], int], second: tuple[NDArray[np.int64], int]) -> tuple[float, float]:
    """Return the share of the squares of two parameters that hold a point, and what chance would fill."""
    squares = first[1] * second[1]
    filled = np.count_nonzero(np.bincount(first[0] * second[1] + second[0], minlength=squares))
    return filled / squares, 1 - (1 - 1 / squares) ** len(first[0])


def _is_constant(summary: DesignSummary, name: str) -> bool:
    column = summary.column(name)
    return not column.missing and column.levels is not None and len(column.levels) <= 1


def _with_distances(
    found: Coverage, summary: DesignSummary, judged: Sequence[ColumnSummary], *, alone: bool
) -> Coverage:
    """Add the figures of all numbers together; distances only if nothing else tells rows apart."""
    if found.points < FEWEST or not 0 < len(judged) <= MOST_DIMENSIONS:
        return found
    points = [unit_points(column, np.asarray(summary.sample[column.name], dtype=float)) for column in judged]
    discrepancy, distances = pairs_of(np.column_stack(points))
    chance = random_discrepancy([_scale(column, found.points) for column in judged], found.points)
    found = replace(found, discrepancy=discrepancy, ratio=discrepancy / chance)
    if not alone:
        return found
    return replace(found, nearest=float(np.median(distances)), least=float(distances.min()))


def coverage_lines(found: Coverage, rows: int) -> list[str]:
    """Return the figures in words, a line each; none where nothing can be told. rows: of the whole table."""
    lines = []
    if found.single:
        shares = sorted(found.single.values())
        mean = sum(shares) / len(shares)
        worst = f", {percent_text(shares[0])} where it is least" if shares[0] < shares[-1] else ""
        lines.append(f"each range cut into {CELLS} parts: {percent_text(mean)} of them hold a row{worst}")
    if found.pairs is not None and found.expected is not None:
        lines.append(
            f"squares of two parameters' parts: {percent_text(found.pairs)} hold a row, "
            f"{percent_text(found.expected)} if rows were random"
        )
    if found.discrepancy is not None and found.ratio is not None:
        lines.append(
            f"centred L2 discrepancy of {counted(found.dimensions, 'parameter')}, squared: "
            f"{found.discrepancy:.3g}, {found.ratio:.2g} times what uniform random points have"
        )
    if found.nearest is not None and found.least is not None:
        lines.append(
            f"from a row to the nearest other, in a cube of side 1: {found.nearest:.2g} in the median, "
            f"{found.least:.2g} at least"
        )
    if lines and found.points < rows:
        lines.append(f"these figures are those of {found.points:,} rows, drawn at random")
    return lines
