"""A table frozen into a campaign: checked cell by cell, copied, and cut into batches in one pass."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from genstudy.errors import UserError
from genstudy.tables.rowids import IdCheck

if TYPE_CHECKING:
    from collections.abc import Callable

    from genstudy.tables.checks import CellCheck
    from genstudy.tables.read import Table
    from genstudy.tables.streams import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Where a batch's rows lie: rows [start, start + nrows), bytes [offset, offset + nbytes) of the table.

    sha256 is the hash of the header line and these bytes, so that a renamed column is noticed too.
    """

    start: int
    nrows: int
    offset: int
    nbytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A frozen table: its size, hash and slices. longest_id is the length of the longest row id."""

    rows: int
    nbytes: int
    sha256: str
    longest_id: int
    slices: tuple[Slice, ...]


class Writer(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of these bytes."""


def freeze(
    table: Table,
    target: Writer | None,
    *,
    check: CellCheck,
    index: str | None,
    start: int,
    stop: int | None,
    size_of: Callable[[int], int],
    verbatim: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Frozen:
    """Check every row, write the table to `target`, and cut rows [start, stop) into batches.

    What is written is plain: UTF-8, line feeds, no BOM, names without spaces around them, cells as they
    were. With `verbatim` the slices lie in the table's own bytes instead, for a table that is left where it
    is; a blank line is refused then. `stop` None means the table's end; `size_of` gives a batch's rows by
    its number; `progress` gets the rows done, and how many there are
    about, by the file's size. Memory is one block, and 8 bytes a row where an
    index column is checked.
    """
    header = table.header_bytes() if verbatim else _header(table)
    ids = IdCheck(table, index)
    cutter = _Cutter(header, start, stop, size_of)
    whole = hashlib.sha256(header)
    if target is not None:
        target.write(header)
    rows, nbytes, size = 0, len(header), table.path.stat().st_size
    for block in table.blocks():
        check.check(block)
        ids.add(block)
        if verbatim and block.offset != nbytes:
            raise UserError("a blank line", where=table.place(rows, block.first_line - 1), hint="take it out")
        lines = block.lines if verbatim else _plain_lines(block)
        text = b"".join(lines)
        whole.update(text)
        if target is not None:
            target.write(text)
        cutter.add(lines, rows, nbytes)
        rows, nbytes = rows + len(lines), nbytes + len(text)
        if progress:
            progress(rows, max(rows, rows * size // nbytes))
    ids.finish()
    return Frozen(
        rows=rows,
        nbytes=nbytes,
        sha256=whole.hexdigest(),
        longest_id=ids.longest,
        slices=tuple(cutter.finish()),
    )


def _header(table: Table) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(table.columns)
    return text.getvalue().encode()


def _plain_lines(block: Block) -> list[bytes]:
    """End every line with a line feed alone."""
    lines = block.lines
    if any(line.endswith(b"\r\n") for line in lines):
        lines = [line.removesuffix(b"\n").removesuffix(b"\r") + b"\n" for line in lines]
    if not lines[-1].endswith(b"\n"):
        lines = [*lines[:-1], lines[-1] + b"\n"]
    return lines


class _Cutter:
    """Cuts the lines that pass by into slices."""

    def __init__(self, header: bytes, start: int, stop: int | None, size_of: Callable[[int], int]) -> None:
        self._header = hashlib.sha256(header)
        self._next, self._stop, self._size_of = start, stop, size_of
        self._slices: list[Slice] = []
        self._open()

    def _open(self) -> None:
        self._start, self._nrows, self._nbytes, self._offset = self._next, 0, 0, 0
        self._size = self._size_of(len(self._slices))
        self._hash = self._header.copy()

    def _close(self) -> None:
        if self._nrows:
            self._slices.append(
                Slice(
                    start=self._start,
                    nrows=self._nrows,
                    offset=self._offset,
                    nbytes=self._nbytes,
                    sha256=self._hash.hexdigest(),
                )
            )
        self._open()

    def add(self, lines: list[bytes], first_row: int, offset: int) -> None:
        """Take lines that follow each other, the first at this row and byte."""
        place = min(max(self._next - first_row, 0), len(lines))
        offset += sum(map(len, lines[:place]))
        last = len(lines) if self._stop is None else min(len(lines), self._stop - first_row)
        while place < last:
            taken = lines[place : min(last, place + self._size - self._nrows)]
            text = b"".join(taken)
            if not self._nrows:
                self._offset = offset
            self._hash.update(text)
            self._nrows += len(taken)
            self._nbytes += len(text)
            place, offset, self._next = place + len(taken), offset + len(text), self._next + len(taken)
            if self._nrows == self._size:
                self._close()

    def finish(self) -> list[Slice]:
        """Return the slices; the last may be shorter."""
        self._close()
        return self._slices
