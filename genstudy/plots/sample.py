"""A sample of the rows of a table, drawn in one pass."""

from __future__ import annotations

import numpy as np
import polars as pl

SAMPLE = 2000
"""Rows of the sample that scatters and coverage are made from."""


class RowSample:
    """SAMPLE of all rows, each as likely as any other: those that drew the smallest random numbers."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._kept: list[tuple[float, int, tuple[str, ...]]] = []

    def add(self, frame: pl.DataFrame, first_row: int) -> None:
        """Take the next rows into account; first_row: the number of the first."""
        keys = self._random.random(frame.height)
        most = self._kept[-1][0] if len(self._kept) == SAMPLE else 1.0
        places = np.flatnonzero(keys < most)
        places = places[np.argsort(keys[places])[:SAMPLE]]
        # As tuples: a part of a frame would keep the whole block in memory.
        found = zip(keys[places].tolist(), (places + first_row).tolist(), frame[places].rows(), strict=True)
        self._kept = sorted([*self._kept, *found])[:SAMPLE]

    def cells(self, columns: int) -> list[pl.Series]:
        """Return the sample's cells by column, in the order of the rows."""
        rows = [cells for _, _, cells in sorted(self._kept, key=lambda kept: kept[1])]
        return [pl.Series([cells[place] for cells in rows], dtype=pl.String) for place in range(columns)]
