"""Batches taken back from tasks that are over: records copied, rows judged, the batch returned."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from genstudy.campaign.cluster.verdict import judge_task
from genstudy.campaign.limits import TOO_OFTEN
from genstudy.errors import RunError
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Returned

if TYPE_CHECKING:
    from pathlib import Path

    from genstudy.campaign.cluster.submission import Submitter
    from genstudy.campaign.cluster.verdict import Verdict
    from genstudy.campaign.keeping import Keeper
    from genstudy.campaign.limits import Limits
    from genstudy.ledger.ledger import Ledger
    from genstudy.ledger.state import Wave
    from genstudy.schedulers.slurm import TaskState

TAIL = 4096


class Returns:
    """Takes batches back, and ends the run where what became of them says that it had better."""

    def __init__(self, keeper: Keeper, ledger: Ledger, submitter: Submitter, limits: Limits) -> None:
        self._keeper, self._ledger, self._submitter, self._limits = keeper, ledger, submitter, limits
        self._lost: set[int] = set()

    def take_back(
        self, wave: Wave, batch_id: str, task: TaskState | None, *, known: bool, cancelled: bool
    ) -> bool:
        """Copy what a task recorded to the campaign's ledger, and return its batch.

        known: whether the scheduler knows anything of the wave's job. cancelled: whether we had it cancelled.
        Returns whether all rows of the batch have ended.
        """
        state = self._keeper.state
        batch, ledger = state.batches[batch_id], self._ledger.task(wave.number, batch_id)
        begun = ledger.seal()
        cancelled = cancelled or self._submitter.was_cancelled(wave, begun=begun)
        recorded = ledger.batch_records()
        self._keeper.record(*recorded[batch.copied :])
        busy = self._keeper.judge_dead(batch)
        gained = sum(len(Rows.parse(record.done)) for record in recorded if isinstance(record, Ended))
        verdict = judge_task(
            batch,
            task,
            known=known,
            begun=begun,
            reason=ledger.ending(),
            gained=gained,
            busy=busy,
            cancelled=cancelled,
        )
        self._keeper.record(
            Returned(
                t=time.time(), wave=wave.number, batch=batch_id, state=verdict.state, failed=verdict.failed
            )
        )
        self._keeper.tell(verdict.line(batch, state.tally))
        if batch.ended and not batch.finished:
            self._keeper.save_ended(batch_id)
        self._lost = self._lost | {wave.number} if verdict.lost else set()
        log = self._submitter.log_of(wave, batch_id)
        if problem := self._trouble(verdict, batch_id, log) or self._limits.failing(state.tally):
            self._keeper.fail(problem)
        if wave.number not in state.waves:
            self._submitter.clear(wave.number)
        return batch.ended

    def _trouble(self, verdict: Verdict, batch: str, log: Path) -> RunError | None:
        """Return why no more batches had better be submitted, if so."""
        if verdict.gave_up:
            return RunError(
                f"the task of batch {batch} gave up: {verdict.gave_up}\n  what it printed is in {log.parent}"
            )
        if len(self._lost) >= TOO_OFTEN:
            return RunError(
                f"the scheduler has lost {len(self._lost)} jobs in a row before they began\n"
                "  look what it says of them; genstudy run submits them again"
            )
        futile = self._keeper.state.futile
        if not verdict.died or futile < TOO_OFTEN:
            return None
        said = last_line(log)
        return RunError(
            f"{futile} tasks in a row ended before a row was done: batch {batch} as {verdict.state}"
            f"{': ' if said else ''}{said}\n  what they printed is in {log.parent}"
        )


def last_line(log: Path) -> str:
    """Return the last line that a task printed, empty where it printed none."""
    try:
        with log.open("rb") as stream:
            stream.seek(-min(TAIL, os.fstat(stream.fileno()).st_size), os.SEEK_END)
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
