"""The rows of a batch: their numbers, their ids, and how Maestro names them in its status."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.batches.slices import read_slice, table_of
from genstudy.errors import UserError
from genstudy.ledger.state import rows_of
from genstudy.maestro.specs import folder_name
from genstudy.parameters.names import ROW_ID, token_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from genstudy.ledger.ranges import Rows
    from genstudy.specs.manifest import BatchEntry, Manifest

RETRY_INDEX = "row_id"
"""The column of row ids in a table of rows that are tried again, where the campaign's has none."""

LABEL = "row_"
"""What the pgen puts before a row's id to name its workspaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRows:
    """A batch's rows in the order of its table.

    numbers: their numbers in the campaign's table. ids: their ids. places: {number: place in the batch}.
    by_id: {id: number}. start: the first row's place in the batch's table.
    values: {token: the rows' values} where the specification is inline, else empty.
    """

    numbers: Rows
    ids: Sequence[str]
    places: Mapping[int, int]
    by_id: Mapping[str, int]
    start: int
    values: Mapping[str, Sequence[str]]

    def number_of(self, row_id: str) -> int | None:
        """Return the number of the row with this id; None if the batch has no such row."""
        return self.by_id.get(row_id)

    def id_of(self, number: int) -> str:
        """Return the id of a row of the batch."""
        return self.ids[self.places[number]]

    def position_in_table(self, number: int) -> int:
        """Return the place of a row of the batch in the batch's table, counted from 0."""
        return self.start + self.places[number]


def batch_rows(folder: Path, manifest: Manifest, batch: BatchEntry) -> BatchRows:
    """Return the rows of a batch. folder: the campaign's.

    Raises UserError where the table had to be looked at, and is not what it was.
    """
    numbers = rows_of(batch)
    index = manifest.table.index or (RETRY_INDEX if batch.table is not None else None)
    inline = manifest.settings.mode == "inline"
    ids: Sequence[str] = [str(number) for number in numbers]
    values: dict[str, Sequence[str]] = {}
    if inline or index is not None:
        header, data = read_slice(folder, manifest, batch)
        names = [name for name in header if inline or name == index]
        columns = _columns(header, data, names)
        ids = columns.pop(index) if index is not None else ids
        values = {token_of(name): cells for name, cells in columns.items()}
    if len(ids) != len(numbers) or len(set(ids)) != len(numbers):
        raise UserError(
            f"batch {batch.id} has {len(numbers)} rows by the manifest, and {len(set(ids))} row ids",
            where=str(table_of(folder, manifest, batch)),
        )
    return BatchRows(
        numbers=numbers,
        ids=ids,
        places={number: place for place, number in enumerate(numbers)},
        by_id=dict(zip(ids, numbers, strict=True)),
        start=batch.start,
        values=values,
    )


def _columns(header: Sequence[str], data: bytes, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the cells of these columns in rows of CSV."""
    places = {name: header.index(name) for name in names}
    columns: dict[str, list[str]] = {name: [] for name in names}
    for row in csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True):
        for name, place in places.items():
            columns[name].append(row[place])
    return columns


class RowFinder:
    """Finds the rows that an entry of Maestro's status is about."""

    def __init__(self, rows: BatchRows) -> None:
        self._rows = rows
        self._numbers = list(rows.numbers)
        self._by_values: dict[tuple[str, ...], Mapping[tuple[str, ...], list[int]]] = {}

    def find(self, label: str, params: Mapping[str, str]) -> Sequence[int]:
        """Return the numbers of the rows whose values these are; none where the entry contradicts itself.

        label: the workspace's name. An entry that was cut off while it was written has other parameters than
        its label tells.
        """
        if not params or label != _label_of(params):
            return ()
        if ROW_ID in params:
            number = self._rows.number_of(params[ROW_ID])
            return () if number is None else (number,)
        tokens = tuple(sorted(params))
        if not all(token in self._rows.values for token in tokens):
            return ()
        if tokens not in self._by_values:
            self._by_values[tokens] = self._indexed(tokens)
        return self._by_values[tokens].get(tuple(params[token] for token in tokens), ())

    def _indexed(self, tokens: tuple[str, ...]) -> Mapping[tuple[str, ...], list[int]]:
        found: dict[tuple[str, ...], list[int]] = defaultdict(list)
        columns = (self._rows.values[token] for token in tokens)
        for number, values in zip(self._numbers, zip(*columns, strict=True), strict=True):
            found[values].append(number)
        return found


def _label_of(params: Mapping[str, str]) -> str:
    """Return the name of the workspace that belongs to these parameters."""
    if len(params) == 1 and ROW_ID in params:
        return LABEL + params[ROW_ID]
    from genstudy.specs.inline import label_prefix

    return folder_name(".".join(f"{label_prefix(token)}{params[token]}" for token in sorted(params)))
