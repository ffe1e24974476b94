"""The associations of results and parameters as a table: a line a parameter, a column a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.reports.correlation import Association

COLUMNS = 12
"""So many results have a column."""

CHANCE = 0.01
STEPS = (0.2, 0.5, 0.8)
"""From these strengths on, a cell of the table has a stronger shade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The table. results: the columns, in order; left: how many more results there are.

    rows: (parameter, its association with each of these results). pairs: all that were looked at; chance: how
    many of these have a p below CHANCE if nothing goes together. texts: whether a parameter is of texts.
    """

    results: Sequence[str]
    left: int
    rows: Sequence[tuple[str, Sequence[Association]]]
    pairs: int
    chance: str
    texts: bool


def links_of(found: Sequence[Association], order: Sequence[str]) -> Links:
    """Return the table of these associations. order: of the parameters."""
    told = {(one.parameter, one.result): one for one in found}
    results = list(dict.fromkeys(one.result for one in found))
    strength = dict.fromkeys(results, -1.0)
    for one in found:
        strength[one.result] = max(strength[one.result], one.size)
    strongest = set(sorted(results, key=lambda name: -strength[name])[:COLUMNS])
    shown = [name for name in results if name in strongest]
    known = {one.parameter for one in found}
    pairs = sum(one.p is not None for one in found)
    return Links(
        results=shown,
        left=len(results) - len(shown),
        rows=[(name, [told[name, result] for result in shown]) for name in order if name in known],
        pairs=pairs,
        texts=any(one.measure == "eta" for one in found),
        chance=f"{pairs * CHANCE:.2g}" if pairs * CHANCE < 10 else f"{pairs * CHANCE:.0f}",
    )


def shade(one: Association) -> str:
    """Return a cell's class: r1 to r3 where the result grows with the parameter, s1 to s3 where it falls."""
    step = sum(one.size >= limit for limit in STEPS)
    if not step:
        return ""
    return f"{'s' if (one.strength or 0) < 0 else 'r'}{step}"
