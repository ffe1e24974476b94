"""What a cell may hold, and the fast proof that a whole block of lines holds nothing else.

Values reach shell scripts by text substitution, so every cell is looked at before anything is written. Most
tables are numbers: a block whose bytes are all plain, with the right number of commas in each line, needs no
parsing. Only other blocks are parsed, cell by cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.parameters.names import token_of
from genstudy.tables.as_csv import CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genstudy.tables.read import Table
    from genstudy.tables.streams import Block

PLAIN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_@%+=:./^-"
SHELL_ACTIVE = re.compile(r"[^A-Za-z0-9_@%+=:,./^\x80-\U0010ffff-]")
LONGEST_LINE = 100_000
"""A longer line may hold a cell that no csv reader takes; it is parsed to see."""

MISSING = frozenset({"", "nan", "+nan", "-nan"})
READ_TWICE = (" in arithmetic", " in what bash reads a second time")
"""How a use is described where a variable is no way out."""

NOT_A_NUMBER = re.compile(rb"nan", re.IGNORECASE)


def is_shell_active(value: str) -> bool:
    """Tell whether an unquoted value is more than plain text to a shell (ASCII marks, spaces included)."""
    return SHELL_ACTIVE.search(value) is not None


def is_missing(value: str) -> bool:
    """Tell whether a cell is empty or NaN."""
    return value.strip().lower() in MISSING


class CellCheck:
    """Checks the rows of a table, and remembers the first shell-active value of each column.

    exposed: columns whose values a shell would read, and how the template uses each, such as `a bare $(A)`;
    a shell-active value there is refused at once.
    allow_missing: let empty and NaN cells pass. settled: both are so of a campaign that is made already, and
    no option changes them.
    """

    def __init__(
        self,
        table: Table,
        exposed: Mapping[str, str] | None = None,
        *,
        allow_missing: bool = False,
        settled: bool = False,
    ) -> None:
        """Begin with no row seen."""
        self.table = table
        self.exposed = exposed or {}
        self.allow_missing = allow_missing
        self.settled = settled
        self._unseen = dict(enumerate(table.columns))
        self._active: dict[str, tuple[str, int, int]] = {}

    def check(self, block: Block) -> None:
        """Refuse the block's first ragged row, control character, missing or unsafe cell."""
        if not self._is_plain(block):
            for place, cells in enumerate(self.table.cells(block)):
                self._check_row(cells, block.first_row + place, block.first_line + place)

    def refuse_exposed(self, exposed: Mapping[str, str]) -> None:
        """Refuse the shell-active values that were seen in any of these columns."""
        for name in exposed:
            if name in self._active:
                raise self._unsafe(name, exposed[name])

    def _is_plain(self, block: Block) -> bool:
        """Prove by bytes alone that nothing in the block can be objected to."""
        text = b"".join(block.lines).replace(b"\r\n", b"\n")
        if text.translate(None, PLAIN + b",\n") or max(map(len, block.lines)) > LONGEST_LINE:
            return False
        commas = len(self.table.columns) - 1
        if any(line.count(b",") != commas for line in block.lines):
            return False
        if self.allow_missing:
            return True
        empty = text.startswith(b",") or b",," in text or b"\n," in text or b",\n" in text
        return not (empty or text.endswith(b",") or NOT_A_NUMBER.search(text))

    def _check_row(self, cells: list[str], row: int, line: int) -> None:
        columns = self.table.columns
        if len(cells) != len(columns):
            raise UserError(
                f"the row has {len(cells)} cells, the header has {len(columns)}",
                where=self.table.place(row, line),
                hint="mend the row; a comma inside a value needs quotes around the value",
            )
        if CONTROL.search("".join(cells)):
            column, cell = next((c, v) for c, v in zip(columns, cells, strict=True) if CONTROL.search(v))
            raise UserError(
                f"a control character in {cell!r}",
                where=self.table.place(row, line, column),
                hint="values become text in scripts and names: take it out",
            )
        if not self.allow_missing and any(map(is_missing, cells)):
            column, cell = next((c, v) for c, v in zip(columns, cells, strict=True) if is_missing(v))
            raise UserError(
                f"the cell is {'empty' if not cell.strip() else 'not a number (' + cell + ')'}",
                where=self.table.place(row, line, column),
                hint="fill it in: the campaign was made without --allow-missing"
                if self.settled
                else "fill it in, or pass --allow-missing",
            )
        self._look_for_active(cells, row, line)

    def _look_for_active(self, cells: list[str], row: int, line: int) -> None:
        for place in [place for place in self._unseen if is_shell_active(cells[place])]:
            name = self._unseen.pop(place)
            self._active[name] = (cells[place], row, line)
            if name in self.exposed:
                raise self._unsafe(name, self.exposed[name])

    def _unsafe(self, name: str, use: str) -> UserError:
        value, row, line = self._active[name]
        way_out = f"{_way_out(name, use)}, or pass --allow-unsafe-values"
        if self.settled:
            way_out = "change the value, or make another campaign, whose template quotes it: genstudy specs"
        return UserError(
            f"{value!r} has shell-active characters, and the template uses it as {use}",
            where=self.table.place(row, line, name),
            hint=way_out,
        )


def _way_out(name: str, use: str) -> str:
    quoted = f"$({token_of(name)}.quoted)"
    if use.startswith("a bare"):
        return f"write {quoted} in the template"
    if use.endswith(READ_TWICE):
        return "use it elsewhere, as bash would execute it there even by way of a variable"
    variable = token_of(name).lower().replace("-", "_")
    return (
        f'put it into a variable on a line of its own, at the top: {variable}={quoted}, and use "${variable}"'
    )
