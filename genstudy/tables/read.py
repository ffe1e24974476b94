"""Tables as they are found: opened, and their rows read as cells of text."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from genstudy.errors import UserError, near
from genstudy.parameters.names import check_names
from genstudy.tables.as_csv import BOM, UTF8_HINT
from genstudy.tables.streams import JSON_LINES, SUFFIXES, blocks, csv_stream, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genstudy.tables.streams import Block

PREVIEW_ROWS = 3
QUERY_TITLE = "the query"
ROW_HINT = "close the quotes; a value cannot hold a line break"
LONG_HINT = "a value becomes a part of scripts: keep it in a file, and name the file in the table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A table that a database gives. sql: one statement that gives rows. db: the database's URL."""

    sql: str
    db: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An opened table: its columns and the first rows. query: what its file was made of, if that.

    nbytes: the table is so many bytes of its file alone, the first ones; None: all of it.
    """

    path: Path
    columns: tuple[str, ...]
    preview: tuple[tuple[str, ...], ...]
    query: Query | None = None
    nbytes: int | None = None

    @property
    def title(self) -> str:
        """How messages call the table."""
        return str(self.path) if self.query is None else QUERY_TITLE

    def blocks(self) -> Iterator[Block]:
        """Yield all rows in order. Blank lines are passed over, as Python's csv.DictReader does.

        In a single column of CSV, one before a row is refused: programs write an empty cell that way.
        """
        found = blocks(self.path, self.nbytes)
        if len(self.columns) > 1 or self.path.name.endswith(JSON_LINES):
            return found
        return self._without_gaps(found)

    def _without_gaps(self, found: Iterator[Block]) -> Iterator[Block]:
        line = 2
        for block in found:
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
        with csv_stream(self.path) as stream:
            return first_line(stream, self.path)

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
        at_column = f", column {column}" if column is not None else ""
        return f"{self.title}, row {row}{self._at_line(line)}{at_column}"

    def _at_line(self, line: int) -> str:
        """Say the line of the file, if it has lines; `line` counts a header."""
        if self.query is not None or self.path.name.endswith(".parquet"):
            return ""
        return f" (line {line - self.path.name.endswith(JSON_LINES)})"


def open_table(path: Path, *, query: Query | None = None, nbytes: int | None = None) -> Table:
    """Open a table and read its header. query: what gave the file's rows. nbytes: see Table.

    Spaces around names are stripped; a BOM and CRLF line ends are accepted. A UserError tells of a file that
    is missing, empty, not UTF-8, or has no rows or a header with empty or repeated names.
    """
    title = str(path) if query is None else QUERY_TITLE
    if not path.name.endswith(SUFFIXES):
        raise UserError("this is not a table", where=title, hint=f"tables are {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError("there is no such table", where=title, hint=_siblings_hint(path))
    with csv_stream(path) as stream:
        header = parse_line(first_line(stream, path), f"{title}, header")
    columns = tuple(name.strip() for name in header)
    if not any(columns):
        raise UserError(
            "the table is empty", where=title, hint="a header with the names, then a row a combination"
        )
    for place, name in enumerate(columns, 1):
        if not name:
            raise UserError(f"column {place} has no name", where=f"{title}, header", hint="name every column")
    table = Table(path=path, columns=columns, preview=(), query=query, nbytes=nbytes)
    preview = tuple(map(tuple, islice(table.rows(), PREVIEW_ROWS)))
    if not preview:
        raise UserError("the table has a header, but no rows", where=title)
    return replace(table, preview=preview)


def parameters_of(table: Table, index: str | None) -> list[str]:
    """Return the columns that are parameters: all but the index. Their names are checked."""
    if index is not None and index not in table.columns:
        raise UserError(
            f"the table has no column '{index}'{near(index, table.columns)}",
            where=table.title,
            hint=f"its columns are: {', '.join(table.columns)}",
        )
    if index is not None and table.columns.count(index) > 1:
        raise UserError(f"the name '{index}' is given twice", where=f"{table.title}, header")
    names = [name for name in table.columns if name != index]
    if not names:
        raise UserError("the table has no parameters, only the index", where=table.title)
    check_names(names, where=f"{table.title}, header")
    return names


def parse_line(line: bytes, where: str) -> list[str]:
    """Return the cells of one CSV line."""
    try:
        text = line.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UserError(
            f"byte {problem.start + 1} of the line is not UTF-8", where=where, hint=UTF8_HINT
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
                hint=UTF8_HINT,
            ) from None


def _not_a_row(table: Table, block: Block, place: int, problem: str, hint: str) -> UserError:
    return UserError(
        f"not a row of CSV: {problem}",
        where=table.place(block.first_row + place, block.first_line + place),
        hint=hint,
    )
