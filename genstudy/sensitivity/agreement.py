"""Whether the rows of a campaign are those that its design gives when it is made again."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from genstudy.batches.slices import read_slice, table_of
from genstudy.errors import UserError
from genstudy.sensitivity.layout import drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.batches.known import Known
    from genstudy.sensitivity.layout import Layout
    from genstudy.specs.manifest import BatchEntry


def check_agreement(known: Known, layout: Layout) -> None:
    """Look at the first block of the first and of the last batch: where an axis stays, its cells must.

    Indices of rows that are others would be wrong without a sign of it. UserError where a cell changes.
    """
    originals = known.originals
    for batch in {one.id: one for one in (originals[0], originals[-1])}.values():
        number = -(-batch.start // layout.size)
        last = batch.start + batch.nrows
        inside = layout.first <= number < layout.first + layout.blocks
        if inside and (number + 1) * layout.size <= last:
            _check_block(known, layout, batch, number)


def _check_block(known: Known, layout: Layout, batch: BatchEntry, number: int) -> None:
    header, data = read_slice(known.folder, known.manifest, batch)
    first = number * layout.size - batch.start
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline=""), strict=True)
    block = list(islice(rows, first, first + layout.size))
    source = layout.open()
    source.skip((number - layout.first) * layout.block)
    columns = drawn(source, layout.block)
    source.close()
    for axis, column in zip(layout.axes, columns, strict=True):
        stays = np.flatnonzero(np.diff(np.repeat(column, layout.replicates)) == 0).tolist()
        places = [header.index(parameter.name) for parameter in axis.parameters]
        if moved := _moved(block, places, stays):
            raise UserError(
                f"rows {moved - 1} and {moved} of block {number} differ in {axis.name}, and in the design "
                f"{layout.design.text} they do not",
                where=str(table_of(known.folder, known.manifest, batch)),
                hint="the table was changed since it was made, or its design comes out otherwise with the "
                "versions that are installed: params.json names those that made it",
            )


def _moved(block: Sequence[Sequence[str]], places: Sequence[int], stays: Sequence[int]) -> int:
    """Return a row of a block that differs from the one before it, and should not; 0 where none does."""
    for row in stays:
        if any(block[row][place] != block[row + 1][place] for place in places):
            return row + 1
    return 0
