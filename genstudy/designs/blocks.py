"""Designs made of blocks: rows that belong together, each made of a few random numbers of its block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.axes import varies
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.kinds import Request
    from genstudy.designs.source import Column, Kind

    Places = NDArray[np.int64]


class BlockPoints(ABC):
    """Points in blocks, drawn in any pieces: the numbers of a block that is not at its end are kept.

    block: rows of a block. total: of all blocks.
    """

    kind: Kind

    def __init__(self, block: int, blocks: int) -> None:
        self.block = block
        self.total = blocks * block
        self._next = 0
        self._base: Column | None = None
        self._drawn = 0

    @abstractmethod
    def _bases(self, count: int) -> Column:
        """Return the numbers of the next blocks: an array with `count` entries along its first axis."""

    @abstractmethod
    def _pass(self, count: int) -> None:
        """Pass over the numbers of so many blocks."""

    @abstractmethod
    def _columns(self, bases: Column, block: Places, role: Places) -> Iterator[Column]:
        """Yield the columns of rows. block: the place of each row's block in bases; role: its place in it."""

    def draw(self, count: int) -> Iterator[Column]:
        """Return the next rows, which may begin and end within a block."""
        count = min(count, self.total - self._next)
        block, role = np.divmod(np.arange(self._next, self._next + count, dtype=np.int64), self.block)
        self._next += count
        missing = int(block[-1]) + 1 - self._drawn
        if missing > 0:
            new = self._bases(missing)
            self._drawn += missing
            bases = new if self._base is None else np.concatenate([self._base, new])
        else:
            assert self._base is not None
            bases = self._base
        self._base = bases[-1:]
        return self._columns(bases, block - (self._drawn - len(bases)), role)

    def skip(self, count: int) -> None:
        """Pass over rows, as if they had been drawn."""
        self._next += count
        whole = self._next // self.block
        if whole > self._drawn:
            self._pass(whole - self._drawn)
            self._base, self._drawn = None, whole

    def close(self) -> None:  # noqa: B027 - no design has to do anything
        """Nothing is open."""


class BesideConstants:
    """Points of the axes that vary, with a column of zeros for each axis that does not."""

    def __init__(self, source: BlockPoints, axes: Sequence[Axis]) -> None:
        self.kind, self.total, self.block = source.kind, source.total, source.block
        self._source, self._axes = source, axes

    def draw(self, count: int) -> list[Column]:
        """Return the next points, as the source does."""
        varied = iter(columns := list(self._source.draw(count)))
        still = np.zeros(len(columns[0]))
        return [next(varied) if varies(axis) else still for axis in self._axes]

    def skip(self, count: int) -> None:
        """Pass over points."""
        self._source.skip(count)

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()


def varying(axes: Sequence[Axis]) -> list[Axis]:
    """Return the axes that vary: a constant has no index, and no row of its own. UserError for none."""
    found = [axis for axis in axes if varies(axis)]
    if not found:
        raise UserError("all parameters are constant", hint="give one a law, as width=uniform(0, 1)")
    return found


def blocks_wanted(request: Request, block: int, argument: str, default: int) -> int:
    """Return how many blocks a request asks for: by its rows, by this argument, or else by default."""
    said, rows = request.arguments[argument], request.rows
    if rows is None:
        return default if said is None else int(said)
    if rows % block:
        low = rows // block * block
        near = f"{low} or {low + block}" if low else f"{block}"
        raise UserError(
            f"{rows} rows are no whole number of blocks: {block} rows belong together",
            hint=f"pass -n {near}, or leave -n out and write {argument}=...",
        )
    if said is not None and rows != int(said) * block:
        raise UserError(
            f"{argument}={said} are {int(said) * block} rows, and -n says {rows}", hint="say one of them"
        )
    return rows // block
