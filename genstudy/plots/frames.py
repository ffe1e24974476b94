"""The cells of a table as frames of texts, block by block: what a summary is made from."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from genstudy.tables.checks import CellCheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from genstudy.tables.read import Table
    from genstudy.tables.streams import Block

ROWS = 1 << 14


def table_frames(table: Table, places: Sequence[int]) -> Iterator[tuple[pl.DataFrame, int]]:
    """Yield some columns of a table, by their places, as frames of texts; with the bytes read up to then.

    A row with too few or too many cells is a UserError, and so is what Table.cells refuses.
    """
    for block in table.blocks():
        frame = _plain_frame(table, block, places)
        if frame is None:
            frame = frame_of(_checked(table, block), places)
        yield frame, block.offset + sum(map(len, block.lines))


def row_frames(rows: Iterable[Sequence[object]], width: int) -> Iterator[pl.DataFrame]:
    """Yield rows of values as frames of texts; None is an empty text."""
    stream = iter(rows)
    while some := list(islice(stream, ROWS)):
        yield frame_of(some, range(width))


def frame_of(rows: Iterable[Sequence[object]], places: Sequence[int]) -> pl.DataFrame:
    """Return the cells at these places of some rows; the columns are numbered."""
    columns = list(zip(*rows, strict=True))
    return pl.DataFrame(
        [
            pl.Series(str(number), [_text(cell) for cell in columns[place]], dtype=pl.String)
            for number, place in enumerate(places)
        ]
    )


def _text(cell: object) -> str:
    if cell is None:
        return ""
    # A lone surrogate has no place in a frame, and none in a picture.
    return str(cell).encode("utf-8", "backslashreplace").decode()


def _checked(table: Table, block: Block) -> Iterator[list[str]]:
    check = CellCheck(table, allow_missing=True)
    for cells in table.cells(block):
        if len(cells) != len(table.columns):
            check.check(block)
        yield cells


def _plain_frame(table: Table, block: Block, places: Sequence[int]) -> pl.DataFrame | None:
    """Return the columns of a block without quotes; None where it is not as plain as that."""
    text = b"".join(block.lines).replace(b"\r\n", b"\n")
    commas = len(table.columns) - 1
    if b'"' in text or b"\r" in text or any(line.count(b",") != commas for line in block.lines):
        return None
    try:
        frame = pl.read_csv(
            text,
            has_header=False,
            columns=list(places),
            quote_char=None,
            infer_schema=False,
            empty_string_is_null=False,
        )
    except pl.exceptions.ComputeError:  # It is not UTF-8: what reads it cell by cell says where.
        return None
    return frame.rename(dict(zip(frame.columns, map(str, range(len(places))), strict=True)))
