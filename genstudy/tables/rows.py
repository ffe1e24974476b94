"""Rows of a table in the making: drawn from a design, rounded, filtered, and extended by derived columns."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.quality import QualitySample
from genstudy.errors import UserError
from genstudy.parameters.evaluation import round_column
from genstudy.parameters.levels import word_numbers
from genstudy.tables.plan import REPLICATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from numpy.typing import NDArray

    from genstudy.designs.design import Design
    from genstudy.parameters.expressions import Derivation, Expression
    from genstudy.tables.plan import Condition, Plan

    Column = NDArray[Any]

CHUNK_CELLS = 10 * 2**17
CHUNK_ROWS = (2**8, 2**17)
"""A chunk has this many cells at most, and this many rows at least and at most."""
FEWEST_TRIED = 10**6
FEWEST_KEPT = 1e-4
"""Sampling ends with an error once that many rows were tried and less than this share was kept."""
LONGEST_KEY = 32


class RowMaker:
    """Makes the rows of a plan. `kept` and `tried` tell how many were made, from how many drawn.

    sample: of the rows that were made, the first ones.

    Both count rows of the design; a table with replicates has a multiple of them.
    """

    def __init__(self, plan: Plan, design: Design) -> None:
        """Begin with no row; the design has not been drawn from."""
        self.plan = plan
        chunk = min(max(CHUNK_CELLS // len(plan.parameters), CHUNK_ROWS[0]), CHUNK_ROWS[1])
        self.chunk = max(chunk // plan.replicates, 1)
        self._most = chunk
        self.design = design
        self.kept = 0
        self.tried = 0
        self.sample = QualitySample(plan.axes, plan.correlate)
        self._window = (0, 0)
        self._seen: set[bytes] = set()
        self._words = {p.name: p.law.words for p in plan.parameters if p.law.words is not None}

    def chunks(self, first: int = 0) -> Iterator[dict[str, Column]]:
        """Yield the rows from `first` on, as columns by name; one with `words` holds their indices."""
        if not self.plan.filtered:
            self._skip(first)
        ends = self.design.total
        while self.kept != self.plan.rows and self.tried != ends:
            count = self.chunk
            if self.plan.rows is not None and not self.plan.filtered:
                count = min(count, self.plan.rows - self.kept)
            if ends is not None:
                count = min(count, ends - self.tried)
            before = self.kept
            columns = self._draw(count)
            if before < first:
                columns = {name: column[first - before :] for name, column in columns.items()}
            if self.kept > max(first, before):
                yield from self._replicated(columns)
            self._check_progress()
        if self.plan.rows is not None and self.kept < self.plan.rows:
            self._give_up()
        if self.kept == 0:
            raise UserError(
                f"none of the {self.tried} rows of the design meets the conditions", hint="loosen --where"
            )

    def _skip(self, first: int) -> None:
        """Pass over rows; those that the sample takes have to be drawn."""
        while self.kept < min(first, self.sample.most):
            self._draw(min(self.chunk, first - self.kept, self.sample.most - self.kept))
        self.design.skip(first - self.kept)
        self.tried = self.kept = first

    def _replicated(self, columns: dict[str, Column]) -> Iterator[dict[str, Column]]:
        """Repeat every row as often as there are replicates, and number them."""
        times = self.plan.replicates
        if times == 1:
            yield columns
            return
        rows = len(next(iter(columns.values()))) * times
        names = [parameter.name for parameter in self.plan.parameters]
        derived = [derivation.name for derivation in self.plan.derive]
        # More replicates than a chunk has rows come in pieces.
        for first in range(0, rows, self._most):
            row, number = np.divmod(np.arange(first, min(first + self._most, rows), dtype=np.int64), times)
            repeated = {name: columns[name][row] for name in names}
            repeated[REPLICATE] = number + 1
            yield repeated | {name: columns[name][row] for name in derived}

    def _draw(self, count: int) -> dict[str, Column]:
        """Draw and filter one chunk; empty where no row is left."""
        drawn = self.design.draw(count)
        columns: dict[str, Column] = {}
        for parameter, values in zip(self.plan.parameters, drawn, strict=True):
            columns[parameter.name] = self._rounded(values)
        rows, first = len(drawn[0]), self.tried
        self.tried += rows
        for condition in self.plan.early:
            columns, rows = self._filter(columns, condition, rows, first)
        for derivation in self.plan.derive:
            columns[derivation.name] = self._derived(columns, derivation, rows)
        for condition in self.plan.late:
            columns, rows = self._filter(columns, condition, rows, self.kept)
        if self.plan.unique:
            columns, rows = self._take(columns, self._first_seen(columns, rows))
        if self.plan.rows is not None and rows > self.plan.rows - self.kept:
            rows = self.plan.rows - self.kept
            columns = {name: column[:rows] for name, column in columns.items()}
        self.kept += rows
        if rows:
            self.sample.add(columns)
        return columns if rows else {}

    def _rounded(self, values: Column) -> Column:
        if self.plan.digits is None or values.dtype.kind != "f":
            return values
        return round_column(values, self.plan.digits)

    def _filter(
        self, columns: dict[str, Column], condition: Condition, rows: int, first: int
    ) -> tuple[dict[str, Column], int]:
        expression = condition.expression
        holds = expression.evaluate(self._readable(columns, expression), rows, first)
        if holds.dtype.kind != "b":
            expression.fail("this is no condition", expression.tree, "compare something, as in: a < b")
        return self._take(columns, holds if condition.holds else ~holds)

    @staticmethod
    def _take(columns: dict[str, Column], mask: NDArray[np.bool_]) -> tuple[dict[str, Column], int]:
        rows = int(np.count_nonzero(mask))
        if rows == len(mask):
            return columns, rows
        return {name: column[mask] for name, column in columns.items()}, rows

    def _readable(self, columns: Mapping[str, Column], expression: Expression) -> dict[str, Column]:
        """Return the columns that an expression uses, with indices of words turned into what they mean."""
        found: dict[str, Column] = {}
        for name in expression.names:
            found[name] = columns[name]
            if words := self._words.get(name):
                numbers = word_numbers(words)
                found[name] = (np.array(words) if numbers is None else numbers)[columns[name]]
        return found

    def _derived(self, columns: Mapping[str, Column], derivation: Derivation, rows: int) -> Column:
        expression = derivation.expression
        values = expression.evaluate(self._readable(columns, expression), rows, self.kept)
        if values.dtype.kind == "b":
            hint = f"write: {derivation.name} = 1 if {expression.text} else 0"
            expression.fail(
                "a derived column has numbers or texts, and this is a condition", expression.tree, hint
            )
        return self._rounded(np.ascontiguousarray(values))

    def _first_seen(self, columns: Mapping[str, Column], rows: int) -> NDArray[np.bool_]:
        """Return which rows differ from all before them, over the parameters, bit for bit."""
        names = [parameter.name for parameter in self.plan.parameters]
        table = np.empty((rows, len(names)), dtype=np.int64)
        for place, name in enumerate(names):
            table[:, place] = columns[name].view(np.int64)
        width = 8 * len(names)
        text = table.tobytes()
        new = np.zeros(rows, dtype=np.bool_)
        for row in range(rows):
            key = text[row * width : (row + 1) * width]
            if width > LONGEST_KEY:
                key = blake2b(key, digest_size=16).digest()
            if key not in self._seen:
                self._seen.add(key)
                new[row] = True
        return new

    def _check_progress(self) -> None:
        wanted = self.plan.rows
        if wanted is None or self.kept >= wanted:
            return
        if self.tried >= max(FEWEST_TRIED, 100 * wanted) and self.kept < self.tried * FEWEST_KEPT:
            self._give_up()
        if self.plan.unique:
            self._check_window(wanted - self.kept)

    def _check_window(self, missing: int) -> None:
        """Give up where distinct rows run out, which all rows together show late: judge the latest half.

        A tenth of what is missing, found there, is a sign that the rest may come too.
        """
        tried, kept = self.tried - self._window[0], self.kept - self._window[1]
        if tried < max(FEWEST_TRIED, 10 * missing, self._window[0]):
            return
        if kept < tried * FEWEST_KEPT and kept < missing / 10:
            self._give_up()
        self._window = (self.tried, self.kept)

    def _give_up(self) -> None:
        reasons = ["meet the conditions"] if self.plan.early or self.plan.late else []
        reason = " and ".join(reasons + ["are distinct"] * self.plan.unique)
        raise UserError(
            f"{self.kept} of {self.tried} rows that were tried {reason}, and {self.plan.rows} are wanted",
            hint="loosen --where, give the parameters wider laws, or take fewer rows",
        )
