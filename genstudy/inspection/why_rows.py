"""The rows of a campaign by what became of them in their last attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.errors import UserError, near
from genstudy.ledger.ranges import Rows
from genstudy.ledger.state import LOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from genstudy.batches.known import Known
    from genstudy.ledger.state import BatchState

Kind = tuple[str, str]
"""The step that failed first, and Maestro's or the scheduler's word for it."""

OUTSIDE = frozenset({"BOOT_FAIL", "CANCELLED", "DEADLINE", "HWFAILURE", "NODE_FAIL", "PREEMPTED", "REVOKED"})
"""Words for what came from outside of a row's job, and would have come whatever its values are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRows:
    """done: rows that finished; kinds: all failed rows; failed: those of them that were asked for.

    compared: those of `failed` that may tell why rows fail: the others failed as their job was taken away,
    before they had begun as far as is known, or for what had nothing to do with them. total: rows of the
    campaign. A row counts by its last attempt; one to be tried again has not ended.
    """

    total: int
    done: Rows
    kinds: dict[Kind, Rows]
    failed: Rows
    compared: Rows

    @property
    def pending(self) -> int:
        """Rows that have not ended."""
        return self.total - len(self.done) - sum(map(len, self.kinds.values()))


def ended_rows(known: Known, *, step: str | None = None, state: str | None = None) -> EndedRows:
    """Return the rows of a campaign that ended. step, state: take only the rows that failed like that.

    With a state, all of these are compared. Raises UserError for a step that the campaign has not.
    """
    _check_step(known, step)
    done, taken, kinds = Rows(), Rows(), dict[Kind, Rows]()
    attempts: dict[int, list[BatchState]] = {}
    for batch in known.state.batches.values():
        attempts.setdefault(batch.entry.attempt, []).append(batch)
    for _, batches in sorted(attempts.items()):
        again = union(batch.rows for batch in batches)
        kinds = {kind: rows - again for kind, rows in kinds.items()}
        done = done - again | union(batch.done for batch in batches)
        taken = taken - again | union(batch.taken for batch in batches if batch.taken is not None)
        for kind, rows in _failures(batches).items():
            kinds[kind] = kinds.get(kind, Rows()) | rows
    kinds = {kind: rows for kind, rows in kinds.items() if rows.spans}
    wanted = {kind: rows for kind, rows in kinds.items() if _is_wanted(kind, step, state)}
    own = union(rows for (_, word), rows in wanted.items() if word not in OUTSIDE) - taken
    failed = union(wanted.values())
    return EndedRows(
        total=known.state.tally.rows,
        done=done,
        kinds=kinds,
        failed=failed,
        compared=own if state is None else failed,
    )


def _check_step(known: Known, step: str | None) -> None:
    names = [entry.name for entry in known.manifest.steps]
    if step is not None and step not in names:
        raise UserError(
            f"the campaign has no step '{step}'{near(step, names)}",
            where=str(known.folder),
            hint=f"its steps are: {', '.join(names)}; rows that were lost may have none (--state {LOST})",
        )


def _is_wanted(kind: Kind, step: str | None, state: str | None) -> bool:
    return step in {None, kind[0]} and (state is None or state.upper() == kind[1])


def _failures(batches: Iterable[BatchState]) -> dict[Kind, Rows]:
    parts: dict[Kind, list[Rows]] = {}
    for batch in batches:
        for failure in batch.failures:
            parts.setdefault((failure.step, failure.state), []).append(Rows.parse(failure.rows))
    return {kind: union(rows) for kind, rows in parts.items()}


def union(parts: Iterable[Rows]) -> Rows:
    """Return the rows that are in any of these sets, joined by pairs, so that nothing is quadratic."""
    sets = list(parts)
    while len(sets) > 1:
        sets = [one | other for one, other in _pairs(sets)]
    return sets[0] if sets else Rows()


def _pairs(sets: list[Rows]) -> Iterator[tuple[Rows, Rows]]:
    for place in range(0, len(sets), 2):
        yield sets[place], sets[place + 1] if place + 1 < len(sets) else Rows()


class Spans:
    """A set of rows as arrays, to be looked at a block of the table at a time."""

    def __init__(self, rows: Rows) -> None:
        spans = np.array(rows.spans, dtype=np.int64).reshape(-1, 2)
        self._starts, self._stops = spans[:, 0], spans[:, 1]
        self._ends = np.cumsum(self._stops - self._starts)
        self.count = len(rows)

    def mask(self, first: int, count: int) -> NDArray[np.bool_]:
        """Return for each of the rows from `first` on whether it is in the set."""
        one = np.searchsorted(self._stops, first, side="right")
        last = np.searchsorted(self._starts, first + count, side="left")
        change = np.zeros(count + 1, dtype=np.int64)
        np.add.at(change, np.clip(self._starts[one:last] - first, 0, count), 1)
        np.add.at(change, np.clip(self._stops[one:last] - first, 0, count), -1)
        return np.cumsum(change[:-1]) > 0

    def chosen(self, most: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return at most that many rows in order: all, or one by chance out of each of equal parts."""
        parts = min(most, self.count)
        edges: NDArray[np.int64] = np.arange(parts + 1, dtype=np.int64) * self.count // max(parts, 1)
        ranks = generator.integers(edges[:-1], edges[1:])
        place = np.searchsorted(self._ends, ranks, side="right")
        return np.asarray(self._stops[place] - (self._ends[place] - ranks), dtype=np.int64)
