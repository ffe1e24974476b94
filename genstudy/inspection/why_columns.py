"""The columns of a campaign's table as bins, and how many rows of each bin failed: two passes over the table.

The first pass takes some rows by chance, the same ones each time. What the values among them are decides on
the bins: all values where they are few, else values that as many rows lie between. The second pass counts.
Which rows failed plays no part in the choice of the bins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from genstudy.inspection.why_bins import Column, Numbers, Texts, bins_of
from genstudy.inspection.why_scan import Table
from genstudy.tables.checks import is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from genstudy.inspection.why_rows import Spans
    from genstudy.tables import read
    from genstudy.tables.streams import Block

    Counts = NDArray[np.int64]

SEED = 1
SAMPLE_CELLS = 10**6
SAMPLE_ROWS = (2_000, 20_000)
"""The sample has this many cells at most, and this many rows at least and at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A column's bins and what is in them. alone: whether each bin held no number but its level."""

    column: Column
    table: Table
    alone: bool


def count_columns(table: read.Table, names: Sequence[str], failed: Spans, ended: Spans) -> dict[str, Counted]:
    """Return for each column the bins of its values, and how many rows ended and failed in each.

    failed, ended: rows by their number; the ended ones that are not failed are done.
    """
    places = {name: table.columns.index(name) for name in names}
    columns = _bins_of(table, places, ended)
    counts = {name: np.zeros(2 * column.bins, dtype=np.int64) for name, column in columns.items()}
    alone = {
        name: isinstance(column, Numbers) and column.levels is not None for name, column in columns.items()
    }
    for block in table.blocks():
        mask = ended.mask(block.first_row, len(block.lines))
        if not mask.any():
            continue
        bad = failed.mask(block.first_row, len(block.lines))[mask]
        cells = _cells(table, block)
        for name, column in columns.items():
            bins, same = _placed(column, cells(places[name]), mask)
            alone[name] = alone[name] and same
            counts[name] += np.bincount(2 * bins + bad, minlength=2 * column.bins)
    return {
        name: Counted(column=columns[name], table=_table(found), alone=alone[name])
        for name, found in counts.items()
    }


def _table(counts: Counts) -> Table:
    done, failed = counts.reshape(-1, 2).T
    return Table(rows=done + failed, failed=failed)


def _bins_of(table: read.Table, places: Mapping[str, int], ended: Spans) -> dict[str, Column]:
    """Return the bins of each column, by a sample of the rows that ended."""
    least, most = SAMPLE_ROWS
    size = min(max(SAMPLE_CELLS // len(places), least), most)
    rows = ended.chosen(size, np.random.default_rng(SEED))
    found: list[list[str]] = [[] for _ in places]
    for cells in _picked(table, rows):
        for column, place in zip(found, places.values(), strict=True):
            column.append(cells[place])
    return {name: bins_of(cells) for name, cells in zip(places, found, strict=True)}


def _picked(table: read.Table, rows: Counts) -> Iterator[list[str]]:
    for block in table.blocks():
        first, behind = np.searchsorted(rows, [block.first_row, block.first_row + len(block.lines)])
        lines = [block.lines[row - block.first_row] for row in rows[first:behind].tolist()]
        if lines:
            yield from table.cells(replace(block, lines=lines))
        if behind == len(rows):
            return


def _cells(table: read.Table, block: Block) -> Callable[[int], Any]:
    """Return a function that gives a column of a block as a Series of texts."""
    import polars as pl

    text = b"".join(block.lines)
    if b'"' in text:
        columns = list(zip(*table.cells(block), strict=True))
        return lambda place: pl.Series(columns[place], dtype=pl.String)
    names = [f"c{place}" for place in range(len(table.columns))]
    frame = pl.read_csv(
        text.replace(b"\r\n", b"\n"),
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        quote_char=None,
        empty_string_is_null=False,
    )
    return lambda place: frame[names[place]]


def _placed(column: Column, cells: Any, mask: NDArray[np.bool_]) -> tuple[Counts, bool]:
    """Return the bins of the rows in a mask, and whether each bin got no number but its level."""
    import polars as pl

    chosen = cells.filter(pl.Series(mask)) if not mask.all() else cells
    if isinstance(column, Texts):
        codes = chosen.cast(pl.Enum(column.values), strict=False).to_physical().cast(pl.Int64)
        return codes.fill_null(len(column.values)).to_numpy(), False
    numbers = chosen.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    bins = np.searchsorted(column.edges, numbers, side="right")
    strange = np.flatnonzero(np.isnan(numbers))
    if len(strange):
        no_value = len(column.edges) + 1
        bins[strange] = [no_value + (not is_missing(chosen[int(place)])) for place in strange]
    if column.levels is None:
        return bins, False
    same = np.append(column.levels, [np.nan, np.nan])[bins] == numbers
    same[strange] = True
    return bins, bool(same.all())
