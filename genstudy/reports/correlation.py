"""How strongly a result goes with a parameter: Spearman's rho, and for categories what ranks tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Mask = NDArray[np.bool_]

FEWEST = 3
"""With fewer rows than these, nothing is told."""

FEWEST_FOR_P = 10
"""With fewer, the distributions that p-values come from are no good."""

RANKED = 50_000_000
"""So many cells at most are ranked in all; with more pairs than that allows, fewer rows are taken."""

FEWEST_OF_MANY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a sample. numbers: its values, NaN where there is none; of a category the level's place.

    levels: of a category, else None.
    """

    name: str
    numbers: Numbers
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """How a result goes with a parameter, over `rows` rows that have both.

    measure: `rho`, or for a category `eta`. strength: Spearman's rho, from -1 to 1; or eta, the root of the
    share of the ranks' variance that the categories account for, from 0 to 1. p: how often chance alone would
    give as much. Both are None where nothing can be told: too few rows, or one value alone; p already below
    ten rows, for which the distributions that it comes from are too rough.
    """

    parameter: str
    result: str
    measure: Literal["rho", "eta"]
    rows: int
    strength: float | None
    p: float | None

    @property
    def size(self) -> float:
        """How strong it is, whichever way; -1 where nothing can be told."""
        return -1.0 if self.strength is None else abs(self.strength)


def associations(
    parameters: Sequence[Column], results: Sequence[Column], *, seed: int = 0
) -> list[Association]:
    """Return the association of every parameter with every result, the parameters in order.

    All columns have the same rows. seed: chooses the rows if not all of them can be ranked in bounded time.
    """
    groups = _same_rows(results)
    rows = len(results[0].numbers) if results else 0
    most = max(FEWEST_OF_MANY, RANKED // max(1, len(groups) * len(parameters)))
    chosen = slice(None) if rows <= most else np.random.default_rng(seed).choice(rows, most, replace=False)
    found: dict[tuple[str, str], Association] = {}
    for mask, group in groups:
        use = mask[chosen]
        ranked = {result.name: _ranks(result.numbers[chosen][use]) for result in group}
        for parameter in parameters:
            for one in _with_each(parameter, parameter.numbers[chosen][use], ranked):
                found[one.parameter, one.result] = one
    return [found[parameter.name, result.name] for parameter in parameters for result in results]


def influence(found: Sequence[Association]) -> dict[str, float]:
    """Return for each parameter the strength of its strongest association; -1: nothing can be told."""
    strongest: dict[str, float] = {}
    for one in found:
        strongest[one.parameter] = max(strongest.get(one.parameter, -1.0), one.size)
    return strongest


def _same_rows(results: Sequence[Column]) -> list[tuple[Mask, list[Column]]]:
    """Return the results in groups that have values in the same rows: parameters are ranked once a group."""
    groups: dict[bytes, tuple[Mask, list[Column]]] = {}
    for result in results:
        mask = ~np.isnan(result.numbers)
        groups.setdefault(np.packbits(mask).tobytes(), (mask, []))[1].append(result)
    return list(groups.values())


def _with_each(parameter: Column, values: Numbers, ranked: Mapping[str, Numbers]) -> Iterator[Association]:
    there = ~np.isnan(values)
    whole = bool(there.all())
    ranks = None
    for name, result in ranked.items():
        ours, theirs = (values, result) if whole else (values[there], _ranks(result[there]))
        if parameter.levels is None:
            if ranks is None:
                ranks = _ranks(ours)
            strength, p = _spearman(ranks, theirs)
        else:
            strength, p = _eta(ours.astype(np.intp), theirs)
        yield Association(
            parameter=parameter.name,
            result=name,
            measure="rho" if parameter.levels is None else "eta",
            rows=len(ours),
            strength=strength,
            p=p if len(ours) >= FEWEST_FOR_P else None,
        )


def _ranks(values: Numbers) -> Numbers:
    """Return average ranks less their mean. Infinities rank as the largest."""
    return stats.rankdata(values) - (len(values) + 1) / 2


def _spearman(ours: Numbers, theirs: Numbers) -> tuple[float | None, float | None]:
    """Return rho and its p-value, by Student's t as scipy.stats.spearmanr does. Both are centred ranks.

    Of all n! orders two agree best, one each way, so no p is below 2 / n!; Student's t knows no such limit.
    """
    size = len(ours)
    scale = float(np.sqrt((ours @ ours) * (theirs @ theirs)))
    if size < FEWEST or scale == 0:
        return None, None
    rho = min(1.0, max(-1.0, float(ours @ theirs) / scale))
    least = 2 * float(np.exp(-special.gammaln(size + 1)))
    if abs(rho) == 1:
        return rho, least
    # (1 - rho)(1 + rho) keeps digits that 1 - rho * rho would lose near 1.
    t = rho * np.sqrt((size - 2) / ((1 - rho) * (1 + rho)))
    return rho, max(least, float(2 * stats.t.sf(abs(t), size - 2)))


def _eta(codes: NDArray[np.intp], ranks: Numbers) -> tuple[float | None, float | None]:
    """Return eta of ranks in groups, and the p-value of the Kruskal-Wallis test.

    H is (n - 1) times the groups' share of the ranks' variance, which corrects for ties; eta squared is
    (H - k + 1) / (n - k) for k groups (Tomczak and Tomczak, Trends in Sport Sciences 1(21), 2014), which is
    0 on average where nothing goes together.
    """
    size = len(codes)
    counts = np.bincount(codes)
    there = counts > 0
    groups = int(there.sum())
    total = float(ranks @ ranks)
    if size < FEWEST or groups < 2 or groups >= size or total == 0:
        return None, None
    sums = np.bincount(codes, weights=ranks)[there]
    h = (size - 1) * float(sums @ (sums / counts[there])) / total
    eta = max(0.0, (h - groups + 1) / (size - groups)) ** 0.5
    return min(1.0, eta), float(stats.chi2.sf(h, groups - 1))
