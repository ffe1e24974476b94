"""Variance-based sensitivity indices of blocks of Saltelli's design.

Rows of a block: A, AB_1 ... AB_d, [BA_1 ... BA_d,] B; f(A) is the result of row A. Estimators, over those
blocks that have what each needs, V being the variance of their f(A) and f(B) together:

    first order    S_i = mean f(B) (f(AB_i) - f(A)) / V           Saltelli et al. 2010, table 2 (b)
    total          T_i = mean (f(A) - f(AB_i))^2 / (2 V)          Jansen 1999; the same table, (f)
    second order   S_ij = mean (f(BA_i) f(AB_j) - f(A) f(B)) / V - S_i - S_j        Saltelli 2002

Saltelli, Annoni, Azzini, Campolongo, Ratto and Tarantola, Computer Physics Communications 181 (2010) 259-270;
Jansen, same journal 117 (1999) 35-43; Saltelli, same journal 145 (2002) 280-297. Results are centred first,
at their mean over all rows as in SALib: the first-order estimator then has less error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from genstudy.sensitivity.bootstrap import half_width, resampled_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SUMS = 5
"""What is summed for an index: its terms, how many they are, results, their squares, how many these are."""

TOGETHER = 2**21
"""Estimates of resamples that are held at a time, about."""


@dataclass(frozen=True, slots=True)
class Term:
    """An index: of one axis, `first` or `total`, or of two, `second`."""

    kind: str
    axis: int
    other: int = -1


@dataclass(frozen=True, slots=True)
class Found:
    """An estimate, how far its confidence interval goes to each side, and of how many blocks it is.

    Both are NaN where they cannot be told.
    """

    value: float
    confidence: float
    blocks: int


def all_terms(axes: int, *, second_order: bool) -> list[Term]:
    """Return the indices that a design gives."""
    terms = [Term(kind, axis) for kind in ("first", "total") for axis in range(axes)]
    pairs = combinations(range(axes), 2) if second_order else ()
    return [*terms, *(Term("second", axis, other) for axis, other in pairs)]


def variance_indices(
    results: Numbers, terms: Sequence[Term], *, confidence: float, resamples: int, seed: int
) -> dict[Term, Found]:
    """Estimate indices. results: shape (blocks, rows of a block), NaN where there is none.

    The intervals are from a bootstrap over the blocks that have any result.
    """
    results = results[np.isfinite(results).any(axis=1)]
    scaled = scale(results)[0]
    found: dict[Term, Found] = {}
    step = max(1, TOGETHER // (resamples * SUMS))
    for start in range(0, len(terms), step):
        group = terms[start : start + step]
        found.update(_estimated(scaled, group, confidence=confidence, resamples=resamples, seed=seed))
    return found


def mean_and_variance(results: Numbers) -> tuple[float | None, float | None]:
    """Return those of all f(A) and f(B). results: as in variance_indices.

    None: none is there, or it is too large for a float, or so small that a float would be 0.
    """
    sides = results[:, [0, -1]]
    sides = sides[np.isfinite(sides)]
    if not len(sides):
        return None, None
    unit = float(np.abs(sides).max()) or 1.0
    mean, share = float(np.mean(sides / unit)) * unit, float(np.var(sides / unit))
    variance = share * unit * unit
    return mean, variance if math.isfinite(variance) and bool(variance) == bool(share) else None


def scale(results: Numbers) -> tuple[Numbers, float]:
    """Return results with mean 0 and none far from [-1, 1], and the number that they were divided by."""
    there = results[np.isfinite(results)]
    most = float(np.abs(there).max(initial=0.0)) or 1.0
    scaled = results / most
    return scaled - np.mean(there / most) if len(there) else scaled, most


def _estimated(
    scaled: Numbers, terms: Sequence[Term], *, confidence: float, resamples: int, seed: int
) -> dict[Term, Found]:
    columns = len(terms) * SUMS
    step = max(1, TOGETHER // columns)
    whole = np.zeros((1, columns))
    for start in range(0, len(scaled), step):
        whole += _sums(scaled[start : start + step], terms).sum(axis=0)
    sums = resampled_sums(
        lambda start, stop: _sums(scaled[start:stop], terms),
        len(scaled),
        columns,
        resamples=resamples,
        seed=seed,
    )
    values, width = _ratios(whole)[0], half_width(_ratios(sums), confidence)
    counts = whole[0, 1::SUMS].astype(int).tolist()
    # An interval of one block would be none.
    return {
        term: Found(value, one if count > 1 else np.nan, count)
        for term, value, one, count in zip(terms, values.tolist(), width.tolist(), counts, strict=True)
    }


def _sums(part: Numbers, terms: Sequence[Term]) -> Numbers:
    """Return for each block what is summed of it, shape (blocks, terms * SUMS)."""
    sums = np.empty((len(part), len(terms), SUMS))
    a, b = part[:, 0], part[:, -1]
    for place, term in enumerate(terms):
        given = _given(part, term)
        whole = np.isfinite(given)
        sums[:, place, 0] = np.where(whole, given, 0.0)
        sums[:, place, 1] = whole
        sides = np.stack([np.where(whole, a, np.nan), np.where(whole, b, np.nan)])
        there = np.isfinite(sides)
        known = np.where(there, sides, 0.0)
        sums[:, place, 2] = known.sum(axis=0)
        sums[:, place, 3] = (known**2).sum(axis=0)
        sums[:, place, 4] = there.sum(axis=0)
    return sums.reshape(len(part), len(terms) * SUMS)


def _given(part: Numbers, term: Term) -> Numbers:
    """Return the term of each block, NaN where a result of it is missing."""
    a, b, ab = part[:, 0], part[:, -1], part[:, 1 + term.axis]
    if term.kind == "total":
        return 0.5 * (a - ab) ** 2
    if term.kind == "first":
        return b * (ab - a)
    axes = (part.shape[1] - 2) // 2
    ba, other = part[:, 1 + axes + term.axis], part[:, 1 + term.other]
    return ba * other - a * b - b * (ab - a) - b * (other - a)


def _ratios(sums: Numbers) -> Numbers:
    """Return the estimates that sums give, shape (samples, terms); NaN where there is no variance."""
    terms, count, results, squares, sides = (sums[:, place::SUMS] for place in range(SUMS))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = squares / sides - (results / sides) ** 2
        ratio: Numbers = terms / count / np.where(variance > 0, variance, np.nan)
    return ratio
