"""What a cell may hold, and the fast proof that a whole block of lines holds nothing else.

Values reach shell scripts by text substitution, so every cell is looked at before anything is written. Most
tables are numbers: a block whose bytes are all plain, with the right number of commas in each line, needs no
parsing. Only other blocks are parsed, cell by cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection

    from genstudy.tables.read import Block, Table

PLAIN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_@%+=:./^-"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SHELL_ACTIVE = re.compile(r"[^A-Za-z0-9_@%+=:,./^\x80-\U0010ffff-]")
MISSING = frozenset({"", "nan", "+nan", "-nan"})
NOT_A_NUMBER = re.compile(rb"nan", re.IGNORECASE)


def is_shell_active(value: str) -> bool:
    """Tell whether an unquoted value is more than plain text to a shell (ASCII marks, spaces included)."""
    return SHELL_ACTIVE.search(value) is not None


def is_missing(value: str) -> bool:
    """Tell whether a cell is empty or NaN."""
    return value.strip().lower() in MISSING


@dataclass(slots=True)
class CellCheck:
    """Checks the rows of a table, and remembers what a template may still object to.

    bare: columns that a step uses as a bare `$(NAME)`; a shell-active value there is refused at once.
    allow_missing: let empty and NaN cells pass.
    """

    table: Table
    bare: Collection[str] = ()
    allow_missing: bool = False
    _bare_places: list[int] = field(init=False)

    def __post_init__(self) -> None:
        columns = self.table.columns
        self._bare_places = [place for place, name in enumerate(columns) if name in self.bare]

    def check(self, block: Block) -> None:
        """Refuse the block's first ragged row, control character, missing or unsafe cell."""
        if not self._is_plain(block):
            for place, cells in enumerate(self.table.cells(block)):
                self._check_row(cells, block.first_row + place, block.first_line + place)

    def _is_plain(self, block: Block) -> bool:
        """Prove by bytes alone that nothing in the block can be objected to."""
        text = b"".join(block.lines).replace(b"\r\n", b"\n")
        if text.translate(None, PLAIN + b",\n"):
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
                hint="fill it in, or pass --allow-missing",
            )
        for place in self._bare_places:
            if is_shell_active(cells[place]):
                name = columns[place]
                raise UserError(
                    f"{cells[place]!r} has shell-active characters, and the template uses it as a bare "
                    f"$({name.upper()})",
                    where=self.table.place(row, line, name),
                    hint=f"write $({name.upper()}.quoted) in the template, or pass --allow-unsafe-values",
                )
