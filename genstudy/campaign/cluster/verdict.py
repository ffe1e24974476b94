"""What a scheduler's task came to: whose fault it is that rows did not end, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.ledger.records import Failure
from genstudy.ledger.state import CANCELLED, LOST, TIMEOUT
from genstudy.schedulers.answers import LAUNCH_FAILED
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genstudy.ledger.ranges import Rows
    from genstudy.ledger.state import BatchState
    from genstudy.ledger.tally import Tally
    from genstudy.schedulers.slurm import TaskState

OUT_OF_TIME = "the job's time is nearly up"
"""Why a task gives up that its scheduler told so."""

TAKEN = frozenset(
    {"BOOT_FAIL", CANCELLED, "DEADLINE", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", TIMEOUT}
)
"""Slurm's words for a job that was taken away from what ran in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a task came to. state: the scheduler's word, LOST where it has none.

    failed: its rows that shall not be run again by themselves. gave_up: why the task stopped where neither
    its rows nor the scheduler made it, such as a full disk. died: it ended without a word. lost: the
    scheduler has lost its job before it began.
    """

    state: str
    failed: tuple[Failure, ...] = ()
    gave_up: str = ""
    died: bool = False
    lost: bool = False

    def line(self, batch: BatchState, tally: Tally) -> str:
        """Return what people are told."""
        parts = [f"batch {batch.entry.id}: {counted(len(batch.done), 'row')} done"]
        if batch.failed:
            parts.append(f"{len(batch.failed):,} failed")
        if batch.pending:
            parts.append(f"{len(batch.pending):,} to go")
        word = "" if batch.ended and not self.failed else f" ({self.gave_up or self.state})"
        return f"{', '.join(parts)}{word}; {tally.done + tally.failed:,} of {tally.rows:,} in all"


def judge_task(
    batch: BatchState,
    task: TaskState | None,
    *,
    known: bool,
    begun: bool,
    reason: str | None,
    gained: int,
    busy: Mapping[str, Rows],
    cancelled: bool,
) -> Verdict:
    """Return what becomes of the rows of a batch whose task is over, once all its records were taken.

    task: what the scheduler knows of it. known: whether it knows anything of the job. begun: whether the task
    ever was at work. reason: why the task itself says it stopped, None if it does not. gained: how many rows
    came to a good end in it. busy: {step: its rows at work} when it died. cancelled: whether genstudy had the
    job cancelled.

    Rows that a task left because its job was taken away have failed with the scheduler's word: to run them
    again is for people to decide. Those that only ran out of time are run again, as long as that helps: once
    without a row done, and no more.
    """
    state = task.word if task is not None else "COMPLETED" if reason is not None else LOST
    if batch.ended:
        return Verdict(state=state)
    if cancelled:
        return Verdict(state=CANCELLED)
    if reason == OUT_OF_TIME:
        return Verdict(
            state=TIMEOUT, failed=_left(batch, TIMEOUT, busy) if batch.stalled and not gained else ()
        )
    if not (known or begun):
        return Verdict(state=LOST, lost=True)  # a controller that dies forgets its last seconds
    if state in TAKEN or task is None:
        # Slurm forgets at once what is cancelled by itself before it began.
        word = state if state in TAKEN else LOST if begun else CANCELLED
        return Verdict(state=word, failed=_left(batch, word, busy))
    if reason is None or state == LAUNCH_FAILED:
        return Verdict(state=state, died=True)
    return Verdict(state=state, gave_up=reason or "it ended before its batch did")


def _left(batch: BatchState, state: str, busy: Mapping[str, Rows]) -> tuple[Failure, ...]:
    """Return the rows that had not ended: those at work with their step, of the others none can be named."""
    by_step = {step: rows & batch.pending for step, rows in busy.items()}
    rest = batch.pending
    for rows in by_step.values():
        rest -= rows
    by_step[""] = rest
    return tuple(Failure(step=step, state=state, rows=str(rows)) for step, rows in by_step.items() if rows)
