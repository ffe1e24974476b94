"""A campaign run: each pending batch started, judged, recorded, saved and cleared, until nothing is left."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from queue import Empty
from typing import TYPE_CHECKING, Any

from genstudy.campaign.batch_study import RunningStudy
from genstudy.campaign.canary import judge_canary
from genstudy.campaign.limits import Limits
from genstudy.campaign.outcome import record_of
from genstudy.campaign.progress import Progress, Running, ended_line
from genstudy.campaign.room import NO_ROOM, Room
from genstudy.campaign.study_jobs import cancel_jobs
from genstudy.campaign.study_plan import Planner
from genstudy.campaign.study_process import kill_orphans
from genstudy.campaign.summary import count_batches, count_rows
from genstudy.errors import GenstudyError, RunError
from genstudy.ledger.records import Started
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from genstudy.campaign.keeping import Keeper
    from genstudy.campaign.progress import RunReport
    from genstudy.ledger.ranges import Rows
    from genstudy.ledger.records import Ended, How
    from genstudy.ledger.state import BatchState
    from genstudy.specs.running import RunSettings

CAME_TO_ITS_END = (0, 2)
"""What Maestro ends with once all steps have ended; after anything else it may have left some behind."""

TICK = 1.0
"""Seconds between looks at what nobody tells of: time limits, room on disk, a request to cancel."""


class Runner:
    """Runs a campaign's batches. One thread of it decides and records; studies and saving have their own."""

    def __init__(
        self,
        keeper: Keeper,
        settings: RunSettings,
        *,
        watch: Callable[[Progress], None] | None = None,
        max_batches: int | None = None,
        canary: int | None = None,
        parts: int = 1,
    ) -> None:
        """Take what keeps the campaign's records and files.

        watch: gets the state of things every second or so. max_batches: begin no more than these. canary: run
        so many rows first. parts: studies that a batch is run in side by side, where it can be divided.
        """
        self.keeper, self.settings, self.watch = keeper, settings, watch
        self.folder, self.manifest, self.state = keeper.folder, keeper.manifest, keeper.state
        self.owner, self.stop, self.tell = keeper.owner, keeper.stop, keeper.tell
        self._max_batches = max_batches
        done = self.state.tally.done
        self._canary = canary if canary and not done else None
        if canary and not self._canary:
            self.tell(f"no canary: {counted(done, 'row')} of this campaign are done already")
        self._began = time.monotonic()
        self._done_before = done
        self._ended_before = done + self.state.tally.failed
        self._planner = Planner(self.folder, self.manifest, settings, keeper.store)
        self._parts = 1 if self._planner.whole else parts
        self._room = Room(self.folder, self.manifest.steps, settings, fixed=keeper.store.fixed_entries)
        self._running: dict[str, RunningStudy] = {}
        self._queue: deque[str] = deque()
        self._begun: set[str] = set()
        self._limits = Limits(settings)
        self._held = ""

    def run(self) -> RunReport:
        """Run until nothing is left, or it is to stop. Raises the error that made it stop, if one did."""
        if self._planner.withheld:
            self.tell(
                f"not handed to the steps, as they look like secrets: {', '.join(self._planner.withheld)}"
            )
        self.keeper.tell_of_lost_results()
        try:
            self._recover()
            self._loop()
        except BaseException as problem:
            self._give_up(problem)
            raise
        finally:
            self.keeper.close()
        if self.keeper.error is not None:
            raise self.keeper.error
        return self.keeper.report(started=len(self._begun), seconds=time.monotonic() - self._began)

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
        with self.keeper.lock:
            tally = self.state.tally
            rows = count_rows(tally)
            seconds = now - self._began
            running = tuple(
                Running(
                    batch=study.plan.batch,
                    rows=len(study.plan.wanted),
                    seen=study.marked.count(),
                    seconds=now - study.began,
                )
                for _, study in sorted(self._running.items())
            )
            seen = sum(batch.seen or 0 for batch in running)
            ended = rows.done + rows.failed + seen - self._ended_before
            return Progress(
                rows=rows,
                batches=count_batches(tally),
                running=running,
                saving=self.keeper.waiting,
                held=self._held,
                files=self._room.in_use(self.state, self._batches),
                seconds=seconds,
                ended_rows=ended,
                left=(rows.pending - seen) * seconds / ended if ended > 0 else None,
            )

    def _loop(self) -> None:
        while True:
            self._fill()
            if self.watch is not None:
                self.watch(self.progress())
            if not self._running and not self.keeper.waiting and not self._held:
                return
            self._take(self._next_event())
            self._look_around()

    def _next_event(self) -> Any:
        try:
            return self.stop.wake.get(timeout=TICK)
        except Empty:
            return None

    def _is_too_slow(self) -> bool:
        """Tell whether time is up, and nothing came of it: a row at work may need more.

        So it is with all rows of a batch that has to run as a whole: the next job would begin anew.
        """
        if not self.stop.out_of_time or self._planner.whole:
            return self.stop.out_of_time
        seen = sum(study.marked.count() for study in self._running.values())
        return self.state.tally.done + seen <= self._done_before

    def _take(self, event: Any) -> None:
        match event:
            case RunningStudy():
                self._judge(event)
            case (str(batch), None | Exception() as problem):
                self.keeper.was_saved(batch, problem)
            case _:
                pass

    def _look_around(self) -> None:
        """See to what nobody tells of."""
        self.owner.check()
        if not self.stop.now and self.owner.cancelled():
            self.stop.at_once("cancelled")
        if self.stop.now:
            self._end(self._running.values(), "timeout" if self._is_too_slow() else "stopped")
        elif self.settings.timeout is not None:
            late = time.monotonic() - self.settings.timeout
            began = ((study, study.maestro_began) for study in self._running.values())
            self._end([study for study, at in began if at is not None and at < late], "timeout")

    # What was left by an earlier run

    def _recover(self) -> None:
        """Judge the studies of an owner that died, save what ended, and line up what is to be run."""
        for batch_id in sorted(self.state.unsaved):
            batch = self.state.batches[batch_id]
            if batch.running:
                self.keeper.judge_dead(batch)
                done = counted(len(batch.done), "row")
                self.tell(f"batch {batch_id}: an earlier run was cut short, {done} had finished")
            self._room.measured(batch_id, self.keeper.entries(batch))
        for batch_id, batch in self.state.batches.items():
            if batch.saved is not None and len(batch.studies) == 1:
                self._room.learned(batch.saved.entries, len(batch.rows))
            if not batch.ended:
                self._queue.append(batch_id)
            elif not batch.finished:
                self.keeper.save_left(batch)

    # Starting

    def _fill(self) -> None:
        """Start batches while there are jobs free, and room."""
        self._held = ""
        jobs = 1 if self._canary or self._room.is_guessing else self.settings.jobs
        # One batch may wait to be saved while the others run: where saving is slow, more would fill the disk.
        while (
            self._queue
            and not self.stop.finishing
            and len(self._batches) < jobs
            and len(self._batches) + self.keeper.waiting <= jobs
        ):
            batch = self.state.batches[self._queue[0]]
            if batch.entry.id not in self._begun and len(self._begun) == self._max_batches:
                return
            wanted = batch.rows if self._planner.whole else batch.pending
            wanted = wanted.first(self._canary) if self._canary else wanted
            with self.keeper.lock:
                lack = self._room.lack(self.state, self._batches, len(wanted))
            if lack is not None:
                if lack.own and not self._running and not self.keeper.waiting:
                    self.keeper.fail(
                        RunError(f"no room for batch {batch.entry.id}: {lack.text}\n  {NO_ROOM}")
                    )
                else:
                    self._held = lack.text
                return
            self._queue.popleft()
            try:
                for part in wanted.parts(self._parts):
                    self._start(batch, part)
            except (GenstudyError, OSError) as problem:
                self.keeper.fail(problem)

    @property
    def _batches(self) -> set[str]:
        """The batches that run."""
        return {study.plan.batch for study in self._running.values()}

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
        self.keeper.record(started)
        self._running[started.study] = RunningStudy(plan, self.stop.wake.put)

    # Judging

    def _judge(self, study: RunningStudy) -> None:
        """Record what became of a study's rows, and see what is to be done next."""
        plan = study.plan
        del self._running[plan.folder.name]
        batch = self.state.batches[plan.batch]
        if study.how != "ended" or study.code not in CAME_TO_ITS_END:
            kill_orphans(plan.folder)
        elif left := cancel_jobs(plan.folder):  # sbatch got no answer in time, for one
            jobs = counted(left, "job")
            self.tell(
                f"batch {plan.batch}: cancelled {jobs} that Maestro had taken for failed, and Slurm had all "
                "the same"
            )
        how = study.how if study.error is None else "stopped"
        if how == "timeout" and self.stop.out_of_time and not (study.busy or plan.whole):
            how = "stopped"  # between two rows: none of them has used up the job's time
        ended = record_of(
            plan.folder,
            batch.running[plan.folder.name],
            plan.rows,
            self.manifest.steps,
            how=how,
            code=study.code,
            seconds=study.seconds,
            busy=study.busy,
        )
        if plan.canary and ended.how != "stopped":
            ended = self._judge_canary(study, ended)
        self.keeper.record(ended)
        if study.error is not None:
            self.keeper.fail(study.error)
        self.tell(ended_line(batch, ended, self.state.tally))
        if problem := self._limits.crossed(batch, ended, self.state.tally):
            self.keeper.fail(problem)
        if not batch.ended or self.settings.max_files is not None:
            entries = self.keeper.entries(batch)
            self._room.measured(plan.batch, entries)
            if len(batch.studies) == 1:
                self._room.learned(entries, len(plan.wanted))
        if batch.ended:
            self.keeper.save_ended(plan.batch)
        elif not batch.running:
            self._queue.appendleft(plan.batch)

    def _judge_canary(self, study: RunningStudy, ended: Ended) -> Ended:
        self._canary = None
        verdict = judge_canary(study, ended, self.state.tally, self.settings)
        for line in verdict.lines:
            self.tell(line)
        if verdict.stop:
            self.keeper.fail(RunError(verdict.stop))
        return verdict.record
