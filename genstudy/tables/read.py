"""Tables as they are found: CSV, gzipped CSV and Parquet, read as blocks of CSV lines.

Whatever a table came from, it is seen as UTF-8 CSV lines, one a row, so that a row has a place in bytes and
its cells are text. Blocks are a few megabytes, whatever the size of the table.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from genstudy.errors import UserError, near
from genstudy.parameters.names import check_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES = 1 << 22
PARQUET_ROWS = 1 << 16
PREVIEW_ROWS = 3
SUFFIXES = (".csv", ".csv.gz", ".parquet")
ROW_HINT = "close the quotes; a value cannot hold a line break"
LONG_HINT = "a value becomes a part of scripts: keep it in a file, and name the file in the table"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive rows as raw CSV lines, each with its line end as it was found.

    first_row counts from 0; offset is the place of the first line in the bytes of the table.
    """

    lines: list[bytes]
    first_row: int
    first_line: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An opened table: its columns, the first rows, and where its rows begin."""

    path: Path
    columns: tuple[str, ...]
    preview: tuple[tuple[str, ...], ...]

    def blocks(self) -> Iterator[Block]:
        """Yield all rows in order. Blank lines are passed over, as Python's csv.DictReader does.

        In a single column, one before a row is refused: programs write an empty cell that way.
        """
        blocks = _blocks(self.path)
        return blocks if len(self.columns) > 1 else self._without_gaps(blocks)

    def _without_gaps(self, blocks: Iterator[Block]) -> Iterator[Block]:
        line = 2
        for block in blocks:
            if block.first_line != line:
                raise UserError(
                    "a blank line, which in a single column may stand for an empty cell",
                    where=self.place(block.first_row, line),
                    hint='write "" for an empty cell, or take the line out',
                )
            yield block
            line += len(block.lines)

    def header_bytes(self) -> bytes:
        """Return the header's line as it stands in the table."""
        with _csv_stream(self.path) as stream:
            return _first_line(stream, self.path)

    def count_rows(self) -> int:
        """Return the number of rows, by reading the table once."""
        return sum(len(block.lines) for block in self.blocks())

    def cells(self, block: Block) -> Iterator[list[str]]:
        """Yield the cells of each line of a block."""
        reader = csv.reader(_texts(self, block), strict=True)
        for place in range(len(block.lines)):
            try:
                cells = next(reader)
            except csv.Error as problem:
                hint = LONG_HINT if _is_long(problem) else ROW_HINT
                raise _not_a_row(self, block, place, _reason(problem), hint) from None
            if reader.line_num != place + 1:
                raise _not_a_row(self, block, place, "a cell goes on over the line's end", ROW_HINT)
            yield cells

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of every row."""
        for block in self.blocks():
            yield from self.cells(block)

    def place(self, row: int, line: int, column: str | None = None) -> str:
        """Say where a cell or row stands, as messages do."""
        at_line = "" if self.path.name.endswith(".parquet") else f" (line {line})"
        at_column = f", column {column}" if column is not None else ""
        return f"{self.path}, row {row}{at_line}{at_column}"


def open_table(path: Path) -> Table:
    """Open a table and read its header.

    Spaces around names are stripped; a BOM and CRLF line ends are accepted. A UserError tells of a file that
    is missing, empty, not UTF-8, or has no rows or a header with empty or repeated names.
    """
    if not path.name.endswith(SUFFIXES):
        raise UserError("this is not a table", where=str(path), hint=f"tables are {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError("there is no such table", where=str(path), hint=_siblings_hint(path))
    with _csv_stream(path) as stream:
        header = parse_line(_first_line(stream, path), f"{path}, header")
    columns = tuple(name.strip() for name in header)
    if not any(columns):
        raise UserError(
            "the table is empty", where=str(path), hint="a header with the names, then a row a combination"
        )
    for place, name in enumerate(columns, 1):
        if not name:
            raise UserError(f"column {place} has no name", where=f"{path}, header", hint="name every column")
    table = Table(path=path, columns=columns, preview=())
    preview = tuple(map(tuple, islice(table.rows(), PREVIEW_ROWS)))
    if not preview:
        raise UserError("the table has a header, but no rows", where=str(path))
    return replace(table, preview=preview)


def parameters_of(table: Table, index: str | None) -> list[str]:
    """Return the columns that are parameters: all but the index. Their names are checked."""
    if index is not None and index not in table.columns:
        raise UserError(
            f"the table has no column '{index}'{near(index, table.columns)}",
            where=str(table.path),
            hint=f"its columns are: {', '.join(table.columns)}",
        )
    if index is not None and table.columns.count(index) > 1:
        raise UserError(f"the name '{index}' is given twice", where=f"{table.path}, header")
    names = [name for name in table.columns if name != index]
    if not names:
        raise UserError("the table has no parameters, only the index", where=str(table.path))
    check_names(names, where=f"{table.path}, header")
    return names


def parse_line(line: bytes, where: str) -> list[str]:
    """Return the cells of one CSV line."""
    try:
        text = line.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UserError(
            f"byte {problem.start + 1} of the line is not UTF-8", where=where, hint="save the table as UTF-8"
        ) from None
    try:
        rows = list(csv.reader([text.rstrip("\r\n")], strict=True))
    except csv.Error as problem:
        raise UserError(
            f"not a CSV line: {_reason(problem)}",
            where=where,
            hint=LONG_HINT if _is_long(problem) else "close the quotes; line breaks cannot be in a cell",
        ) from None
    return rows[0] if rows else []


def _siblings_hint(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    tables = sorted(
        other.name for other in path.parent.glob("*") if other.name.endswith(SUFFIXES) and other.is_file()
    )
    return f"tables there: {', '.join(tables[:8])}" if tables else "genstudy csv makes one"


def _csv_stream(path: Path) -> BinaryIO:
    if path.name.endswith(".csv.gz"):
        return io.BufferedReader(gzip.open(path))
    if path.name.endswith(".parquet"):
        return io.BufferedReader(_ParquetAsCsv(path))
    return path.open("rb")


class _ParquetAsCsv(io.RawIOBase):
    """The CSV text of a Parquet file, made some rows at a time."""

    def __init__(self, path: Path) -> None:
        import polars as pl

        super().__init__()
        self._path = path
        self._frame = pl.scan_parquet(path, glob=False)
        self._next_row = 0
        try:
            schema = self._frame.collect_schema()
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise UserError(f"not a Parquet file: {problem}", where=str(path)) from None
        # In a lone column a null would be an empty line, which is no row.
        self._null = '""' if len(schema) == 1 else ""
        nested = [
            name
            for name, kind in schema.items()
            if kind.is_nested() or kind.base_type() in {pl.Binary, pl.Duration}
        ]
        if nested:
            raise UserError(f"column '{nested[0]}' holds {schema[nested[0]]}, not a value", where=str(path))
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(schema.names())
        self._pending = header.getvalue().encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        if not self._pending:
            self._pending = self._next_text().encode()
        view = memoryview(buffer)  # type: ignore[arg-type]
        size = min(len(view), len(self._pending))
        view[:size] = self._pending[:size]
        self._pending = self._pending[size:]
        return size

    def _next_text(self) -> str:
        import polars as pl

        try:
            frame = self._frame.slice(self._next_row, PARQUET_ROWS).collect()
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise UserError(f"the Parquet file is damaged: {problem}", where=str(self._path)) from None
        self._next_row += frame.height
        return frame.write_csv(include_header=False, null_value=self._null) if frame.height else ""


def _blocks(path: Path) -> Iterator[Block]:
    with _csv_stream(path) as stream:
        offset = len(_first_line(stream, path))
        row, line, rest = 0, 2, b""
        while True:
            data = _read_on(stream, path)
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


def _first_line(stream: BinaryIO, path: Path) -> bytes:
    with _named_damage(path):
        return stream.readline()


def _read_on(stream: BinaryIO, path: Path) -> bytes:
    with _named_damage(path):
        return stream.read(BLOCK_BYTES)


@contextmanager
def _named_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise UserError(f"the compressed file is damaged: {problem}", where=str(path)) from None


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


def _reason(problem: csv.Error) -> str:
    """Return the csv module's words, without its advice to programmers."""
    reason = str(problem)
    if _is_long(problem):
        return f"a cell is longer than {csv.field_size_limit():,} characters"
    return "a carriage return in the line" if reason.startswith("new-line character") else reason


def _is_long(problem: csv.Error) -> bool:
    return str(problem).startswith("field larger than")


def _texts(table: Table, block: Block) -> Iterator[str]:
    for place, line in enumerate(block.lines):
        try:
            yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as problem:
            raise UserError(
                f"byte {problem.start + 1} of the line is not UTF-8",
                where=table.place(block.first_row + place, block.first_line + place),
                hint="save the table as UTF-8",
            ) from None


def _not_a_row(table: Table, block: Block, place: int, problem: str, hint: str) -> UserError:
    return UserError(
        f"not a row of CSV: {problem}",
        where=table.place(block.first_row + place, block.first_line + place),
        hint=hint,
    )
