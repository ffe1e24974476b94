"""What is known of one column of a table, and how it is found out in two passes over its cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from genstudy.tables.checks import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genstudy.plots.ranges import Range

    Numbers = NDArray[np.float64]

STICKS = 24
"""Numbers of no more levels than this have no histogram: each level is shown."""

LEVELS = 200
"""Distinct values are counted up to this many; of more it is only known that there are more."""

CROWDED, WIDE = 0.05, 1000.0
"""Positive numbers, the highest more than WIDE times the lowest, of which half are in the lowest CROWDED part
of their range, are shown by their logarithms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """A column of `count` cells and `missing` ones that are empty or NaN.

    kind: `number` where all cells are finite numbers, else `category`. minimum, maximum, mean: of numbers.
    levels: the distinct values with their counts, numbers rising, categories in the order of the law or of
    the alphabet; None where there are more than LEVELS. low, high: the ends of the axis: the extremes, or
    those of the law where they are wider. log: whether the axis is one of logarithms. edges, counts: of a
    histogram over the axis, len(counts) + 1 and len(counts); a bin has its lower edge, the last both; empty
    where each level is shown. law: as the table's record has it. law_count: of its levels.
    """

    name: str
    kind: Literal["number", "category"]
    count: int
    missing: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    levels: tuple[tuple[float | str, int], ...] | None = None
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    law: str | None = None
    law_count: int | None = None


class FirstPass:
    """Finds out the kind of a column, its extremes, its mean and its levels."""

    def __init__(self) -> None:
        self.numeric, self.whole = True, True
        self.count, self.missing = 0, 0
        self.low, self.high, self.mean = math.inf, -math.inf, 0.0
        self.levels: dict[str, int] | None = {}

    def add(self, cells: pl.Series) -> None:
        """Take the next cells, as texts."""
        numbers, missing = as_numbers(cells)
        if missing is not None:
            cells = cells.filter(~missing)
            numbers = None if numbers is None else numbers.filter(~missing)
        self.missing += 0 if missing is None else int(missing.sum())
        if numbers is None:
            self.numeric = False
        elif self.numeric and len(numbers):
            self._add_numbers(numbers.to_numpy())
        self.count += len(cells)
        self._add_levels(cells)

    def _add_numbers(self, numbers: Numbers) -> None:
        self.low, self.high = min(self.low, float(numbers.min())), max(self.high, float(numbers.max()))
        self.whole = self.whole and bool((np.floor(numbers) == numbers).all())
        # The sum of large floats may be too large for one, and so may the difference of two means.
        largest = float(np.abs(numbers).max())
        mean = float(np.mean(numbers / largest)) * largest if largest else 0.0
        share = len(numbers) / (self.count + len(numbers))
        self.mean = self.mean * (1 - share) + mean * share

    def _add_levels(self, cells: pl.Series) -> None:
        if self.levels is None:
            return
        if cells.n_unique() > LEVELS:
            self.levels = None
            return
        for level, count in cells.value_counts().iter_rows():
            self.levels[level] = self.levels.get(level, 0) + count
        if len(self.levels) > LEVELS:
            self.levels = None


def as_numbers(cells: pl.Series) -> tuple[pl.Series | None, pl.Series | None]:
    """Return cells as numbers, and which of them are missing, None if none is.

    The numbers are null where a cell is missing; there are none if another cell is no finite number.
    """
    numbers = cells.cast(pl.Float64, strict=False)
    if not numbers.null_count() and numbers.is_finite().all():
        return numbers, None
    stripped = cells.str.strip_chars()
    missing = stripped.str.to_lowercase().is_in(list(MISSING))
    numbers = stripped.cast(pl.Float64, strict=False).set(missing, None)
    good = numbers.is_finite().fill_null(value=False)
    return (numbers if (good | missing).all() else None), (missing if missing.any() else None)


def levels_of(seen: FirstPass, known: Range) -> tuple[tuple[float | str, int], ...] | None:
    """Return the levels of a column with their counts, in the order in which they are shown."""
    if seen.levels is None:
        return None
    if seen.numeric:
        numbers: dict[float, int] = {}
        for text, count in seen.levels.items():
            numbers[float(text)] = numbers.get(float(text), 0) + count
        return tuple(sorted(numbers.items()))
    order = {word: place for place, word in enumerate(known.words)}
    return tuple(sorted(seen.levels.items(), key=lambda level: (order.get(level[0], len(order)), level[0])))


def is_levelled(seen: FirstPass, known: Range) -> bool:
    """Tell whether the levels of a column of numbers are shown one by one.

    They are where the law has few, or where there is no law and the values come again and again.
    """
    if seen.low == seen.high and known.low in {None, known.high}:
        return True
    if known.law is not None:
        return known.count is not None and known.count <= STICKS
    levels = levels_of(seen, known)
    return levels is not None and len(levels) <= min(STICKS, seen.count / 2)


def is_log(seen: FirstPass, known: Range, sample: Numbers) -> bool:
    """Tell whether a column of numbers is better shown by logarithms: its law says so, or its values do."""
    if known.law is not None:
        return known.log and seen.low > 0
    return looks_logarithmic(seen.low, seen.high, sample)


def looks_logarithmic(low: float, high: float, sample: Numbers) -> bool:
    """Tell whether numbers from low to high are all positive and crowd at the low end; see CROWDED."""
    if not 0 < low < high / WIDE or not len(sample):
        return False
    return float(np.nanmedian(sample)) < CROWDED * high
