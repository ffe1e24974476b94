"""Dots of a category, spread over a part of its room so that they do not hide each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.plots.scales import LevelScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genstudy.plots.scales import Scale

ROOM = 0.5
"""The part of a category's room that its dots are spread over."""

STEPS = (0.7548776662466927, 0.5698402909980532)
"""Multiples of these, modulo 1, are even in the plane for any count (Roberts, the R2 sequence, 2018)."""


def spread(count: int, scale: Scale, axis: Literal[0, 1]) -> NDArray[np.float64]:
    """Return what is added to the places of dots on an axis, shape (count,): 0 where it is one of numbers.

    axis: 0 across, 1 down. It is the same each time.
    """
    if not isinstance(scale, LevelScale):
        return np.zeros(count)
    return ((np.arange(count) * STEPS[axis] + 0.5) % 1.0 - 0.5) * ROOM / max(1, len(scale.levels))
