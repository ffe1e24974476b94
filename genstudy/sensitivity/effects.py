"""Elementary effects of Morris' trajectories, and what they add up to.

An elementary effect is how much a result changes along a step, divided by how far the axis went, as a share
of its range (Morris, Technometrics 33, 1991, 161-174). Over all trajectories: mu, their mean; sigma, their
standard deviation; mu_star, the mean of their absolute values (Campolongo, Cariboni and Saltelli,
Environmental Modelling & Software 22, 2007, 1509-1518).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.sensitivity.bootstrap import half_width, resampled_sums
from genstudy.sensitivity.variance import Found, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genstudy.sensitivity.layout import Moves

    Numbers = NDArray[np.float64]

SUMS = 4
"""What is summed for an axis: how many effects, how far above their mean, that squared; and how far absolute
values are above theirs."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the elementary effects of an axis add up to."""

    mu: Found
    mu_star: Found
    sigma: Found


def elementary_effects(results: Numbers, moves: Moves) -> Numbers:
    """Return the effects, a row a trajectory and a column an axis; NaN where a result is missing.

    results: shape (trajectories, rows of one), NaN where there is none.
    """
    before = moves.before.astype(np.intp)
    low = np.take_along_axis(results, before, axis=1)
    high = np.take_along_axis(results, before + 1, axis=1)
    effects: Numbers = (high - low) / moves.change
    return effects


def morris_effects(
    results: Numbers, moves: Moves, *, confidence: float, resamples: int, seed: int
) -> list[Effects]:
    """Return mu, mu_star and sigma of each axis, with intervals from a bootstrap over trajectories."""
    scaled, unit = scale(results)
    effects = elementary_effects(scaled, moves)
    effects = effects[np.isfinite(effects).any(axis=1)]
    there = np.isfinite(effects)
    count = there.sum(axis=0)
    means = [
        np.where(there, one, 0.0).sum(axis=0) / np.maximum(count, 1) for one in (effects, np.abs(effects))
    ]
    columns = effects.shape[1] * SUMS

    def give(start: int, stop: int) -> Numbers:
        part, known = effects[start:stop], there[start:stop]
        above = np.where(known, part - means[0], 0.0)
        absolute = np.where(known, np.abs(part) - means[1], 0.0)
        return np.stack([known, above, above**2, absolute], axis=2).reshape(len(part), columns)

    sums = resampled_sums(give, len(effects), columns, resamples=resamples, seed=seed)
    whole = give(0, len(effects)).sum(axis=0, keepdims=True)
    figures = zip(_figures(whole, *means), _figures(sums, *means), strict=True)
    found = [_found(one[0], half_width(many, confidence), count, unit) for one, many in figures]
    return [Effects(*each) for each in zip(*found, strict=True)]


def _found(values: Numbers, width: Numbers, count: NDArray[np.int64], unit: float) -> list[Found]:
    return [
        Found(value * unit, one * unit if blocks > 1 else np.nan, blocks)
        for value, one, blocks in zip(values.tolist(), width.tolist(), count.tolist(), strict=True)
    ]


def _figures(sums: Numbers, mean: Numbers, mean_star: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return mu, mu_star and sigma, each of shape (samples, axes)."""
    count, above, squares, absolute = (sums[:, place::SUMS] for place in range(SUMS))
    with np.errstate(divide="ignore", invalid="ignore"):
        mu = above / count
        spread = np.maximum(squares - count * mu**2, 0.0) / np.where(count > 1, count - 1, np.nan)
        return mu + mean, absolute / count + mean_star, np.sqrt(spread)
