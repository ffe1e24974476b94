"""What a campaign's state comes to: counts, and what a row costs, for people and for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from genstudy.ledger.state import CampaignState
    from genstudy.ledger.tally import Tally
    from genstudy.specs.manifest import StepEntry

ENTRIES_PER_STEP = 4
"""Files and folders that Maestro makes for a step of a row: its folder, script, output and errors."""

ENTRIES_PER_STUDY = 17
"""Files and folders that Maestro makes for a study besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of `total` are done, failed and pending; the three add up to it."""

    total: int
    done: int
    failed: int
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What rows have cost up to now, on average. measured: the number of rows that this comes from.

    seconds: of Maestro's running time. entries: files and folders. nbytes: of files, before archiving.
    """

    measured: int
    seconds: float
    entries: float
    nbytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCounts:
    """What was collected. shown: the database; rows: of all attempts; faulty: with something missing.

    missing: {result: how often it is missing or malformed}.
    """

    shown: str
    batches: int
    rows: int
    faulty: int
    missing: Mapping[str, int]


def count_results(state: CampaignState, shown: str, *, lost: Collection[str] = frozenset()) -> ResultCounts:
    """Add up what the runs of a campaign have collected. lost: batches that do not count."""
    records = [
        batch.collected
        for batch_id, batch in state.batches.items()
        if batch.collected is not None and batch_id not in lost
    ]
    missing: Counter[str] = Counter()
    for record in records:
        missing.update(record.missing)
    return ResultCounts(
        shown=shown,
        batches=len(records),
        rows=sum(record.rows for record in records),
        faulty=sum(record.faulty for record in records),
        missing=missing,
    )


def count_rows(tally: Tally) -> Counts:
    """Count the campaign's rows by what became of them."""
    return Counts(total=tally.rows, done=tally.done, failed=tally.failed, pending=tally.pending)


def count_batches(tally: Tally) -> Counts:
    """Count batches: done where all rows finished, failed where all ended and some failed."""
    done, failed = tally.done_batches, tally.failed_batches
    return Counts(total=tally.batches, done=done, failed=failed, pending=tally.batches - done - failed)


def cost_of(tally: Tally) -> Cost | None:
    """Return what a row costs, by the batches that ended; None while there is none."""
    if not tally.timed or not tally.counted:
        return None
    return Cost(
        measured=tally.timed,
        seconds=tally.seconds / tally.timed,
        entries=tally.entries / tally.counted,
        nbytes=tally.content / tally.counted,
    )


def maestro_entries(steps: Iterable[StepEntry], rows: int) -> int:
    """Return how many files and folders Maestro makes for a study of so many rows, at most.

    A shared step counts as one that runs once a row.
    """
    per_row = once = 0
    for step in steps:
        entries = ENTRIES_PER_STEP + step.mark
        per_row += entries if step.runs != "batch" else 0
        once += entries
    return ENTRIES_PER_STUDY + per_row * rows + once


def least_entries(steps: Iterable[StepEntry]) -> int:
    """Return how many files and folders Maestro makes for a study besides those of its rows, at least."""
    return ENTRIES_PER_STUDY + sum(
        ENTRIES_PER_STEP + step.mark if step.runs == "batch" else 1 for step in steps
    )
