"""How rows are cut into batches, and how batches are named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_BATCH_SIZE = 1000
NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
LEAST_DIGITS = 4


def row_range(rows: int, start: int, wanted: int | None, *, where: str) -> tuple[int, int]:
    """Return the rows [start, stop) of a table of `rows` rows that are asked for."""
    if start < 0:
        raise UserError(f"--start must be at least 0, not {start}", where=where)
    if start >= rows:
        raise UserError(
            f"--start {start} is past the end: the table has {rows} rows",
            where=where,
            hint=f"rows are counted from 0, so the last is {rows - 1}",
        )
    if wanted is not None and wanted < 1:
        raise UserError(f"--rows must be at least 1, not {wanted}", where=where)
    if wanted is not None and start + wanted > rows:
        raise UserError(
            f"--start {start} and --rows {wanted} go past the end: the table has {rows} rows",
            where=where,
            hint=f"ask for at most {rows - start} rows",
        )
    return start, rows if wanted is None else start + wanted


def check_sizes(batch_size: int | None, batches: int | None) -> None:
    """Refuse a batch size or a number of batches that cannot be."""
    if batch_size is not None and batches is not None:
        raise UserError("--batch-size and --batches exclude each other", hint="give one of them")
    if batch_size is not None and batch_size < 1:
        raise UserError(f"--batch-size must be at least 1, not {batch_size}")
    if batches is not None and batches < 1:
        raise UserError(f"--batches must be at least 1, not {batches}")


def equal_batches(rows: int, batches: int, *, block: int = 1) -> Callable[[int], int]:
    """Return the function that gives each batch's rows: sizes differ by one at most, larger ones first.

    block: rows that belong together; sizes then differ by one block at most.
    """
    count, rest = divmod(rows, block)
    count += rest > 0
    if batches > count:
        told = f"rows, {rows}" if block == 1 else f"blocks, {count} of {block} rows that belong together"
        raise UserError(f"--batches {batches} is more than there are {told}")
    size, larger = divmod(count, batches)
    return lambda number: (size + (number < larger)) * block


def whole_blocks(batch_size: int | None, block: int) -> int:
    """Return the rows of a batch that holds only whole blocks: no more than asked for, at least one block.

    batch_size: what was asked for, if anything. block: rows that belong together. UserError where what was
    asked for is less than a block.
    """
    if batch_size is not None and batch_size < block:
        raise UserError(
            f"--batch-size {batch_size} is less than the {block} rows that belong together",
            hint=f"the design makes rows in blocks, which batches keep whole: pass {block} or more",
        )
    size = batch_size or DEFAULT_BATCH_SIZE
    return max(block, size // block * block)


def check_blocks(start: int, stop: int, rows: int, block: int, *, where: str) -> None:
    """Refuse rows [start, stop) of a table of `rows` rows that begin or end within a block."""
    for option, row in (("--start", start), ("--rows", stop)):
        if row % block and row != rows:
            low = row // block * block
            raise UserError(
                f"{option} cuts a block: {block} rows belong together, and row {row} is within "
                f"rows {low} to {low + block - 1}",
                where=where,
                hint=f"begin and end at a multiple of {block}, such as row {low}",
            )


def check_campaign_name(name: str) -> None:
    """Refuse a name that cannot begin the names of files and studies."""
    if not NAME_FORM.fullmatch(name):
        raise UserError(
            f"'{name}' cannot name a campaign",
            hint="--name takes letters, digits, dots, dashes, underscores, a letter or digit first",
        )


def batch_ids(count: int) -> list[str]:
    """Return the batches' numbers as text, zero-padded to the number of batches."""
    width = max(LEAST_DIGITS, len(str(count - 1)))
    return [f"{number:0{width}d}" for number in range(count)]
