"""A sample of rows with their columns as numbers, drawn in one pass, however many rows there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genstudy.reports.correlation import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

ROWS = 100_000
CELLS = 10_000_000
"""A sample has no more rows and no more cells than these."""

LEVELS = 50
"""So many different texts of a column are told apart; a column with more is no category."""

LEVEL = 200
"""So many characters of a text tell it from others."""


class Sample:
    """Rows chosen at random, each with the same chance; all of them while they are few enough.

    columns: {name: whether its values are texts}. rows: how many were added; given: {name: in how many of
    these there was a value}.
    """

    def __init__(self, columns: dict[str, bool], *, seed: int = 0) -> None:
        self.rows = 0
        self.given = dict.fromkeys(columns, 0)
        self._levels: dict[str, dict[str, int] | None] = {
            name: {} if texts else None for name, texts in columns.items()
        }
        self._texts = {name for name, texts in columns.items() if texts}
        self._most = max(1, min(ROWS, CELLS // max(1, len(columns))))
        self._cells: NDArray[np.float64] = np.empty((len(columns), min(1024, self._most)))
        self._random = np.random.default_rng(seed)

    @property
    def size(self) -> int:
        """How many rows are in the sample."""
        return min(self.rows, self._most)

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows into account: a value for each column, None where there is none."""
        if not rows:
            return
        places = self._places(len(rows))
        for number, (name, values) in enumerate(zip(self.given, zip(*rows, strict=True), strict=True)):
            numbers = self._codes(name, values) if name in self._texts else np.array(values, dtype=float)
            self.given[name] += len(values) - int(np.isnan(numbers).sum())
            kept = places >= 0
            # A place that is drawn twice in a block keeps the later row, as if they had come one by one.
            self._cells[number, places[kept]] = numbers[kept]
        self.rows += len(rows)

    def columns(self, names: Iterable[str]) -> list[Column]:
        """Return columns of the sample. A text column with too many different ones is left out."""
        found = []
        order = list(self.given)
        for name in names:
            levels = self._levels[name]
            if name in self._texts and levels is None:
                continue
            numbers = self._cells[order.index(name), : self.size]
            found.append(Column(name=name, numbers=numbers, levels=None if levels is None else tuple(levels)))
        return found

    def _places(self, count: int) -> NDArray[np.intp]:
        """Return where each of the next rows goes in the sample; -1: nowhere (Vitter's algorithm R)."""
        numbers = np.arange(self.rows, self.rows + count)
        need = min(self.rows + count, self._most)
        if need > self._cells.shape[1]:
            grown = np.empty((self._cells.shape[0], min(self._most, max(need, 2 * self._cells.shape[1]))))
            grown[:, : self.size] = self._cells[:, : self.size]
            self._cells = grown
        drawn = self._random.integers(0, numbers + 1)
        return np.where(numbers < self._most, numbers, np.where(drawn < self._most, drawn, -1))

    def _codes(self, name: str, values: Sequence[str | None]) -> NDArray[np.float64]:
        """Return the places of texts among a column's levels; NaN for None."""
        levels = self._levels[name]
        if levels is not None:
            for value in dict.fromkeys(values):
                if value is not None:
                    levels.setdefault(value[:LEVEL], len(levels))
            if len(levels) > LEVELS:
                self._levels[name] = levels = None
        known: Mapping[str, int] = levels or {}
        return np.array([np.nan if v is None else known.get(v[:LEVEL], 0) for v in values], dtype=float)
