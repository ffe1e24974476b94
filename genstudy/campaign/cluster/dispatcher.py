"""A campaign on a cluster: batches handed to a scheduler wave by wave, followed, and taken back."""

from __future__ import annotations

import time
from collections import deque
from itertools import islice
from queue import Empty
from typing import TYPE_CHECKING, Any

from genstudy.campaign.cluster.returning import Returns
from genstudy.campaign.progress import Progress, Running
from genstudy.campaign.summary import count_batches, count_rows
from genstudy.errors import GenstudyError, RunError, one_line
from genstudy.schedulers.answers import LAUNCH_FAILED
from genstudy.schedulers.slurm import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genstudy.campaign.cluster.submission import Submitter
    from genstudy.campaign.keeping import Keeper
    from genstudy.campaign.limits import Limits
    from genstudy.campaign.progress import RunReport
    from genstudy.ledger.ledger import Ledger
    from genstudy.ledger.state import Wave
    from genstudy.schedulers.slurm import TaskState

TICK = 1.0
QUICK, SLOW = 0.25, 30.0
"""The shortest and the longest time between two questions to the scheduler, in seconds."""

SHARE = 0.1
"""The time between two questions, as a share of the time since something changed."""

PATIENCE = 300.0
"""Seconds that cancelled jobs have to end."""

UNKNOWN_LOOKS, UNKNOWN_SECONDS = 3, 15.0
"""A task unknown to the scheduler is lost after so many looks and, if it had begun, so many seconds."""

LATE, LATEST = 5.0, 60.0
"""Seconds that the last records of a task may need to be seen here, over a network file system.

The longer time is for one that has come to its end, as Slurm says: there are such records then.
"""


class Dispatcher:
    """Hands the batches of a campaign to a scheduler, follows their tasks, and takes what they recorded.

    One process at a time does this, the campaign's owner; tasks go on without it.
    """

    def __init__(
        self,
        keeper: Keeper,
        ledger: Ledger,
        submitter: Submitter,
        limits: Limits,
        *,
        asked: bool = True,
        watch: Callable[[Progress], None] | None = None,
        max_batches: int | None = None,
        pause: float = SLOW,
    ) -> None:
        """Take what keeps the campaign's records and files. asked: whether the scheduler knows of its tasks.

        watch: gets the state of things every second or so. max_batches: hand over no more than these. pause:
        the longest between two questions, in seconds.
        """
        self.keeper, self.ledger, self.watch = keeper, ledger, watch
        self.state, self.stop, self.tell = keeper.state, keeper.stop, keeper.tell
        self._submitter, self._asked = submitter, asked
        self._returns = Returns(keeper, ledger, submitter, limits)
        self._max_batches = max_batches
        self._pause = pause
        self._began = self._changed = time.monotonic()
        self._looked = -SLOW
        tally = self.state.tally
        self._ended_before = tally.done + tally.failed
        self._queue: deque[str] = deque()
        self._begun = 0
        self._unknown: dict[str, tuple[int, float]] = {}  # looks at tasks that are over, as it seems; since
        self._running: dict[str, float] = {}  # since when
        self._unreachable = False
        self._withdrawn = False
        self._refusal: Exception | None = None

    # Whole runs

    def run(self, *, follow: bool) -> RunReport:
        """Submit what there is room for; with `follow`, until nothing is left, or it is to stop.

        A signal ends the following, and the jobs go on; a request to cancel ends the jobs.
        """
        self.keeper.tell_of_lost_results()
        self.stop.leaves = True
        try:
            self._submitter.clear_old()
            self._recover()
            self._loop(follow=follow)
        finally:
            self.keeper.close()
        if self.keeper.error is not None:
            raise self.keeper.error
        return self.keeper.report(started=self._begun, seconds=time.monotonic() - self._began)

    def cancel(self) -> RunReport:
        """Cancel all jobs of the campaign, and wait until their tasks are over. What finished is recorded."""
        self.stop.at_once("cancelled")
        try:
            self._settle()
            self._cancel()
        finally:
            self.keeper.close()
        return self.keeper.report(started=0, seconds=time.monotonic() - self._began)

    def _loop(self, *, follow: bool) -> None:
        while True:
            self._look()
            if not self.stop.finishing:
                self._fill()
            self._show()
            unsure = self._unknown and not self._unreachable
            if self._leaves() or not (follow or self.keeper.waiting or unsure):
                return
            if not self.state.waves and not self.keeper.waiting and not self._waits():
                return
            self._take(self._next_event())
            self.keeper.owner.check()
            if self.keeper.owner.cancelled():
                self.stop.at_once("cancelled")
                self._cancel()
                return
            if follow and self.keeper.error not in (None, self._refusal) and not self._withdrawn:
                self._withdraw()

    def _withdraw(self) -> None:
        """Have the tasks cancelled that have not begun: the run is to end."""
        try:
            self._submitter.cancel(self.state.waves.values(), pending_only=True)
            self._withdrawn = True
        except Unreachable as problem:
            self._not_reached(problem)

    def _leaves(self) -> bool:
        """Tell whether this process was asked to end; the jobs go on."""
        return self.stop.now or self.stop.signal is not None

    def _waits(self) -> bool:
        """Tell whether batches wait for room."""
        return bool(self._submitter.held) and not self.stop.finishing

    def _next_event(self) -> Any:
        try:
            return self.stop.wake.get(timeout=TICK if self._due() > TICK else max(0.05, self._due()))
        except Empty:
            return None

    def _take(self, event: Any) -> None:
        match event:
            case (str(batch), None | Exception() as problem):
                self.keeper.was_saved(batch, problem)
            case _:
                pass

    def _recover(self) -> None:
        """Judge what an earlier run left here, and find out what became of waves whose job is not known."""
        for batch_id in sorted(self.state.unsaved):
            batch = self.state.batches[batch_id]
            if batch.running and batch.wave is None:
                self.keeper.judge_dead(batch)
        for batch_id, batch in self.state.batches.items():
            if batch.wave is not None:
                continue
            if not batch.ended:
                self._queue.append(batch_id)
            elif not batch.finished:
                self.keeper.save_left(batch)

    def _settle(self) -> None:
        """Find out whether the scheduler has the waves that it may have. Raises Unreachable."""
        for wave in list(self.state.waves.values()):
            if wave.job is None and not self._submitter.settle(wave):
                self._queue.extendleft(reversed(wave.batches))

    # Submitting

    def _fill(self) -> None:
        """Hand over as many waves as there is room for."""
        while self._queue and not self.stop.finishing:
            most = len(self._queue)
            if self._max_batches is not None:
                most = min(most, self._max_batches - self._begun)
            if most <= 0:
                return
            try:
                count = self._submitter.submit(list(islice(self._queue, most)))
            except Unreachable as problem:
                while self._queue and self.state.batches[self._queue[0]].wave is not None:
                    self._queue.popleft()  # whether they were taken is found out later
                self._not_reached(problem)
                return
            except (GenstudyError, OSError) as problem:
                self._refusal = problem  # no reason to take back what the scheduler has
                self.keeper.fail(problem)
                return
            if not count:
                return
            for _ in range(count):
                self._queue.popleft()
            self._begun += count
            self._changed = time.monotonic()

    # Following

    def _due(self) -> float:
        """Return the seconds until the scheduler is asked again."""
        now = time.monotonic()
        pause = min(max(QUICK, SHARE * (now - self._changed)), self._pause)
        return self._looked + pause - now

    def _look(self) -> None:
        """Ask the scheduler for the tasks, if it is time to, and take back the batches of those over."""
        if not self.state.waves or self._due() > 0:
            return
        try:
            self._settle()
            found = self._submitter.look(self.state.waves.values())
        except Unreachable as problem:
            self._not_reached(problem)
            return
        finally:
            self._looked = time.monotonic()
        self._unreachable = False
        for wave in list(self.state.waves.values()):
            try:
                self._follow(wave, found.get(wave.number, {}))
            except Unreachable as problem:
                self._not_reached(problem)
                return

    def _not_reached(self, problem: Unreachable) -> None:
        if not self._unreachable:
            self.tell(f"{one_line(problem)}: the jobs go on, and it is asked again")
        self._unreachable = True

    def _follow(self, wave: Wave, found: Mapping[int, TaskState]) -> None:
        for index, batch_id in enumerate(wave.batches):
            if self._leaves():
                return
            if batch_id not in wave.open:
                continue
            task = found.get(index)
            if task is not None and task.active:
                self._unknown.pop(batch_id, None)
                if task.word == "RUNNING" and batch_id not in self._running:
                    self._running[batch_id] = time.monotonic()
            elif self._is_over(wave, batch_id, task):
                if task is not None and task.word == LAUNCH_FAILED:
                    self._submitter.drop(wave, batch_id)
                self._take_back(wave, batch_id, task, known=bool(found))

    def _is_over(self, wave: Wave, batch_id: str, task: TaskState | None) -> bool:
        """Tell whether a task that is not at work any more is surely over."""
        ledger = self.ledger.task(wave.number, batch_id)
        if ledger.ending() is not None:
            return True
        if not self._asked:
            return False
        now = time.monotonic()
        looks, since = self._unknown.get(batch_id, (0, now))
        self._unknown[batch_id] = (looks + 1, since)
        if task is not None:
            late = LATEST if task.word == "COMPLETED" else LATE
            return task.word == LAUNCH_FAILED or not ledger.begun() or now - since >= late
        return looks + 1 >= UNKNOWN_LOOKS and (not ledger.begun() or now - since >= UNKNOWN_SECONDS)

    def _take_back(
        self,
        wave: Wave,
        batch_id: str,
        task: TaskState | None,
        *,
        known: bool = True,
        cancelled: bool = False,
    ) -> None:
        self._changed = time.monotonic()
        self._unknown.pop(batch_id, None)
        self._running.pop(batch_id, None)
        if not self._returns.take_back(wave, batch_id, task, known=known, cancelled=cancelled):
            self._queue.append(batch_id)

    # Cancelling

    def _cancel(self) -> None:
        """Have all jobs cancelled, and take back all batches once the tasks are over."""
        self._submitter.cancel(self.state.waves.values())
        since = time.monotonic()
        while self.state.waves:
            if time.monotonic() - since > PATIENCE:
                jobs = ", ".join(str(wave.job) for wave in self.state.waves.values())
                raise RunError(f"cancelled jobs do not end: {jobs}\n  look at them, and cancel again")
            try:
                found = self._submitter.look(self.state.waves.values())
            except Unreachable as problem:
                raise RunError(
                    f"{problem}\n  whether the jobs are cancelled is not known: try again"
                ) from None
            for wave in list(self.state.waves.values()):
                for index, batch_id in enumerate(wave.batches):
                    task = found.get(wave.number, {}).get(index)
                    if batch_id not in wave.open or (task is not None and task.active):
                        continue
                    if task is None or self._is_over(wave, batch_id, task):
                        self._take_back(wave, batch_id, task, cancelled=True)
            if self.state.waves:
                time.sleep(QUICK)

    # Showing

    def _show(self) -> None:
        if self.watch is None:
            return
        now = time.monotonic()
        with self.keeper.lock:
            tally = self.state.tally
            rows, seconds = count_rows(tally), now - self._began
            ended = rows.done + rows.failed - self._ended_before
            running = tuple(
                Running(batch=batch, rows=len(self.state.batches[batch].rows), seen=None, seconds=now - since)
                for batch, since in sorted(self._running.items())
            )
            self.watch(
                Progress(
                    rows=rows,
                    batches=count_batches(tally),
                    running=running,
                    saving=self.keeper.waiting,
                    held=self._submitter.held,
                    files=None,
                    seconds=seconds,
                    ended_rows=ended,
                    left=rows.pending * seconds / ended if ended > 0 else None,
                    queued=self.state.handed_over - len(running),
                )
            )
