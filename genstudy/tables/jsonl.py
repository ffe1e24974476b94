"""JSON Lines as CSV: an object a line, its keys the columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO

from genstudy.errors import UserError, near
from genstudy.tables.as_csv import BOM, CONTROL, UTF8_HINT, AsCsv, csv_lines, named_damage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LINES = 4096
LONGEST_LINE = 1 << 26
OBJECT_HINT = 'a line is one object with the columns, such as {"width": 1.5, "name": "a"}'
WORDS = {True: "true", False: "false", None: ""}

# Numbers stay as they were written; an object comes as the tuple of its pairs, a list as a list.
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=str)


class JsonLinesAsCsv(AsCsv):
    """The CSV text of JSON Lines. A line makes a line, so that lines can be counted: a blank one a blank one.

    The first object's keys are the columns. Of later objects none may have others; a missing one is an empty
    cell.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        """Take the stream of a file's bytes, unpacked, and read its first object."""
        super().__init__()
        self._path, self._stream = path, stream
        self._line, self._row = 0, 0
        self._keys: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()
        self._pending = self._first_text()

    def close(self) -> None:
        """Close the file too."""
        self._stream.close()
        super().close()

    def next_text(self) -> bytes:
        """Return the lines of the next objects."""
        text: list[str] = []
        rows: list[Sequence[str]] = []
        for _ in range(LINES):
            line = self._next_line()
            if not line:
                break
            if line.isspace():
                text.append(csv_lines(rows) + "\n")
                rows = []
                continue
            rows.append(self._cells(line, self._pairs(line)))
            self._row += 1
        return ("".join(text) + csv_lines(rows)).encode()

    def _first_text(self) -> bytes:
        blanks = 0
        line = self._next_line().removeprefix(BOM)
        while line.isspace():
            blanks, line = blanks + 1, self._next_line()
        if not line:
            return b""
        pairs = self._pairs(line)
        self._keys = tuple(key for key, _ in pairs)
        self._known = frozenset(self._keys)
        self._sorted(pairs)
        for key in self._keys:
            if not key.strip():
                raise UserError("a key is empty", where=self._place(), hint=OBJECT_HINT)
            if CONTROL.search(key) or not _is_text(key):
                raise UserError(f"a control character in the key {key!r}", where=self._place())
        if not self._keys:
            raise UserError("the first object has no keys", where=self._place(), hint=OBJECT_HINT)
        first = csv_lines([self._cells(line, pairs)])
        self._row += 1
        return (csv_lines([self._keys]) + "\n" * blanks + first).encode()

    def _next_line(self) -> bytes:
        with named_damage(self._path):
            line = self._stream.readline(LONGEST_LINE)
        self._line += 1
        if len(line) == LONGEST_LINE:
            raise UserError("the line is too long to be a row", where=self._place(), hint=OBJECT_HINT)
        return line

    def _pairs(self, line: bytes) -> tuple[tuple[str, Any], ...]:
        """Return the keys and values of a line's object."""
        try:
            found = _DECODER.decode(line.decode())
        except UnicodeDecodeError as problem:
            raise UserError(
                f"byte {problem.start + 1} of the line is not UTF-8", where=self._place(), hint=UTF8_HINT
            ) from None
        except json.JSONDecodeError as problem:
            reason = f"{problem.msg.removesuffix(' at')} at character {problem.pos + 1}"
            raise UserError(f"not a JSON object: {reason}", where=self._place(), hint=OBJECT_HINT) from None
        except RecursionError:
            raise UserError("nested too deeply", where=self._place(), hint=OBJECT_HINT) from None
        if not isinstance(found, tuple):
            kind = "a list" if isinstance(found, list) else "a value"
            raise UserError(f"{kind}, not a JSON object", where=self._place(), hint=OBJECT_HINT)
        return found

    def _cells(self, line: bytes, pairs: tuple[tuple[str, Any], ...]) -> list[str]:
        """Return the cells of an object, in the columns' order."""
        if tuple(key for key, _ in pairs) == self._keys:
            values = [value for _, value in pairs]
        else:
            values = self._sorted(pairs)
        cells = [
            value if type(value) is str else self._text(place, value) for place, value in enumerate(values)
        ]
        # Only an escape can make a line break, or what is no character.
        if b"\\" in line:
            self._check_characters(cells)
        return cells

    def _sorted(self, pairs: tuple[tuple[str, Any], ...]) -> list[Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for place, key in enumerate(names) if key in names[:place])
            raise UserError(f"the key {twice!r} stands in the object twice", where=self._place())
        for key in found:
            if key not in self._known:
                raise UserError(
                    f"the key {key!r} is not in the first object{near(key, self._keys)}",
                    where=self._place(),
                    hint=f"the first object's keys are the columns: {', '.join(self._keys)}",
                )
        return [found.get(key) for key in self._keys]

    def _text(self, place: int, value: Any) -> str:
        if isinstance(value, tuple | list):
            kind = "a list" if isinstance(value, list) else "an object"
            raise UserError(f"{kind}, not a value", where=self._place(place), hint="a cell is one value")
        return WORDS[value]

    def _check_characters(self, cells: list[str]) -> None:
        for place, cell in enumerate(cells):
            if CONTROL.search(cell) or not _is_text(cell):
                raise UserError(
                    f"a control character in {cell!r}",
                    where=self._place(place),
                    hint="values become text in scripts and names: take it out",
                )

    def _place(self, column: int | None = None) -> str:
        at_column = "" if column is None else f", column {self._keys[column]}"
        return f"{self._path}, row {self._row} (line {self._line}){at_column}"


def _is_text(text: str) -> bool:
    """Tell whether a text has no half of a surrogate pair."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
