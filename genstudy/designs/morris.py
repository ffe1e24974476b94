"""Morris' design: trajectories through a grid, along which one axis moves at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.designs.blocks import BesideConstants, BlockPoints, blocks_wanted, varying
from genstudy.designs.points import stream
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genstudy.designs.axes import Axis
    from genstudy.designs.blocks import Places
    from genstudy.designs.kinds import Request
    from genstudy.designs.source import Column, PointSource

DEFAULT_TRAJECTORIES = 10
NUMBERS = 3
"""Random numbers of an axis in a trajectory: its level, whether it goes up, and its turn."""


MOST_LEVELS = 2**30


def step_size(levels: int) -> float:
    """Return the step of a trajectory on a grid of so many levels of [0, 1]: p / (2 (p - 1)).

    With an even p, all levels are then equally likely (Morris, Technometrics 33, 1991).
    """
    return levels / (2 * (levels - 1))


class MorrisPoints(BlockPoints):
    """Trajectories of d + 1 rows each: from one row to the next, one axis goes up or down by a step.

    Each trajectory is independent of the others: random are for each axis the lower level of its step,
    whether it goes up or down, and its turn (Morris, Technometrics 33, 1991). The grid goes from end to end
    of a law. An axis that has two levels goes from the one to the other.
    """

    kind: Literal["coded"] = "coded"

    def __init__(self, axes: Sequence[Axis], seed: int, *, trajectories: int, levels: int) -> None:
        if levels % 2:
            raise UserError(
                f"the design morris takes an even number of levels, not {levels}",
                hint="a step is half of the levels long, so that all of them are equally likely",
            )
        if levels > MOST_LEVELS:
            raise UserError(
                f"the design morris takes {MOST_LEVELS} levels at most, not {levels}", hint="4 or 6 are usual"
            )
        super().__init__(len(axes) + 1, trajectories)
        self._levels = levels
        self._two_levels = [axis.count == 2 for axis in axes]
        self._random = stream(seed, "morris")

    def _bases(self, count: int) -> Column:
        return self._random.random((count, NUMBERS, len(self._two_levels)))

    def _pass(self, count: int) -> None:
        bits = self._random.bit_generator
        assert isinstance(bits, np.random.PCG64)
        bits.advance(count * NUMBERS * len(self._two_levels))

    def _columns(self, bases: Column, block: Places, role: Places) -> Iterator[Column]:
        half = self._levels // 2
        low = np.floor(bases[:, 0] * half)
        falls = bases[:, 1] < 0.5
        turns = np.argsort(np.argsort(bases[:, 2], axis=1, kind="stable"), axis=1, kind="stable")
        for axis, two_levels in enumerate(self._two_levels):
            moved = role > turns[block, axis]
            level = low[block, axis] + half * (moved != falls[block, axis])
            x = 2 * level / (self._levels - 1) - 1
            yield np.sign(x) if two_levels else x


def open_morris(request: Request) -> PointSource:
    """Open the design that a request asks for."""
    axes = varying(request.axes)
    trajectories = blocks_wanted(request, len(axes) + 1, "trajectories", DEFAULT_TRAJECTORIES)
    levels = int(request.arguments["levels"])
    points = MorrisPoints(axes, request.seed, trajectories=trajectories, levels=levels)
    return BesideConstants(points, request.axes)
