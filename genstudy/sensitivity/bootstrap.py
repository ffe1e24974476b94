"""The bootstrap over blocks: sums of what blocks give, for many samples of blocks at once."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

CELLS = 2**20
"""Numbers that are held at a time, about, in each of a few arrays."""


def resampled_sums(
    give: Callable[[int, int], Numbers], blocks: int, columns: int, *, resamples: int, seed: int
) -> Numbers:
    """Return the sums of what blocks give over samples of them, shape (resamples, columns).

    give(start, stop): what these blocks give, shape (stop - start, columns). Each sample has as many blocks
    as there are, drawn with replacement (Efron, Annals of Statistics 7, 1979). They are drawn a stretch of
    blocks after the other: how many fall into it, by the binomial law, and then which ones.
    """
    generator = np.random.default_rng(seed)
    sums = np.zeros((resamples, columns))
    left = np.full(resamples, blocks)
    step = max(1, CELLS // max(resamples, columns))
    for start in range(0, blocks, step):
        stop = min(start + step, blocks)
        size = stop - start
        count = generator.binomial(left, size / (blocks - start))
        left -= count
        places = generator.integers(0, size, count.sum()) + np.repeat(np.arange(resamples) * size, count)
        weights = np.bincount(places, minlength=resamples * size).reshape(resamples, size)
        sums += weights.astype(np.float64) @ give(start, stop)
    return sums


def half_width(estimates: Numbers, confidence: float) -> Numbers:
    """Return how far confidence intervals go to each side, a column each: normal quantile times deviation.

    estimates: of each resample, shape (resamples, columns); those that could not be made are NaN, and left
    out. NaN where less than two are there.
    """
    there = np.isfinite(estimates)
    count = there.sum(axis=0)
    known = np.where(there, estimates, 0.0)
    mean = known.sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(there, estimates - mean, 0.0) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / np.maximum(count - 1, 1))
    width: Numbers = np.where(count > 1, NormalDist().inv_cdf(0.5 + confidence / 2) * deviation, np.nan)
    return width
