"""The results of a campaign as blocks of its design, and which rows have none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from genstudy.databases.problems import database_errors
from genstudy.results.query import STREAMED, TOGETHER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from genstudy.results.query import Results
    from genstudy.sensitivity.layout import Layout

DONE = "FINISHED"
NUMBERS = frozenset({"int", "float", "bool"})
CELLS = 50_000_000
"""So many values are held at a time: results are read in several passes where they are more."""


@dataclass(frozen=True, slots=True)
class Values:
    """A result of all rows of a layout.

    points: its mean over the replicates that have it, shape (blocks, points of a block), NaN where none has.
    there: which rows have it, shape (rows,). collected: which rows are in the database.
    """

    points: NDArray[np.float64]
    there: NDArray[np.bool_]
    collected: NDArray[np.bool_]


def read_values(results: Results, layout: Layout, names: Sequence[str]) -> Iterator[tuple[str, Values]]:
    """Yield the results with these names. Only rows that are done count, by their last attempt.

    About 10 bytes a row and result are held.
    """
    step = max(1, CELLS // layout.rows)
    for start in range(0, len(names), step):
        yield from _read(results, layout, names[start : start + step]).items()


def _read(results: Results, layout: Layout, names: Sequence[str]) -> Mapping[str, Values]:
    sums = np.zeros((len(names), layout.blocks * layout.block))
    there = np.zeros((len(names), layout.rows), dtype=np.bool_)
    collected = np.zeros(layout.rows, dtype=np.bool_)
    for numbers, cells, done in _parts(results, layout, names):
        row = numbers - layout.start
        collected[row] = True
        finite = np.isfinite(cells) & done
        for place in range(len(names)):
            known = finite[place]
            there[place, row[known]] = True
            np.add.at(sums[place], row[known] // layout.replicates, cells[place, known])
    found = {}
    for place, name in enumerate(names):
        count = there[place].reshape(-1, layout.replicates).sum(axis=1)
        sums[place] = np.divide(sums[place], count, out=np.full(len(count), np.nan), where=count > 0)
        found[name] = Values(sums[place].reshape(layout.blocks, -1), there[place], collected)
    return found


def _parts(
    results: Results, layout: Layout, names: Sequence[str]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield rows some at a time: their numbers, their results, a row each, and whether they are done."""
    number: sa.ColumnClause[int] = sa.column("row_number")
    columns: list[sa.ColumnClause[Any]] = [number, sa.column("state"), *map(sa.column, names)]
    query = (
        sa.select(*columns)
        .select_from(sa.table(results.view))
        .where(sa.column("campaign") == results.campaign)
        .where(number >= layout.start, number < layout.start + layout.rows)
    )
    with (
        database_errors(results.url, "cannot read the results"),
        results.engine.connect().execution_options(**STREAMED) as connection,
    ):
        for rows in connection.execute(query).partitions(TOGETHER):
            numbers, states, *cells = zip(*rows, strict=True)
            values = np.array(cells, dtype=np.float64).reshape(len(names), len(rows))
            yield np.array(numbers, dtype=np.int64), values, np.array(states) == DONE
