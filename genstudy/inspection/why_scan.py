"""Where failed rows are over-represented: a range of a parameter, or its values; and whether that is chance.

A parameter's bins are counted before anything is tested, and nothing of how they are joined depends on which
rows failed. So given how many rows failed, each range of bins has the hypergeometric distribution where
failing has nothing to do with the parameter, whatever the design: Fisher's exact test, one-sided. What is
tried more than once is paid for by Bonferroni within a parameter, and by Holm over all parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy
from scipy.stats import hypergeom

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

GROUPS = 50
"""Bins of about as many rows each, among which ranges are sought; their ends are refined afterwards."""

EXACT = 20
"""So many of the most likely candidates are tested exactly; the others cannot win by more than rounding."""

MOST_VALUES = 10


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of the rows in each bin, and of the failed ones among them; whole: over all bins."""

    rows: Counts
    failed: Counts

    @property
    def whole(self) -> tuple[int, int]:
        """All rows, and the failed ones."""
        return int(self.rows.sum()), int(self.failed.sum())


@dataclass(frozen=True, slots=True)
class Best:
    """The bins where failed rows are most over-represented. tried: how many sets of bins could have won.

    p: of the bins as they were tried, times what it was paid for.
    """

    bins: tuple[int, ...]
    tried: int
    p: float


def best_range(table: Table, special: int) -> Best | None:
    """Return the contiguous bins, or the special one, where failed rows are most over-represented.

    special: so many bins at the end stand for no number, and are tried one by one. Ranges that reach an end
    of the scale are what mostly happens, so they get half of the significance, and all others the other half.
    None where no range holds a larger share of failed rows than the rest.
    """
    total = table.whole
    ordinary = len(table.rows) - special
    starts = _starts(table.rows[:ordinary], GROUPS)
    count = len(starts)
    rows, failed = (np.add.reduceat(part[:ordinary], starts) if count else part[:0] for part in _parts(table))
    low, high = np.triu_indices(count)
    whole = (low == 0) & (high == count - 1)
    low, high = low[~whole], high[~whole]
    sums = [np.concatenate([[0], np.cumsum(part)]) for part in (rows, failed)]
    held = [
        np.concatenate([part[high + 1] - part[low], own[ordinary:]])
        for part, own in zip(sums, _parts(table), strict=True)
    ]
    at_end = np.concatenate([(low == 0) | (high == count - 1), np.ones(special, dtype=bool)])
    families = int(at_end.any()) + int((~at_end).any())
    price = np.where(at_end, families * at_end.sum(), families * (~at_end).sum())
    found = _surest(held[0], held[1], total, price)
    if found is None:
        return None
    place, p = found
    if place >= len(low):
        return Best((ordinary + place - len(low),), len(price), p)
    stops = np.append(starts[1:], ordinary)
    ends = (int(starts[low[place]]), int(stops[high[place]]))
    first, behind = _refined(table, ordinary, ends, (starts, stops), total)
    return Best(tuple(range(first, behind)), len(price), p)


def best_values(table: Table, most: int, alpha: float) -> Best | None:
    """Return the bins, each a value, where failed rows are most over-represented.

    most: how many bins from the first on are values; the others stand for many values together. More than
    one is returned where among the rows without it the next one is still surer than alpha.
    """
    rows, failed = table.rows[:most], table.failed[:most]
    total, price = table.whole, np.full(most, most)
    first = _surest(rows, failed, total, price)
    if first is None:
        return None
    bins, found = [first[0]], first[1] < alpha
    while found and len(bins) < min(MOST_VALUES, most - 1):
        rest = np.ones(most, dtype=bool)
        rest[bins] = False
        total = total[0] - int(rows[bins[-1]]), total[1] - int(failed[bins[-1]])
        following = _surest(rows * rest, failed * rest, total, price)
        if found := following is not None and following[1] < alpha:
            assert following is not None
            bins.append(following[0])
    return Best(tuple(bins), most, first[1])


def _parts(table: Table) -> tuple[Counts, Counts]:
    return table.rows, table.failed


def _starts(rows: Counts, most: int) -> Counts:
    """Return where groups of bins begin that have about as many rows each; all bins if they are few."""
    if len(rows) <= most:
        return np.arange(len(rows))
    middles = np.cumsum(rows) - rows / 2
    groups = np.floor(middles * most / rows.sum())
    return np.flatnonzero(np.diff(groups, prepend=-1.0))


def _likelihood(rows: Counts, failed: Counts, total: tuple[int, int]) -> NDArray[np.float64]:
    """Return the log likelihood ratio of Kulldorff's scan statistic; -1 where the share is no larger."""
    whole, bad = total
    rest, bad_rest = whole - rows, bad - failed
    ratio = (
        xlogy(failed, failed / np.maximum(rows, 1))
        + xlogy(rows - failed, (rows - failed) / np.maximum(rows, 1))
        + xlogy(bad_rest, bad_rest / np.maximum(rest, 1))
        + xlogy(rest - bad_rest, (rest - bad_rest) / np.maximum(rest, 1))
        - xlogy(bad, bad / whole)
        - xlogy(whole - bad, (whole - bad) / whole)
    )
    return np.where(failed.astype(float) * whole > rows.astype(float) * bad, ratio, -1.0)


def _surest(rows: Counts, failed: Counts, total: tuple[int, int], price: Counts) -> tuple[int, float] | None:
    """Return the candidate of the smallest p-value, and that times its price; None where none has more."""
    likelihood = _likelihood(rows, failed, total)
    score = np.where(likelihood > 0, likelihood - np.log(price), -np.inf)
    order = np.argsort(-score, kind="stable")[:EXACT]
    order = order[np.isfinite(score[order])]
    if not len(order):
        return None
    # The sum of hypergeometric probabilities from this count on: Fisher's exact test for "more".
    tails = hypergeom.sf(failed[order] - 1, total[0], total[1], rows[order])
    paid = np.minimum(tails * price[order], 1.0)
    winner = int(np.argmin(paid))
    return int(order[winner]), float(paid[winner])


def _refined(
    table: Table,
    ordinary: int,
    ends: tuple[int, int],
    groups: tuple[Counts, Counts],
    total: tuple[int, int],
) -> tuple[int, int]:
    """Return the ends of a range moved by single bins, by a group at most, to where it is likeliest.

    An end of the scale stays one. The p-value is that of the range before.
    """
    sums = [np.concatenate([[0], np.cumsum(part[:ordinary])]) for part in _parts(table)]
    starts, stops = groups
    first, behind = ends
    at_start = int(np.searchsorted(starts, first))
    at_stop = int(np.searchsorted(stops, behind))
    for _ in range(2):
        if first > 0:
            tried = np.arange(max(int(starts[at_start - 1]), 1), min(int(stops[at_start]), behind))
            rows, failed = (part[behind] - part[tried] for part in sums)
            first = int(tried[np.argmax(_likelihood(rows, failed, total))])
        if behind < ordinary:
            limit = min(int(stops[at_stop + 1]), ordinary - 1)
            tried = np.arange(max(int(starts[at_stop]), first) + 1, limit + 1)
            rows, failed = (part[tried] - part[first] for part in sums)
            behind = int(tried[np.argmax(_likelihood(rows, failed, total))])
    return first, behind
