"""Whether failing depends on a parameter at all, and p-values of many tests adjusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import gammaln
from scipy.stats import chi2_contingency, fisher_exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.inspection.why_scan import Table

    Counts = NDArray[np.int64]

TESTED_GROUPS = 10
EXPECTED = 5
"""Expected counts below this are too few for the chi-squared test (the rule of Cochran)."""


@dataclass(frozen=True, slots=True)
class Independent:
    """A test of independence. statistic: chi-squared, or the odds ratio."""

    test: Literal["chi2", "fisher"]
    statistic: float
    groups: int
    p: float


def independence(table: Table, *, ordered: bool) -> Independent | None:
    """Test whether failing is independent of the bins; None where there is one bin only.

    Bins are joined, neighbours where they are ordered and rare ones where not, until each is expected to
    have 5 failed rows and 5 done ones; two groups that cannot reach that are tested exactly.
    """
    whole, bad = table.whole
    rows, failed = table.rows, table.failed
    if not ordered:
        order = np.argsort(-rows, kind="stable")
        rows, failed = rows[order], failed[order]
    if len(rows) < 2:
        return None
    least = EXPECTED * whole / min(bad, whole - bad)
    starts = _joined(rows, max(least, whole / TESTED_GROUPS if ordered else 0.0))
    exact = len(starts) < 2
    if exact:
        middle = int(np.argmin(np.abs(np.cumsum(rows)[:-1] - whole / 2))) + 1
        starts = [0, middle]
    cells = np.stack([np.add.reduceat(part, starts) for part in (failed, rows - failed)])
    if exact:
        odds, p = fisher_exact(cells)
        return Independent("fisher", float(odds), 2, float(p))
    tested = chi2_contingency(cells)
    return Independent("chi2", float(tested.statistic), len(starts), float(tested.pvalue))


def _joined(rows: Counts, least: float) -> list[int]:
    """Return where groups of consecutive bins begin that have at least so many rows each."""
    starts, held, left = [0], 0, int(rows.sum())
    for place, count in enumerate(rows.tolist()):
        if held >= least and left >= least:
            starts.append(place)
            held = 0
        held += count
        left -= count
    return starts


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's method, in their order; the tests may depend on each other."""
    adjusted, largest = [1.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = largest
    return adjusted


def smallest_p(rows: int, failed: int) -> float:
    """Return the p-value of a range that holds all failed rows and no other: none can be smaller."""
    return float(np.exp(gammaln(failed + 1) + gammaln(rows - failed + 1) - gammaln(rows + 1)))
