"""How far a run of a campaign is, and what it came to, for those who show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.units import counted, time_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genstudy.campaign.summary import Counts, ResultCounts
    from genstudy.ledger.records import Collected, Ended
    from genstudy.ledger.state import BatchState
    from genstudy.ledger.tally import Tally

SHOWN = 5
"""Results that are named, where more are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A batch that runs: its id, how many rows, how many were seen to end, for how many seconds.

    seen: None where nobody looks, as on another machine.
    """

    batch: str
    rows: int
    seen: int | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is. held: why no batch is started, if so. files: entries in use, None where not counted.

    left: seconds, if known. queued: batches that wait in a scheduler's queue; None: there is no scheduler.
    seconds: since the run began; ended_rows: that finished or failed since then, as far as can be seen.
    """

    rows: Counts
    batches: Counts
    running: tuple[Running, ...]
    saving: int
    held: str
    files: int | None
    seconds: float
    ended_rows: int
    left: float | None
    queued: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run came to. started: batches it began; reason: why it ended early, empty if it did not.

    results: what was collected of the campaign; None where it has no results. queued: batches that are in the
    hands of a scheduler.
    """

    rows: Counts
    batches: Counts
    started: int
    seconds: float
    reason: str
    results: ResultCounts | None = None
    queued: int = 0


def ended_line(batch: BatchState, ended: Ended, tally: Tally) -> str:
    """Return what people are told when a study of a batch is over."""
    failed = f", {counted(len(batch.failed), 'row')} failed" if batch.failed else ""
    left = f", {counted(len(batch.pending), 'row')} to go" if batch.pending else ""
    taken = f" in {time_text(ended.seconds)}" if ended.seconds is not None else ""
    why = "" if ended.how == "ended" else f" ({ended.how})"
    note = f": {ended.note}" if ended.note else ""
    return (
        f"batch {batch.entry.id}: {counted(len(batch.done), 'row')} done{failed}{left}{taken}{why}{note}; "
        f"{tally.done + tally.failed:,} of {tally.rows:,} in all"
    )


def faulty_line(batch: str, collected: Collected) -> str:
    """Return what people are told where results of a batch are missing."""
    rows = counted(collected.faulty, "row")
    return f"batch {batch}: {rows} with something missing ({missing_text(collected.missing)})"


def missing_text(missing: Mapping[str, int]) -> str:
    """Return which results are missing and how often, the most frequent first."""
    order = sorted(missing.items(), key=lambda item: (-item[1], item[0]))
    more = f", and {len(order) - SHOWN} more" if len(order) > SHOWN else ""
    return ", ".join(f"{name} {count:,}" for name, count in order[:SHOWN]) + more
