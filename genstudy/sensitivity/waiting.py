"""Which rows of a campaign its indices wait for, and why these are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genstudy.batches.known import read_campaign
from genstudy.inspection.why_rows import Spans, ended_rows
from genstudy.ledger.ranges import Rows
from genstudy.sensitivity.agreement import check_agreement
from genstudy.sensitivity.layout import layout_of, moves_of, saltelli_roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.batches.known import Known
    from genstudy.sensitivity.layout import Layout, Moves

    Mask = NDArray[np.bool_]


class Ended:
    """Which rows of a layout are done, and which failed in their last try: a truth a row."""

    def __init__(self, known: Known, layout: Layout) -> None:
        ended = ended_rows(known)
        self.done: Mask = Spans(ended.done).mask(layout.start, layout.rows)
        self.failed: Mask = Spans(ended.failed).mask(layout.start, layout.rows)


def needed(layout: Layout, axis: int, moves: Moves | None) -> Mask:
    """Return which rows the indices of an axis need, shape (rows,).

    Of Saltelli's design those are A, B and AB_i, of Morris' the two rows of its step. moves: of the latter.
    """
    points = np.zeros((layout.blocks, layout.block), dtype=np.bool_)
    if moves is None:
        points[:, saltelli_roles(layout, axis)] = True
    else:
        each = np.arange(layout.blocks)
        points[each, moves.before[:, axis]] = True
        points[each, moves.before[:, axis] + 1] = True
    return np.repeat(points.reshape(-1), layout.replicates)


def rows_of_mask(mask: Mask, first: int) -> Rows:
    """Return the numbers of rows. mask: which they are, from the row `first` on."""
    padded = np.concatenate([[False], mask, [False]])
    return Rows((np.flatnonzero(padded[1:] != padded[:-1]) + first).tolist())


def rows_waited_for(folder: str | Path, parameters: Sequence[str]) -> Rows:
    """Return the failed rows that the indices of these parameters, or groups, need.

    Raises UserError where the design of the campaign gives no indices, or varies no such parameter.
    """
    known = read_campaign(Path(folder))
    layout = layout_of(known.folder, known.manifest)
    axes = [layout.place_of(name) for name in parameters]
    check_agreement(known, layout)
    moves = moves_of(layout) if layout.design.name == "morris" else None
    failed, wanted = Ended(known, layout).failed, np.zeros(layout.rows, dtype=np.bool_)
    for axis in axes:
        wanted |= needed(layout, axis, moves)
    return rows_of_mask(failed & wanted, layout.start)
