"""A campaign's table written with more rows behind its own, which stay as they are, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.batches.showing import visible
from genstudy.errors import UserError

if TYPE_CHECKING:
    from typing import BinaryIO

LINE = 100
WAY_OUT = "the campaign's rows have to come first, cell for cell as they are; new ones stand behind them"


class Continued:
    """Writes a table to a stream, as long as it begins with the rows of the campaign's own."""

    def __init__(self, target: BinaryIO, old: BinaryIO, nbytes: int, title: str) -> None:
        """old: the campaign's table, of which nbytes count. title: how the new table is called."""
        self._target, self._old, self._left, self._title = target, old, nbytes, title
        self._row = -1

    def write(self, data: bytes, /) -> int:
        """Write more of the table. Raises UserError at the first row that is not what it was."""
        head = data[: self._left]
        was = self._old.read(len(head))
        if was != head:
            raise self._difference(was, data)
        self._left -= len(head)
        self._row += head.count(b"\n")
        self._target.write(data)
        return len(data)

    def check_complete(self, rows: int, wanted: int) -> None:
        """Refuse a table that had ended before the campaign's rows did."""
        if self._left:
            raise UserError(f"it has {rows} rows, and the campaign {wanted}", where=self._title, hint=WAY_OUT)

    def _difference(self, was: bytes, now: bytes) -> UserError:
        lines = zip(was.split(b"\n"), now.split(b"\n"), strict=False)
        place, old, new = next((n, old, new) for n, (old, new) in enumerate(lines) if old != new)
        return UserError(
            f"row {self._row + place} is not what it is in the campaign\n"
            f"    it was: {_shown(old)}\n    it is:  {_shown(new)}",
            where=self._title,
            hint=WAY_OUT,
        )


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "backslashreplace")
    return visible(text if len(text) <= LINE else f"{text[:LINE]}...")
