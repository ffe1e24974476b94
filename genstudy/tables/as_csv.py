"""What other formats have in common once they are seen as CSV: a stream of lines made some rows at a time."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

BOM = b"\xef\xbb\xbf"
UTF8_HINT = "save the table as UTF-8"

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that no cell may hold."""


class AsCsv(io.RawIOBase):
    """The CSV text of a table in another format. The header comes first, then a line a row."""

    def __init__(self) -> None:
        super().__init__()
        self._pending = b""

    @abstractmethod
    def next_text(self) -> bytes:
        """Return the lines of some more rows; nothing at the end."""

    def readable(self) -> bool:
        """Tell that this is read from."""
        return True

    def readinto(self, buffer: object) -> int:
        """Put the next bytes into a buffer, and return how many these are."""
        if not self._pending:
            self._pending = self.next_text()
        view = memoryview(buffer)  # type: ignore[arg-type]
        size = min(len(view), len(self._pending))
        view[:size] = self._pending[:size]
        self._pending = self._pending[size:]
        return size


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV lines. A lone empty cell is quoted, as a blank line is no row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@contextmanager
def named_damage(path: Path) -> Iterator[None]:
    """Turn what a damaged gzip file raises into a UserError that names it."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise UserError(f"the compressed file is damaged: {problem}", where=str(path)) from None
