"""The indices of a result, or why there are none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.sensitivity.effects import morris_effects
from genstudy.sensitivity.format import (
    ElementaryEffects,
    Estimate,
    PairIndex,
    ResultIndices,
    VarianceIndices,
)
from genstudy.sensitivity.variance import all_terms, mean_and_variance, variance_indices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genstudy.sensitivity.format import Missing
    from genstudy.sensitivity.layout import Layout, Moves
    from genstudy.sensitivity.values import Values
    from genstudy.sensitivity.variance import Found

NOISE = 8 * float(np.finfo(np.float64).eps)
"""Values that differ by less than this share of the largest are the same but for rounding."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates the indices of one result after the other."""

    layout: Layout
    moves: Moves | None
    confidence: float
    resamples: int
    seed: int

    def indices_of(self, name: str, values: Values, missing: Missing) -> ResultIndices:
        """Return the indices of a result, or why there are none."""
        points = values.points
        there = points[np.isfinite(points)]
        problem: str | None = None
        if not len(there):
            problem = "no values"
        elif np.ptp(there / (np.abs(there).max() or 1.0)) <= NOISE:
            problem = "constant"
        mean, variance = mean_and_variance(points) if self.moves is None else (None, None)
        return ResultIndices.model_validate(
            {
                "result": name,
                "problem": problem,
                "mean": mean,
                "variance": variance,
                "missing": missing,
                "indices": (),
                "pairs": (),
                "effects": (),
                **({} if problem else self._of(points)),
            }
        )

    def _of(self, points: NDArray[np.float64]) -> dict[str, object]:
        names = self.layout.names
        if self.moves is not None:
            found = morris_effects(
                points,
                self.moves,
                confidence=self.confidence,
                resamples=self.resamples,
                seed=self.seed,
            )
            effects = [
                ElementaryEffects(
                    parameter=name,
                    mu=_estimate(one.mu),
                    mu_star=_estimate(one.mu_star),
                    sigma=_estimate(one.sigma),
                )
                for name, one in zip(names, found, strict=True)
            ]
            return {"effects": sorted(effects, key=lambda one: _order(one.mu_star))}
        terms = all_terms(len(names), second_order=self.layout.second_order)
        every = variance_indices(
            points, terms, confidence=self.confidence, resamples=self.resamples, seed=self.seed
        )
        by_axis = {(term.kind, term.axis): found for term, found in every.items()}
        indices = [
            VarianceIndices(
                parameter=name,
                first=_estimate(by_axis["first", axis]),
                total=_estimate(by_axis["total", axis]),
            )
            for axis, name in enumerate(names)
        ]
        pairs = [
            PairIndex(parameter=names[term.axis], other=names[term.other], second=_estimate(found))
            for term, found in every.items()
            if term.kind == "second"
        ]
        return {
            "indices": sorted(indices, key=lambda one: _order(one.total)),
            "pairs": sorted(pairs, key=lambda one: _order(one.second)),
        }


def _estimate(found: Found) -> Estimate:
    return Estimate(value=_known(found.value), confidence=_known(found.confidence), blocks=found.blocks)


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _order(estimate: Estimate) -> float:
    """Return what sorts the highest value first, and those that cannot be told last."""
    return math.inf if estimate.value is None else -estimate.value
