"""The bins of histograms, and what is in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from genstudy.plots.scales import EXACT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MOST_BINS, FEWEST_BINS = 24, 5


def bin_edges(low: float, high: float, *, rows: int, whole: bool, log: bool) -> tuple[float, ...]:
    """Return the edges of the bins of a histogram from low to high, of `rows` values.

    About twice the cube root of the rows (the Rice rule), from FEWEST_BINS to MOST_BINS. Bins of whole
    numbers hold as many of them each, but the last, which is from half to one and a half times as wide; bins
    of logarithms are equally wide as such. There is one bin where low = high.
    """
    if low == high:
        return (low, high)
    bins = min(MOST_BINS, max(FEWEST_BINS, math.ceil(2 * rows ** (1 / 3))))
    if log:
        edges = np.exp(np.linspace(math.log(low), math.log(high), bins + 1))
        edges[0], edges[-1] = low, high
    elif whole and max(abs(low), abs(high)) < EXACT:
        width = math.ceil((high - low + 1) / bins)
        edges = np.arange(low - 0.5, high + 0.5, width)
        edges = np.append(edges[:-1] if high + 0.5 - edges[-1] < width / 2 else edges, high + 0.5)
    else:
        share = np.arange(bins + 1) / bins
        edges = low * (1 - share) + high * share
    return tuple(map(float, np.unique(edges)))


def counts_in(edges: Sequence[float], numbers: Numbers) -> NDArray[np.int64]:
    """Return how many numbers are in each bin; those beyond the ends count in the outer bins."""
    places = np.searchsorted(np.asarray(edges[1:-1]), numbers, side="right")
    return np.bincount(places, minlength=max(1, len(edges) - 1)).astype(np.int64)
