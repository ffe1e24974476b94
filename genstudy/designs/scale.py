"""Where values of a law stand in the unit interval: by the probability of what is below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.source import BELOW_ONE

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from genstudy.parameters.laws import Law, Points

PARTS = (2**8, 2**12)
"""Equally probable parts that a law is cut into, at least and at most, to find where values stand in it."""


class UnitScale:
    """Turns values of a law into points in [0, 1]: the probability of what is below each.

    A level becomes the middle of its part of [0, 1]. Between known quantiles, it is interpolated.
    points: how many values are to be told apart, about. levels, shares: for a law of few levels the points
    that they become, rising, and how probable each is.
    """

    def __init__(self, law: Law, points: int) -> None:
        """Look at the law in 2**12 places at most, and in few for few points: some of scipy's are slow."""
        parts = min(max(4 * points, PARTS[0]), PARTS[1])
        count = law.count
        self._few = count is not None and count <= PARTS[1]
        if self._few and count:
            # So many parts that each level of equally likely ones has as many as any other.
            parts = -(-parts // count) * count
        middles = (np.arange(parts) + 0.5) / parts
        quantiles = law.sample(middles).astype(np.float64)
        self._sign = -1.0 if quantiles[-1] < quantiles[0] else 1.0
        self._quantiles = self._sign * quantiles
        self._stepped = law.words is not None or bool((np.diff(self._quantiles) <= 0).any())
        if not self._stepped and not self._few:
            ends = self._sign * law.sample(np.array([0.0, BELOW_ONE])).astype(np.float64)
            self._quantiles = np.concatenate([ends[:1], self._quantiles, ends[1:]])
            self._places = np.concatenate([[0.0], middles, [1.0]])
        self.levels: Points | None = None
        self.shares: Points | None = None
        if self._few:
            values, counts = np.unique(self._quantiles, return_counts=True)
            self.levels, self.shares = self._middles(values), counts / parts

    def _middles(self, values: Points) -> Points:
        below = np.searchsorted(self._quantiles, values, "left")
        upto = np.searchsorted(self._quantiles, values, "right")
        found: Points = (below + upto) / (2 * len(self._quantiles))
        return found

    def __call__(self, values: NDArray[Any]) -> Points:
        """Return the points, shape (n,), of numbers, or of indices of a law's words."""
        numbers = self._sign * values.astype(np.float64)
        if self._few or self._stepped:
            return self._middles(numbers)
        return np.asarray(np.interp(numbers, self._quantiles, self._places))
