"""A table summed up: what pictures of it need, in memory that does not grow with the rows.

The cells are gone through once for extremes, levels and a sample, and a second time for histograms, whose
bins are known then; a table of few levels is gone through once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from genstudy.errors import UserError, near
from genstudy.plots.bins import bin_edges, counts_in
from genstudy.plots.columns import (
    ColumnSummary,
    FirstPass,
    as_numbers,
    is_levelled,
    is_log,
    levels_of,
)
from genstudy.plots.frames import row_frames, table_frames
from genstudy.plots.ranges import range_of
from genstudy.plots.sample import SAMPLE, RowSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from genstudy.plots.ranges import Range
    from genstudy.tables.read import Table

    Sample = NDArray[np.float64] | tuple[str, ...]
    Frames = Callable[[], Iterator[pl.DataFrame]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignSummary:
    """The columns of a table, and a sample of its rows, the same rows for all columns.

    sample: by column, numbers of shape (n,) with NaN where one is missing, or texts; n is the number of rows,
    SAMPLE at most, each row as likely as any other, in the table's order.
    """

    rows: int
    columns: tuple[ColumnSummary, ...]
    sample: Mapping[str, Sample]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def sampled(self) -> int:
        """How many rows the sample has."""
        return min(self.rows, SAMPLE)

    def column(self, name: str) -> ColumnSummary:
        """Return a column by its name; KeyError where there is none."""
        return self.columns[{column.name: place for place, column in enumerate(self.columns)}[name]]


def summarize(
    table: Table,
    columns: Sequence[str] | None = None,
    *,
    laws: Mapping[str, str] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> DesignSummary:
    """Sum up columns of a table, or all of them.

    laws: of parameters, as a record has them; they tell ends, order of levels, and logarithms. seed: of the
    sample; the same table and seed give the same. progress: called with rows read and rows to be read, as far
    as they can be told, both passes together. UserError for a column that the table does not have, or has
    twice, and for rows that cannot be read.
    """
    chosen = column_places(table, table.columns if columns is None else columns)
    size = table.path.stat().st_size

    def frames() -> Iterator[pl.DataFrame]:
        rows = 0
        for frame, nbytes in table_frames(table, list(chosen.values())):
            yield frame
            rows += frame.height
            if progress:
                progress(rows, max(rows, rows * size // nbytes))

    return _summarize(frames, list(chosen), laws or {}, seed)


def summarize_rows(
    rows: Callable[[], Iterable[Sequence[object]]],
    columns: Sequence[str],
    *,
    laws: Mapping[str, str] | None = None,
    seed: int = 0,
) -> DesignSummary:
    """Sum up rows of numbers, texts and None, one value for each of the columns; see summarize.

    rows: called once or twice, to give the same rows each time.
    """
    return _summarize(lambda: row_frames(rows(), len(columns)), list(columns), laws or {}, seed)


def column_places(table: Table, columns: Sequence[str]) -> dict[str, int]:
    """Return the places of columns in the table. UserError for one that it does not have, or has twice."""
    for name in columns:
        if name not in table.columns:
            raise UserError(
                f"the table has no column '{name}'{near(name, table.columns)}",
                where=table.title,
                hint=f"its columns are: {_listed(table.columns)}",
            )
        if table.columns.count(name) > 1:
            raise UserError(f"the name '{name}' is given twice", where=f"{table.title}, header")
        if list(columns).count(name) > 1:
            raise UserError(f"the column '{name}' is chosen twice", where=table.title)
    return {name: table.columns.index(name) for name in columns}


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _summarize(frames: Frames, names: list[str], laws: Mapping[str, str], seed: int) -> DesignSummary:
    seen = [FirstPass() for _ in names]
    sample, rows = RowSample(seed), 0
    for frame in frames():
        for column, cells in zip(seen, frame.get_columns(), strict=True):
            column.add(cells)
        sample.add(frame, rows)
        rows += frame.height
    known = [range_of(laws.get(name)) for name in names]
    drawn = [_sample_of(column, cells) for column, cells in zip(seen, sample.cells(len(names)), strict=True)]
    edges = [_edges(*found, rows=rows) for found in zip(seen, known, drawn, strict=True)]
    counts = _histograms(frames, edges)
    columns = zip(names, seen, known, drawn, edges, counts, strict=True)
    return DesignSummary(
        rows=rows,
        columns=tuple(_column(*column) for column in columns),
        sample=dict(zip(names, drawn, strict=True)),
    )


def _sample_of(seen: FirstPass, cells: pl.Series) -> Sample:
    if not (seen.numeric and seen.count):
        return tuple(cells)
    numbers, _ = as_numbers(cells)
    assert numbers is not None
    return numbers.fill_null(float("nan")).to_numpy()


def _ends(seen: FirstPass, known: Range) -> tuple[float, float]:
    """Return the ends of a column's axis: those of the law, as far as the values do not reach beyond."""
    low = seen.low if known.low is None else min(seen.low, known.low)
    high = seen.high if known.high is None else max(seen.high, known.high)
    return low, high


def _edges(seen: FirstPass, known: Range, sample: Sample, *, rows: int) -> tuple[float, ...]:
    """Return the edges of a column's histogram; none where its levels are shown, or it has no numbers."""
    if not (seen.numeric and seen.count) or is_levelled(seen, known):
        return ()
    low, high = _ends(seen, known)
    log = is_log(seen, known, np.asarray(sample, dtype=float))
    return bin_edges(low, high, rows=rows, whole=seen.whole, log=log)


def _histograms(frames: Frames, edges: Sequence[tuple[float, ...]]) -> list[tuple[int, ...]]:
    """Count the numbers in the bins of each column, in a second pass over the cells if there are any bins."""
    counts = [np.zeros(max(0, len(column) - 1), dtype=np.int64) for column in edges]
    wanted = [place for place, column in enumerate(edges) if column]
    for frame in frames() if wanted else ():
        for place in wanted:
            numbers, _ = as_numbers(frame.to_series(place))
            if numbers is not None:
                counts[place] += counts_in(edges[place], numbers.drop_nulls().to_numpy())
    return [tuple(map(int, column)) for column in counts]


def _column(
    name: str,
    seen: FirstPass,
    known: Range,
    sample: Sample,
    edges: tuple[float, ...],
    counts: tuple[int, ...],
) -> ColumnSummary:
    common = ColumnSummary(
        name=name,
        kind="category",
        count=seen.count,
        missing=seen.missing,
        levels=levels_of(seen, known),
        law=known.law,
        law_count=known.count,
    )
    if not (seen.numeric and seen.count):
        return common
    low, high = _ends(seen, known)
    return replace(
        common,
        kind="number",
        minimum=seen.low,
        maximum=seen.high,
        mean=seen.mean,
        low=low,
        high=high,
        log=is_log(seen, known, np.asarray(sample, dtype=float)),
        edges=edges,
        counts=counts,
    )
