"""Why results are missing, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS = 1000
"""So many different reasons are counted, others together."""

OTHER = "other reasons"


@dataclass(slots=True)
class Reasons:
    """How often which result was missing or malformed, and why: {(column, reason): rows}."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, errors: Mapping[str, str]) -> None:
        """Count the errors of a row. What follows a colon is a piece of a file, and differs."""
        for column, reason in errors.items():
            self._count((column, reason.partition(":")[0]), 1)

    def take(self, others: Reasons) -> None:
        """Add what others have counted."""
        for pair, count in others.counts.items():
            self._count(pair, count)

    def _count(self, pair: tuple[str, str], count: int) -> None:
        known = pair in self.counts or len(self.counts) < REASONS
        self.counts[pair if known else (pair[0], OTHER)] += count
