"""What all runs of a campaign have in common: the records, and the saving and clearing of ended batches."""

from __future__ import annotations

import shlex
import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from genstudy.archives.trees import Interrupted, count_entries
from genstudy.batches.places import RUNS
from genstudy.batches.rows import batch_rows
from genstudy.campaign.judge import rows_at_work
from genstudy.campaign.outcome import record_of
from genstudy.campaign.progress import RunReport, faulty_line
from genstudy.campaign.saver import Saver
from genstudy.campaign.store import Store
from genstudy.campaign.study_process import kill_orphans
from genstudy.campaign.summary import count_batches, count_results, count_rows
from genstudy.errors import GenstudyError
from genstudy.ledger.ranges import Rows
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genstudy.campaign.collecting import BatchCollecting
    from genstudy.campaign.stop import Stop
    from genstudy.campaign.summary import ResultCounts
    from genstudy.ledger.lease import Ownership
    from genstudy.ledger.records import Record
    from genstudy.ledger.state import BatchState, CampaignState
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.running import RunSettings


class Keeper:
    """Records what becomes of batches; a thread of its own saves, collects and clears those that ended.

    error: what made the run stop, if something did. lock: is held while the state changes.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        owner: Ownership,
        state: CampaignState,
        settings: RunSettings,
        *,
        stop: Stop,
        tell: Callable[[str], None],
        collecting: BatchCollecting | None = None,
    ) -> None:
        self.folder, self.manifest, self.owner, self.state = folder, manifest, owner, state
        self.stop, self.tell = stop, tell
        self.lock = threading.RLock()
        self.error: Exception | None = None
        self.store = Store(folder, manifest, settings, stop)
        self._collecting = collecting
        self._lost = collecting.lost(state) if collecting is not None else frozenset()
        self._saver = Saver(self._save, stop.wake.put)

    @property
    def waiting(self) -> int:
        """How many batches ended, and are not saved and cleared yet."""
        return len(self._saver.waiting)

    def close(self) -> None:
        """Wait for the batch that is being saved; what waits behind it is left."""
        self._saver.close()

    def record(self, *records: Record) -> None:
        """Take records into account, and write them down for good."""
        with self.lock:
            for record in records:
                self.state.add(record)  # first: what cannot be true is never written down
            self.owner.add(*records)

    def fail(self, problem: Exception) -> None:
        """Keep the first error, and end the run in good order."""
        if isinstance(problem, Interrupted) and self.stop.now:
            return
        if not isinstance(problem, GenstudyError | OSError):
            raise problem
        self.error = self.error or problem
        self.stop.finish(str(problem))

    def tell_of_lost_results(self) -> None:
        """Tell of batches whose results somebody has deleted."""
        if self._lost and self._collecting is not None:
            self.tell(
                f"the results of {counted(len(self._lost), 'batch')} are not in {self._collecting.shown} any "
                f"more: genstudy collect {shlex.quote(str(self.folder))} writes them again"
            )

    def judge_dead(self, batch: BatchState) -> dict[str, Rows]:
        """Record what became of the studies that were running when their process died.

        Returns {step: the rows that it was at work on}.
        """
        busy: dict[str, Rows] = defaultdict(Rows)
        for started in list(batch.running.values()):
            study, steps = self.folder / RUNS / started.study, self.manifest.steps
            kill_orphans(study)
            rows = batch_rows(self.folder, self.manifest, batch.entry)
            self.record(record_of(study, started, rows, steps, how="killed"))
            left = batch.pending & Rows.parse(started.rows)
            for step, found in rows_at_work(study, steps=steps, rows=rows, wanted=left).items():
                busy[step] |= found
        return busy

    def save_ended(self, batch_id: str) -> None:
        """Have a batch that ended saved, collected and cleared, as far as that was not done."""
        self._saver.add(batch_id)

    def save_left(self, batch: BatchState) -> None:
        """Do the same for a batch that an earlier run left, whose command after it may still be at work."""
        for name in batch.studies[-1:]:
            kill_orphans(self.folder / RUNS / name)
        self.save_ended(batch.entry.id)

    def was_saved(self, batch_id: str, problem: Exception | None) -> None:
        """Take what the saving thread tells of a batch."""
        self._saver.done(batch_id)
        if problem is not None:
            self.fail(problem)

    def entries(self, batch: BatchState) -> int:
        """Return how many files and folders a batch's studies have."""
        return sum(count_entries(path)[0] for path in self.store.parts(batch))

    def report(self, *, started: int, seconds: float) -> RunReport:
        """Return what the run came to. started: batches it began."""
        tally = self.state.tally
        return RunReport(
            rows=count_rows(tally),
            batches=count_batches(tally),
            started=started,
            seconds=seconds,
            reason=self.stop.reason,
            results=self._results(),
            queued=self.state.handed_over,
        )

    def _results(self) -> ResultCounts | None:
        if self._collecting is None:
            return None
        return count_results(self.state, self._collecting.shown, lost=self._lost)

    def _save(self, batch_id: str) -> None:
        """Save, collect and clear a batch, in the thread for that."""
        batch = self.state.batches[batch_id]
        if self.stop.now:
            raise Interrupted(f"batch {batch_id} was not saved: asked to stop")
        if batch.saved is None:
            self.record(self.store.save(batch))
        assert batch.saved is not None
        if self._collecting is not None and batch.collected is None:
            self.owner.check()
            collected = self._collecting.collect(batch)
            self.record(collected)
            if collected.faulty:
                self.tell(faulty_line(batch_id, collected))
        if batch.saved.mode != "keep" and batch.cleared is None:
            self.owner.check()
            self.record(self.store.clear(batch))
