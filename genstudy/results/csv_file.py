"""Results out of a CSV file with a header: one of its rows. A row is a line: no cell goes on over its end."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, Any

from genstudy.results.lines import BOM, first_lines, last_line, lines_of
from genstudy.results.values import Missing, parsed, shown

if TYPE_CHECKING:
    from genstudy.results.workspace import Content
    from genstudy.specs.result_sources import Source


class CsvFile:
    """Takes columns out of one row of a CSV file, each by its name in the header."""

    def __init__(self, source: Source) -> None:
        self.columns = tuple(source.columns)
        self._keys = [source.key_of(name) for name in self.columns]
        self._types = [source.type_of(name) for name in self.columns]
        self._row, self._delimiter = source.row, source.delimiter
        self._header: bytes | None = None
        self._names: list[str] = []

    def take(self, content: Content, errors: dict[str, str]) -> tuple[Any, ...]:
        """Return the columns' values, and note why some are None. Raises Missing for the file as a whole."""
        header, line = self._lines(content)
        if header != self._header:
            self._names = self._cells(header.removeprefix(BOM))
            self._header = header
        cells = self._cells(line)
        if len(cells) != len(self._names):
            raise Missing(f"a ragged row: {len(cells)} cells, and {len(self._names)} in the header")
        return tuple([self._one(cells, place, errors) for place in range(len(self.columns))])

    def _one(self, cells: list[str], place: int, errors: dict[str, str]) -> Any:
        key = self._keys[place]
        try:
            if self._names.count(key) != 1:
                raise Missing(
                    f"the column {shown(key)} stands twice"
                    if key in self._names
                    else f"no column {shown(key)}"
                )
            return parsed(cells[self._names.index(key)], self._types[place])
        except Missing as reason:
            errors[self.columns[place]] = str(reason)
            return None

    def _lines(self, content: Content) -> tuple[bytes, bytes]:
        """Return the header's line and that of the row."""
        if self._row == "last":
            header, second = first_lines(content)
            row = last_line(content) if second else b""
        elif self._row == "first":
            header, row = first_lines(content)
        else:
            lines = lines_of(content)
            header = next(lines, b"")
            row = next(islice(lines, int(self._row), None), b"")
        if not header:
            raise Missing("an empty file")
        if not row:
            raise Missing("no rows" if isinstance(self._row, str) else f"no row {self._row}")
        return header, row

    def _cells(self, line: bytes) -> list[str]:
        text = line.decode("utf-8", "surrogateescape")
        if '"' not in text:
            return [cell.strip() for cell in text.split(self._delimiter)]
        if text.count('"') % 2:
            raise Missing("not CSV: a quote without another")
        try:
            skip = not self._delimiter.isspace()
            [cells] = csv.reader([text], delimiter=self._delimiter, strict=True, skipinitialspace=skip)
        except csv.Error as problem:
            raise Missing(f"not CSV: {problem}") from None
        return [cell.strip() for cell in cells]
