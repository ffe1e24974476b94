"""The bins of a parameter, by a sample of its cells: all values where they are few, else equal parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.tables.checks import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BINS = 4_096
VALUES = 1_000
"""Of texts the most frequent are told apart, the rest are one bin."""

NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE
)
"""A number as programs write them: `007` is an id."""

SHORT = 3
LONG = 17
"""Significant digits of a bin's edge: no fewer, if the values near it leave a choice, and no more."""

LARGEST_POWER = 22
"""Larger powers of ten are no longer exact in floating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The bins of a column of numbers: below the first edge, from each edge to the next, from the last on.

    levels: the value that each bin stands for, where it is one alone. Two more bins: no value; no number.
    """

    edges: Floats
    levels: Floats | None

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The bins of a column of texts: one for each of these values, and one for all others."""

    values: tuple[str, ...]

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.values) + 1


Column = Numbers | Texts


def bins_of(cells: Sequence[str]) -> Column:
    """Return the bins for a column, by a sample of its cells."""
    given = [cell for cell in cells if not is_missing(cell)]
    if given and all(map(NUMBER.fullmatch, given)):
        return _number_bins(np.sort(np.array(given, dtype=np.float64)))
    values, counts = np.unique(np.array(cells, dtype=object), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:VALUES]
    return Texts(values=tuple(values[order].tolist()))


def _number_bins(values: Floats) -> Numbers:
    """Return bins for sorted values. An edge is a short number above the last value before it."""
    levels = np.unique(values)
    if len(levels) <= BINS:
        return Numbers(edges=edges_between(levels[:-1], levels[1:]), levels=levels)
    picked = np.unique(values[np.arange(1, BINS) * len(values) // BINS])
    picked = picked[picked > levels[0]]
    before = levels[np.searchsorted(levels, picked) - 1]
    return Numbers(edges=edges_between(before, picked), levels=None)


def edges_between(low: Floats, high: Floats) -> Floats:
    """Return for each pair the number of fewest digits, but at least 3, in (low, high], not far below high.

    It is `high` with its last digits cut off, or `high` itself.
    """
    found = high.copy()
    size = np.floor(np.log10(np.abs(high), where=np.isfinite(high) & (high != 0), out=np.zeros_like(high)))
    for digits in range(LONG, SHORT - 1, -1):
        power = digits - 1 - size
        exact = np.isfinite(high) & (np.abs(power) <= LARGEST_POWER)
        scale = 10.0 ** np.where(exact, np.abs(power), 0)
        with np.errstate(over="ignore", invalid="ignore"):
            cut = np.where(power >= 0, np.floor(high * scale) / scale, np.floor(high / scale) * scale)
        found = np.where(exact & (cut > low) & (cut <= high), cut, found)
    return found
