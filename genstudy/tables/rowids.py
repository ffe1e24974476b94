"""Row ids: the name of a row that never changes, from the index column or the row's number."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from genstudy.tables.read import Table
    from genstudy.tables.streams import Block

ROW_ID_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def ids_of(table: Table, block: Block, index: str | None) -> list[str]:
    """Return the row ids of a block: the index column's cells, or the rows' numbers from 0."""
    if index is None:
        return [str(block.first_row + place) for place in range(len(block.lines))]
    place = table.columns.index(index)
    if place == 0 and b'"' not in b"".join(block.lines):
        return [line.partition(b",")[0].strip(b"\r\n").decode("utf-8", "replace") for line in block.lines]
    return [cells[place] if place < len(cells) else "" for cells in table.cells(block)]


class IdCheck:
    """Checks that the index column can name folders, each row its own.

    It keeps 8 bytes a row. Only when two of these are equal is the table read again for the two rows.
    """

    def __init__(self, table: Table, index: str | None) -> None:
        """Check the index column of a table; without an index there is nothing to check."""
        self.table = table
        self.index = index
        self.longest = 0
        self._hashes = array("q")

    def add(self, block: Block) -> None:
        """Check the form of a block's row ids, and remember them."""
        if self.index is None:
            self.longest = len(str(block.first_row + len(block.lines) - 1))
            return
        ids = ids_of(self.table, block, self.index)
        self.longest = max(self.longest, *map(len, ids))
        for place, row_id in enumerate(ids):
            if not ROW_ID_FORM.fullmatch(row_id):
                raise UserError(
                    f"the row id {row_id!r} cannot name a folder",
                    where=self.table.place(block.first_row + place, block.first_line + place, self.index),
                    hint="a row id has letters, digits, dots, dashes and underscores, at most 100; "
                    "or choose another --index",
                )
        self._hashes.extend(map(hash, ids))

    def finish(self) -> None:
        """Refuse a table in which two rows have the same id."""
        if self.index is None:
            return
        import numpy as np

        hashes = np.sort(np.frombuffer(self._hashes, dtype=np.int64))
        repeated = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
        if repeated:
            self._name_repeated(repeated)

    def _name_repeated(self, repeated: set[int]) -> None:
        seen: dict[str, int] = {}
        for block in self.table.blocks():
            for place, row_id in enumerate(ids_of(self.table, block, self.index)):
                row = block.first_row + place
                if hash(row_id) in repeated and seen.setdefault(row_id, row) != row:
                    raise UserError(
                        f"the row id {row_id!r} stands in row {seen[row_id]} already",
                        where=self.table.place(row, block.first_line + place, self.index),
                        hint="every row needs an id of its own; without --index rows are numbered",
                    )
