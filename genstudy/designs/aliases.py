"""Aliases of a fraction of a two-level design: effects that its rows cannot tell apart."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_WORK = 10**8
"""Rows times pairs of parameters for which aliases are looked for."""

TOLD = 8


def aliases_of(matrix: NDArray[np.float64], names: Sequence[str]) -> list[list[str]]:
    """Return effects that cannot be told apart, those of single parameters and of pairs (`a*b`).

    matrix: of -1 and 1, shape (rows, parameters). Only groups of two and more, parameters first.
    """
    signs = (matrix < 0).astype(np.uint8)
    found: dict[bytes, list[str]] = {}
    effects = [(name, signs[:, place]) for place, name in enumerate(names)]
    pairs = ((f"{one[0]}*{two[0]}", one[1] ^ two[1]) for one, two in combinations(effects, 2))
    for name, column in (*effects, *pairs):
        # An effect and its opposite are the same to the rows: what counts is where it changes its sign.
        found.setdefault(np.packbits(column ^ column[0]).tobytes(), []).append(name)
    return [group for group in found.values() if len(group) > 1]


def alias_note(matrix: NDArray[np.float64], names: Sequence[str]) -> str:
    """Return in a sentence which effects a two-level design mixes up."""
    rows, axes = matrix.shape
    share = f"{rows} of {2**axes} combinations" if axes <= 40 else f"{rows} rows"
    if rows * axes**2 / 2 > MOST_WORK:
        return f"{share}; with so many parameters, aliases are not looked for"
    groups = aliases_of(matrix, names)
    if not groups:
        return f"{share}; no two effects of single parameters or pairs are mixed up"
    single = sum("*" not in group[0] for group in groups)
    told = ", ".join(" = ".join(group[:4]) + (" = ..." if len(group) > 4 else "") for group in groups[:TOLD])
    more = f" and {len(groups) - TOLD} more" if len(groups) > TOLD else ""
    what = "parameters are mixed up with pairs" if single else "pairs are mixed up with pairs"
    return f"{share}; {what}: {told}{more}"
