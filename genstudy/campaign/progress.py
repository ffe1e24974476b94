"""How far a run of a campaign is, and what it came to, for those who show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.units import counted, time_text

if TYPE_CHECKING:
    from genstudy.campaign.summary import Counts
    from genstudy.ledger.records import Ended
    from genstudy.ledger.state import BatchState
    from genstudy.ledger.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A batch that runs: its id, how many rows, how many of them were seen to end, for how many seconds."""

    batch: str
    rows: int
    seen: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is. held: why no batch is started, if so. files: entries in use. left: seconds, if known.

    seconds: since the run began; ended_rows: that finished or failed since then, as far as can be seen.
    """

    rows: Counts
    batches: Counts
    running: tuple[Running, ...]
    saving: int
    held: str
    files: int
    seconds: float
    ended_rows: int
    left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run came to. started: batches it began; reason: why it ended early, empty if it did not."""

    rows: Counts
    batches: Counts
    started: int
    seconds: float
    reason: str


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
