"""Rows put after those of a table that is there: its text stays what it is."""

from __future__ import annotations

import csv
import shutil
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from genstudy.errors import UserError
from genstudy.tables.read import open_table
from genstudy.tables.write import ROW_GROUP, csv_text, write_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def append_frames(table: Path, frames: Iterator[pl.DataFrame], stream: BinaryIO, suffix: str) -> None:
    """Write a table, and further frames of rows after its own, to a stream.

    CSV begins with the bytes that the table has, gzipped CSV too: a second gzip member follows. Parquet is
    written anew, with equal values.
    """
    if suffix == ".parquet":
        first = next(frames)
        old = _parquet_frames(table, first.schema)
        write_frames(chain(old, (first,), frames), stream, suffix)
        return
    with table.open("rb") as old_bytes:
        shutil.copyfileobj(old_bytes, stream, 2**20)
    write_frames(frames, stream, suffix, header=False)


def _parquet_frames(table: Path, schema: pl.Schema) -> Iterator[pl.DataFrame]:
    frame, start = pl.scan_parquet(table, glob=False), 0
    while (part := frame.slice(start, ROW_GROUP).collect()).height:
        yield part.with_columns(
            # A choice of numbers that has become one of texts: they were written as Python spells them.
            pl.Series(name, [str(value) for value in part[name].to_list()], dtype=pl.String)
            for name, kind in schema.items()
            if kind == pl.String != part.schema[name]
        ).cast(pl.Schema(schema))
        start += part.height


def check_last_row(table: Path, frame: pl.DataFrame) -> None:
    """Refuse a table whose last row is not this one, which its record makes in its place."""
    source = open_table(table)
    last = deque(source.blocks(), maxlen=1)
    rows = deque((cells for block in last for cells in source.cells(block)), maxlen=1)
    if list(rows) != list(csv.reader(csv_text(frame, header=False).splitlines())):
        raise UserError(
            "its last row is not the one that its record makes, so it is not known how it goes on",
            where=str(table),
            hint="it was edited, or made by other versions (its record names them): make a new table",
        )
