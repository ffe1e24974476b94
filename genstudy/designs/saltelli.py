"""Saltelli's design: blocks of rows from which variance-based sensitivity indices are estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.designs.blocks import BesideConstants, BlockPoints, blocks_wanted, varying
from genstudy.designs.points import SequencePoints
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.blocks import Places
    from genstudy.designs.kinds import Request
    from genstudy.designs.source import Column, PointSource

DEFAULT_BLOCKS = 64
MOST_AXES, MOST_BLOCKS = SequencePoints.LIMITS["sobol"][0] // 2, SequencePoints.LIMITS["sobol"][1]


def saltelli_block(axes: int, *, second_order: bool) -> int:
    """Return how many rows a block has: A, AB_1 ... AB_d, [BA_1 ... BA_d,] B."""
    return 2 * axes + 2 if second_order else axes + 2


def is_from_b(role: Places, axis: int, axes: int, *, second_order: bool) -> NDArray[np.bool_]:
    """Tell for rows, by their places in their blocks, whether an axis has its value of B there, not of A.

    The places are those of SALib.sample.sobol: A; AB_i, which is A with axis i of B; with second_order BA_i,
    which is B with axis i of A; B (Saltelli, Computer Physics Communications 145, 2002).
    """
    last = saltelli_block(axes, second_order=second_order) - 1
    from_b: NDArray[np.bool_] = (role == 1 + axis) | (role == last)
    if second_order:
        from_b |= (role > axes) & (role != 1 + axes + axis)
    return from_b


class SaltelliPoints(BlockPoints):
    """Blocks of d + 2 rows (2 d + 2 with second_order) over a scrambled Sobol sequence of 2 d dimensions.

    The first d dimensions of its point number k are row A of block k, the others row B. More axes move all
    columns, more blocks none.
    """

    kind: Literal["unit"] = "unit"

    def __init__(self, axes: Sequence[Axis], seed: int, *, blocks: int, second_order: bool) -> None:
        if len(axes) > MOST_AXES:
            raise UserError(
                f"the design saltelli takes {MOST_AXES} parameters at most, not {len(axes)}",
                hint="screen them with the design morris first, or put parameters into groups",
            )
        if blocks > MOST_BLOCKS:
            raise UserError(f"the design saltelli has {MOST_BLOCKS} blocks at most, not {blocks}")
        super().__init__(saltelli_block(len(axes), second_order=second_order), blocks)
        self._axes, self._second_order = len(axes), second_order
        self._sequence = SequencePoints("sobol", [*axes, *axes], seed)

    def _bases(self, count: int) -> Column:
        return np.column_stack(self._sequence.draw(count))

    def _pass(self, count: int) -> None:
        self._sequence.skip(count)

    def _columns(self, bases: Column, block: Places, role: Places) -> Iterator[Column]:
        for axis in range(self._axes):
            from_b = is_from_b(role, axis, self._axes, second_order=self._second_order)
            yield np.where(from_b, bases[block, self._axes + axis], bases[block, axis])


def open_saltelli(request: Request) -> PointSource:
    """Open the design that a request asks for."""
    second_order = bool(request.arguments["second_order"])
    axes = varying(request.axes)
    block = saltelli_block(len(axes), second_order=second_order)
    blocks = blocks_wanted(request, block, "blocks", DEFAULT_BLOCKS)
    if blocks & (blocks - 1):
        request.note(f"saltelli is balanced where its blocks are a power of 2; {blocks} is none")
    points = SaltelliPoints(axes, request.seed, blocks=blocks, second_order=second_order)
    return BesideConstants(points, request.axes)
