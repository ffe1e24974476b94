"""Streams of tables, whatever their format: bytes of CSV, and blocks of its lines.

Whatever a table came from, it is seen as UTF-8 CSV lines, one a row, so that a row has a place in bytes and
its cells are text. A block is a megabyte, whatever the size of the table.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from genstudy.tables.as_csv import named_damage
from genstudy.tables.jsonl import JsonLinesAsCsv
from genstudy.tables.parquet import ParquetAsCsv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES = 1 << 20
JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
SUFFIXES = (".csv", ".csv.gz", ".parquet", *JSON_LINES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive rows as raw CSV lines, each with its line end as it was found.

    first_row counts from 0; offset is the place of the first line in the bytes of the table.
    """

    lines: list[bytes]
    first_row: int
    first_line: int
    offset: int


def csv_stream(path: Path) -> BinaryIO:
    """Open a table's file as bytes of CSV. UserError if it is not of its format."""
    if path.name.endswith(".parquet"):
        return io.BufferedReader(ParquetAsCsv(path))
    stream = _unpacked(path)
    if not path.name.endswith(JSON_LINES):
        return stream
    try:
        return io.BufferedReader(JsonLinesAsCsv(path, stream))
    except BaseException:
        stream.close()
        raise


def _unpacked(path: Path) -> BinaryIO:
    return io.BufferedReader(gzip.open(path)) if path.name.endswith(".gz") else path.open("rb")


def blocks(path: Path, nbytes: int | None = None) -> Iterator[Block]:
    """Yield the rows of a table's file in blocks; a blank line is none.

    nbytes: only those in the first so many bytes of its text, the header's among them.
    """
    with csv_stream(path) as stream:
        offset = len(first_line(stream, path))
        left = None if nbytes is None else nbytes - offset
        row, line, rest = 0, 2, b""
        while True:
            data = _read_on(stream, path, left)
            left = None if left is None else left - len(data)
            text = rest + data
            end = text.rfind(b"\n") + 1 if data else len(text)
            text, rest = text[:end], text[end:]
            if text:
                lines = text.splitlines(keepends=True) if b"\r" not in text else _split(text)
                yield from _without_blanks(lines, row, line, offset)
                row += sum(1 for found in lines if found.strip(b"\r\n"))
                line += len(lines)
                offset += len(text)
            if not data:
                return


def first_line(stream: BinaryIO, path: Path) -> bytes:
    """Return the header's line, or nothing of an empty file."""
    with named_damage(path):
        return stream.readline()


def _read_on(stream: BinaryIO, path: Path, most: int | None) -> bytes:
    with named_damage(path):
        return stream.read(BLOCK_BYTES if most is None else min(most, BLOCK_BYTES))


def _split(text: bytes) -> list[bytes]:
    """Split at line feeds alone: bytes.splitlines would split at a lone carriage return too."""
    parts = text.split(b"\n")
    last = parts.pop()
    return [part + b"\n" for part in parts] + ([last] if last else [])


def _without_blanks(lines: list[bytes], row: int, line: int, offset: int) -> Iterator[Block]:
    """Yield runs of lines between blank ones."""
    if b"\n" not in lines and b"\r\n" not in lines:
        yield Block(lines=lines, first_row=row, first_line=line, offset=offset)
        return
    run: list[bytes] = []
    for found in [*lines, b"\n"]:
        if found.strip(b"\r\n"):
            run.append(found)
            continue
        if run:
            yield Block(lines=run, first_row=row, first_line=line, offset=offset)
            row, line, offset = row + len(run), line + len(run), offset + sum(map(len, run))
            run = []
        line, offset = line + 1, offset + len(found)
