"""Full factorial: every combination of the levels of every parameter, once."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.parameters.laws import Parameter, Values


class GridDesign:
    """All combinations, the last parameter fastest, made by arithmetic on the row's number."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        counts = [_count(parameter) for parameter in parameters]
        self.total = grid_size(parameters)
        strides = [prod(counts[place + 1 :]) for place in range(len(counts))]
        self._columns = list(zip((p.law for p in parameters), counts, strides, strict=True))
        self._next = 0

    def draw(self, count: int) -> list[Values]:
        """Return the levels of the next rows."""
        count = min(count, self.total - self._next)
        row = np.arange(self._next, self._next + count, dtype=np.int64)
        self._next += count
        return [law.at(row // stride % levels) for law, levels, stride in self._columns]

    def close(self) -> None:
        """Nothing is open."""


def grid_size(parameters: Sequence[Parameter]) -> int:
    """Return how many combinations there are. UserError for a law without levels."""
    total = prod(_count(parameter) for parameter in parameters)
    if total >= 2**63:
        raise UserError(
            f"the grid has {total} rows, which is past any table",
            hint="take fewer levels, or the design random, lhs or sobol",
        )
    return total


def _count(parameter: Parameter) -> int:
    count = parameter.law.count
    if count is None:
        raise UserError(
            f"the parameter {parameter.name} follows {parameter.law.text}, which has no levels for a grid",
            hint=f"give it levels: {parameter.name}=linspace(a, b, n), or take another design",
        )
    return count
