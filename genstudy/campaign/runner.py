"""A campaign run: each pending batch started, judged, recorded, saved and cleared, until nothing is left."""

from __future__ import annotations

import shlex
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from queue import Empty
from typing import TYPE_CHECKING, Any

from genstudy.archives.trees import Interrupted, count_entries
from genstudy.batches.places import RUNS
from genstudy.batches.rows import batch_rows
from genstudy.campaign.batch_study import RunningStudy
from genstudy.campaign.canary import judge_canary
from genstudy.campaign.limits import Limits
from genstudy.campaign.outcome import record_of
from genstudy.campaign.progress import Progress, Running, RunReport, ended_line, faulty_line
from genstudy.campaign.room import Room
from genstudy.campaign.saver import Saver
from genstudy.campaign.store import Store
from genstudy.campaign.study_plan import Planner
from genstudy.campaign.study_process import kill_orphans
from genstudy.campaign.summary import count_batches, count_results, count_rows
from genstudy.errors import GenstudyError, RunError
from genstudy.ledger.records import Started
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from genstudy.campaign.collecting import BatchCollecting
    from genstudy.campaign.stop import Stop
    from genstudy.campaign.summary import ResultCounts
    from genstudy.ledger.lease import Ownership
    from genstudy.ledger.ranges import Rows
    from genstudy.ledger.records import Ended, How, Record
    from genstudy.ledger.state import BatchState, CampaignState
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.running import RunSettings

TICK = 1.0
"""Seconds between looks at what nobody tells of: time limits, room on disk, a request to cancel."""


class Runner:
    """Runs a campaign's batches. One thread of it decides and records; studies and saving have their own."""

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
        watch: Callable[[Progress], None],
        collecting: BatchCollecting | None = None,
        max_batches: int | None = None,
        canary: int | None = None,
    ) -> None:
        self.folder, self.manifest, self.owner, self.state = folder, manifest, owner, state
        self.settings, self.stop, self.tell, self.watch = settings, stop, tell, watch
        self._collecting = collecting
        self._lost = collecting.lost(state) if collecting is not None else frozenset()
        self._max_batches = max_batches
        self._canary = canary if canary and not state.tally.done else None
        if canary and not self._canary:
            tell(f"no canary: {counted(state.tally.done, 'row')} of this campaign are done already")
        self._began = time.monotonic()
        self._ended_before = state.tally.done + state.tally.failed
        self._lock = threading.RLock()
        self._store = Store(folder, manifest, settings, stop)
        self._planner = Planner(folder, manifest, settings, self._store)
        self._saver = Saver(self._save, stop.wake.put)
        self._room = Room(folder, manifest.steps, settings, fixed=self._store.fixed_entries())
        self._running: dict[str, RunningStudy] = {}
        self._queue: deque[str] = deque()
        self._begun: set[str] = set()
        self._limits = Limits(settings)
        self._held = ""
        self._error: Exception | None = None

    def run(self) -> RunReport:
        """Run until nothing is left, or it is to stop. Raises the error that made it stop, if one did."""
        if self._planner.withheld:
            self.tell(
                f"not handed to the steps, as they look like secrets: {', '.join(self._planner.withheld)}"
            )
        if self._lost and self._collecting is not None:
            self.tell(
                f"the results of {counted(len(self._lost), 'batch')} are not in {self._collecting.shown} any "
                f"more: genstudy collect {shlex.quote(str(self.folder))} writes them again"
            )
        try:
            self._recover()
            self._loop()
        except BaseException as problem:
            self._give_up(problem)
            raise
        finally:
            self._saver.close()
        if self._error is not None:
            raise self._error
        tally = self.state.tally
        return RunReport(
            rows=count_rows(tally),
            batches=count_batches(tally),
            started=len(self._begun),
            seconds=time.monotonic() - self._began,
            reason=self.stop.reason,
            results=self._results(),
        )

    def _results(self) -> ResultCounts | None:
        if self._collecting is None:
            return None
        return count_results(self.state, self._collecting.shown, lost=self._lost)

    def _give_up(self, problem: BaseException) -> None:
        """End what runs. After Ctrl-C, where nothing is wrong, what became of it is recorded too."""
        self.stop.at_once(str(problem) or type(problem).__name__)
        self._end(self._running.values(), "stopped")
        while self._running and isinstance(problem, KeyboardInterrupt):
            self._take(self._next_event())

    @staticmethod
    def _end(studies: Iterable[RunningStudy], how: How) -> None:
        """End studies, all at the same time: each may use up the time that it is given for that."""
        if going := [study for study in studies if study.how == "ended"]:
            with ThreadPoolExecutor(len(going)) as pool:
                list(pool.map(lambda study: study.end(how), going))

    def progress(self) -> Progress:
        """Return how far the run is."""
        now = time.monotonic()
        with self._lock:
            tally = self.state.tally
            rows = count_rows(tally)
            seconds = now - self._began
            running = tuple(
                Running(
                    batch=batch,
                    rows=len(study.plan.wanted),
                    seen=study.marked.count(),
                    seconds=now - study.began,
                )
                for batch, study in sorted(self._running.items())
            )
            seen = sum(batch.seen for batch in running)
            ended = rows.done + rows.failed + seen - self._ended_before
            return Progress(
                rows=rows,
                batches=count_batches(tally),
                running=running,
                saving=len(self._saver.waiting),
                held=self._held,
                files=self._room.in_use(self.state, self._running),
                seconds=seconds,
                ended_rows=ended,
                left=(rows.pending - seen) * seconds / ended if ended > 0 else None,
            )

    def _loop(self) -> None:
        while True:
            self._fill()
            self.watch(self.progress())
            if not self._running and not self._saver.waiting and not self._held:
                return
            self._take(self._next_event())
            self._look_around()

    def _next_event(self) -> Any:
        try:
            return self.stop.wake.get(timeout=TICK)
        except Empty:
            return None

    def _take(self, event: Any) -> None:
        match event:
            case RunningStudy():
                self._judge(event)
            case (str(batch), None):
                self._saver.done(batch)
            case (str(batch), Exception() as problem):
                self._saver.done(batch)
                self._fail(problem)
            case _:
                pass

    def _look_around(self) -> None:
        """See to what nobody tells of."""
        self.owner.check()
        if not self.stop.now and self.owner.cancelled():
            self.stop.at_once("cancelled")
        if self.stop.now:
            self._end(self._running.values(), "stopped")
        elif self.settings.timeout is not None:
            late = time.monotonic() - self.settings.timeout
            began = ((study, study.maestro_began) for study in self._running.values())
            self._end([study for study, at in began if at is not None and at < late], "timeout")

    def _fail(self, problem: Exception) -> None:
        """Keep the first error, and end the run in good order."""
        if isinstance(problem, Interrupted) and self.stop.now:
            return
        if not isinstance(problem, GenstudyError | OSError):
            raise problem
        self._error = self._error or problem
        self.stop.finish(str(problem))

    # What was left by an earlier run

    def _recover(self) -> None:
        """Judge the studies of an owner that died, save what ended, and line up what is to be run."""
        for batch_id in sorted(self.state.unsaved):
            batch = self.state.batches[batch_id]
            if batch.running is not None:
                self._judge_dead(batch, batch.running)
            self._room.measured(batch_id, self._entries(batch))
        for batch_id, batch in self.state.batches.items():
            if batch.saved is not None and len(batch.studies) == 1:
                self._room.learned(batch.saved.entries, len(batch.rows))
            if not batch.ended:
                self._queue.append(batch_id)
            elif not batch.finished:
                for name in batch.studies[-1:]:  # the command after it may still run
                    kill_orphans(self.folder / RUNS / name)
                self._saver.add(batch_id)

    def _judge_dead(self, batch: BatchState, started: Started) -> None:
        study = self.folder / RUNS / started.study
        kill_orphans(study)
        rows = batch_rows(self.folder, self.manifest, batch.entry)
        self._record(record_of(study, started, rows, self.manifest.steps, how="killed"))
        count = len(self.state.batches[batch.entry.id].done)
        self.tell(
            f"batch {batch.entry.id}: an earlier run was cut short, {counted(count, 'row')} had finished"
        )

    # Starting

    def _fill(self) -> None:
        """Start batches while there are jobs free, and room."""
        self._held = ""
        jobs = 1 if self._canary or self._room.is_guessing else self.settings.jobs
        # One batch may wait to be saved while the others run: where saving is slow, more would fill the disk.
        while (
            self._queue
            and not self.stop.finishing
            and len(self._running) < jobs
            and len(self._running) + len(self._saver.waiting) <= jobs
        ):
            batch = self.state.batches[self._queue[0]]
            if batch.entry.id not in self._begun and len(self._begun) == self._max_batches:
                return
            wanted = batch.rows if self._planner.whole else batch.pending
            wanted = wanted.first(self._canary) if self._canary else wanted
            with self._lock:
                lack = self._room.lack(self.state, self._running, len(wanted))
            if lack is not None:
                if lack.own and not self._running and not self._saver.waiting:
                    self._fail(RunError(f"no room for batch {batch.entry.id}: {lack.text}\n  {NO_ROOM}"))
                else:
                    self._held = lack.text
                return
            self._queue.popleft()
            try:
                self._start(batch, wanted)
            except (GenstudyError, OSError) as problem:
                self._fail(problem)

    def _start(self, batch: BatchState, wanted: Rows) -> None:
        self.owner.check()
        plan = self._planner.plan(batch, wanted, canary=self._canary is not None)
        self._begun.add(plan.batch)
        started = Started(
            t=time.time(),
            batch=plan.batch,
            study=plan.folder.name,
            rows=str(wanted),
            whole=plan.whole,
        )
        self._record(started)
        self._running[plan.batch] = RunningStudy(plan, self.stop.wake.put)

    # Judging

    def _judge(self, study: RunningStudy) -> None:
        """Record what became of a study's rows, and see what is to be done next."""
        plan = study.plan
        del self._running[plan.batch]
        batch = self.state.batches[plan.batch]
        assert batch.running is not None
        if study.how != "ended" or (study.code or 0) < 0:
            kill_orphans(plan.folder)
        ended = record_of(
            plan.folder,
            batch.running,
            plan.rows,
            self.manifest.steps,
            how=study.how if study.error is None else "stopped",
            code=study.code,
            seconds=study.seconds,
            busy=study.busy,
        )
        if plan.canary and ended.how != "stopped":
            ended = self._judge_canary(study, ended)
        self._record(ended)
        if study.error is not None:
            self._fail(study.error)
        self.tell(ended_line(batch, ended, self.state.tally))
        if problem := self._limits.crossed(batch, ended, self.state.tally):
            self._fail(problem)
        if not batch.ended or self.settings.max_files is not None:
            entries = self._entries(batch)
            self._room.measured(plan.batch, entries)
            if len(batch.studies) == 1:
                self._room.learned(entries, len(plan.wanted))
        if batch.ended:
            self._saver.add(plan.batch)
        else:
            self._queue.appendleft(plan.batch)

    def _entries(self, batch: BatchState) -> int:
        return sum(count_entries(path)[0] for path in self._store.parts(batch))

    def _judge_canary(self, study: RunningStudy, ended: Ended) -> Ended:
        self._canary = None
        verdict = judge_canary(study, ended, self.state.tally, self.settings)
        for line in verdict.lines:
            self.tell(line)
        if verdict.stop:
            self._fail(RunError(verdict.stop))
        return verdict.record

    # Saving, in the saver's thread

    def _save(self, batch_id: str) -> None:
        batch = self.state.batches[batch_id]
        if self.stop.now:
            raise Interrupted(f"batch {batch_id} was not saved: asked to stop")
        if batch.saved is None:
            self._record(self._store.save(batch))
        assert batch.saved is not None
        if self._collecting is not None and batch.collected is None:
            self.owner.check()
            collected = self._collecting.collect(batch)
            self._record(collected)
            if collected.faulty:
                self.tell(faulty_line(batch_id, collected))
        if batch.saved.mode != "keep":
            self.owner.check()
            self._record(self._store.clear(batch))

    def _record(self, record: Record) -> None:
        with self._lock:
            self.state.add(record)  # first: what cannot be true is never written down
            self.owner.add(record)


NO_ROOM = "make smaller batches (genstudy plan proposes a size), clear what failed rows left, or raise it"
