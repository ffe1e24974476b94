"""Waves of batches on their way to a scheduler: planned, written down, submitted, asked for, cancelled."""

from __future__ import annotations

import shutil
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import uuid4

from genstudy.campaign.cluster.wave import PLAN, SCRIPT, join_logs, write_wave
from genstudy.campaign.limits import TOO_OFTEN
from genstudy.campaign.room import NO_ROOM, Room
from genstudy.campaign.unchanged import check_unchanged
from genstudy.errors import RunError, UserError, one_line
from genstudy.files import whole_file
from genstudy.ledger.records import Queued, Refused, Submitted
from genstudy.ledger.tasks import OF_A_BATCH, TASKS, WAVES, tasks_folder, wave_folder
from genstudy.schedulers.plan import JobPlan
from genstudy.schedulers.slurm import Full, Unreachable
from genstudy.schedulers.waves import SMALL
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from genstudy.campaign.keeping import Keeper
    from genstudy.ledger.ledger import Ledger
    from genstudy.ledger.records import Record
    from genstudy.ledger.state import Wave
    from genstudy.schedulers.cluster import Cluster
    from genstudy.schedulers.slurm import TaskState
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.running import RunSettings
    from genstudy.specs.scheduler import SchedulerSettings

CANCELLED, WITHDRAWN = "cancelled", "withdrawn"
"""Files in a wave's folder: all its tasks were cancelled, or those that had not begun; not by people."""

WAIT = 60.0
"""Seconds after which a scheduler is tried again that had no room, where nothing of ours has ended."""


class Submitter:
    """Hands batches to a scheduler. held: why it takes none at present, empty where it does."""

    def __init__(
        self,
        keeper: Keeper,
        ledger: Ledger,
        cluster: Cluster,
        settings: RunSettings,
        scheduler: SchedulerSettings,
    ) -> None:
        self._keeper, self._ledger, self._cluster = keeper, ledger, cluster
        self._settings, self._scheduler = settings, scheduler
        self._full: tuple[int, float] | None = None
        self._most: int | None = None
        self._last_refused: Path | None = None
        self._room = Room(keeper.folder, keeper.manifest.steps, settings, fixed=keeper.store.fixed_entries)
        for batch in keeper.state.batches.values():
            if batch.saved is not None and len(batch.studies) == 1:
                self._room.learned(batch.saved.entries, len(batch.rows))
        self.held = ""

    def submit(self, batches: Sequence[str]) -> int:
        """Hand over the first of these batches as a wave; return how many, 0 while there is no room.

        Raises RunError or UserError where the scheduler refuses them, or one is not as it was made.
        """
        ours = self._keeper.state.handed_over
        if self._full is not None and self._full[0] <= ours and time.monotonic() < self._full[1] + WAIT:
            return 0
        if self._keeper.state.futile >= TOO_OFTEN:
            self.held = "the last jobs got nothing done: one batch is tried before the others"
            batches = batches[: 0 if ours else 1]
        else:
            batches = batches[: self._files_for(batches, ours)]
        while batches:
            room = self._cluster.room(batches, ours=ours, limit=self._scheduler.limit, most=self._most)
            if not room:
                self._hold(ours, "the scheduler has no room for more tasks")
                return 0
            if self._hand_over(batches[:room], ours):
                return room
            self._most = max(1, room // 2)
            if ours or room == 1:
                return 0
            # Nothing of ours will make room: it is a limit that a smaller wave may be below.
        return 0

    def _hold(self, ours: int, why: str) -> None:
        """Let the scheduler alone until something of ours has ended, or for a while."""
        self._full, self.held = (ours, time.monotonic()), why

    def _hand_over(self, wave: Sequence[str], ours: int) -> bool:
        """Hand over batches as a wave; return whether there was room for it."""
        number = self._keeper.state.last_wave + 1
        token = f"genstudy-{uuid4().hex[:12]}-{number}"
        folder = wave_folder(self._keeper.folder, number)
        script = self._write(folder, wave, number, token)
        self._record_wave(number, token, wave)
        if self._last_refused is not None and self._last_refused.exists():
            shutil.rmtree(self._last_refused)  # a limit that lasts for days would leave thousands
        self._last_refused = None
        try:
            job = self._cluster.submit(script, token)
        except Full as problem:
            if isinstance(problem.__cause__, Unreachable):
                raise problem.__cause__ from problem
            self._refused(number, problem)
            self._last_refused = folder
            self._hold(ours, one_line(problem))
            return False
        except (RunError, UserError) as problem:
            (folder / PLAN).unlink()  # the next run would go on with what is refused
            self._refused(number, problem)
            raise
        self._full, self.held = None, ""
        self._most = None if self._most is None else 2 * self._most  # an account may have room again
        self._keeper.record(Queued(t=time.time(), wave=number, job=job))
        span = wave[0] if len(wave) == 1 else f"{wave[0]} to {wave[-1]}"
        self._keeper.tell(
            f"wave {number}: {counted(len(wave), 'batch')} ({span}), {self._cluster.taken(job, script)}"
        )
        return True

    def _record_wave(self, number: int, token: str, batches: Sequence[str]) -> None:
        """Record that a wave is about to be submitted; where that fails, there is none."""
        name, now = self._cluster.name, time.time()
        submitted = Submitted(t=now, wave=number, scheduler=name, token=token, batches=tuple(batches))
        try:
            self._keeper.record(submitted)
        except OSError as problem:
            self._keeper.state.add(Refused(t=now, wave=number, reason=str(problem)))
            raise

    def _files_for(self, batches: Sequence[str], ours: int) -> int:
        """Return how many of these batches there is room for on disk, at most.

        Raises RunError where there is none, and nothing on its way will make any.
        """
        if self._settings.max_files is None:
            return len(batches)
        state = self._keeper.state
        each = self._room.expected(max(len(state.batches[batch].rows) for batch in batches))
        used = self._room.in_use(state, ())
        most = max(0, (self._settings.max_files - used) // each)
        if not most and not ours and not self._keeper.waiting:
            text = f"a batch makes about {each:,} files, {used:,} are in use, and --max-files is"
            raise RunError(
                f"no room for batch {batches[0]}: {text} {self._settings.max_files:,}\n  {NO_ROOM}"
            )
        count = most - ours
        if count < 1 or (ours and count < min(len(batches), most // SMALL)):
            self.held = f"{ours:,} batches are on their way, and --max-files leaves room for {most:,}"
            return 0
        return min(count, len(batches))

    def settle(self, wave: Wave) -> bool:
        """Find out whether the scheduler took a wave, which it was being handed when something came between.

        Returns whether it did; otherwise the batches are in nobody's hands again. Raises Unreachable.
        """
        job = self._cluster.find(wave.token)
        if job is None and any(self._ledger.task(wave.number, batch).begun() for batch in wave.batches):
            job = ""  # it did, and has forgotten the job since
        if job is None:
            self._refused(wave.number, "the scheduler does not have it")
            return False
        self._keeper.record(Queued(t=time.time(), wave=wave.number, job=job))
        return True

    def look(self, waves: Iterable[Wave]) -> Mapping[int, Mapping[int, TaskState]]:
        """Return {wave: {task: its state}} of what the scheduler knows. Raises Unreachable."""
        by_job = {wave.job: wave for wave in waves if wave.job}
        found = self._cluster.look({job: wave.token for job, wave in by_job.items()})
        return {by_job[job].number: tasks for job, tasks in found.items()}

    def cancel(self, waves: Iterable[Wave], *, pending_only: bool = False) -> None:
        """Have the jobs of waves cancelled, or their tasks only that have not begun.

        First it is written down that it was us: whoever takes their batches back may be another process.
        """
        waves = list(waves)
        mark = WITHDRAWN if pending_only else CANCELLED
        for wave in waves:
            (wave_folder(self._keeper.folder, wave.number) / mark).touch()
        self._cluster.cancel({wave.job: wave.token for wave in waves if wave.job}, pending_only=pending_only)

    def drop(self, wave: Wave, batch: str) -> None:
        """Have a batch's task cancelled that would never be started. Raises Unreachable."""
        if wave.job:
            self._cluster.drop(wave.job, wave.token, wave.batches.index(batch))

    def was_cancelled(self, wave: Wave, *, begun: bool) -> bool:
        """Tell whether a task is over as we had it cancelled. begun: whether it ever was at work."""
        folder = wave_folder(self._keeper.folder, wave.number)
        return (folder / CANCELLED).exists() or (not begun and (folder / WITHDRAWN).exists())

    def log_of(self, wave: Wave, batch: str) -> Path:
        """Return the file with what a batch's task printed, as long as the wave is not over."""
        return wave_folder(self._keeper.folder, wave.number) / f"{wave.batches.index(batch)}.out"

    def _refused(self, number: int, problem: Exception | str) -> None:
        reason = problem if isinstance(problem, str) else one_line(problem)
        self._keeper.record(Refused(t=time.time(), wave=number, reason=reason))
        self.clear(number)

    def clear(self, number: int) -> None:
        """Delete the ledgers of a wave's tasks, once all that counts of them is in the campaign's own."""
        self._keeper.owner.check()
        folder = tasks_folder(self._keeper.folder, number)
        over = folder.with_name(f"{folder.name}.over")
        if folder.exists():
            folder.rename(over)  # from now on no task can begin
        join_logs(folder.parent)
        if over.exists():
            shutil.rmtree(over)

    def clear_old(self) -> None:
        """Delete what an earlier run could not of waves that were over."""
        for folder in (self._keeper.folder / WAVES).glob(f"*/{TASKS}*"):
            if folder.parent.name.isdecimal() and int(folder.parent.name) not in self._keeper.state.waves:
                self.clear(int(folder.parent.name))

    def _write(self, folder: Path, wave: Sequence[str], number: int, token: str) -> Path:
        keeper = self._keeper
        entries = [keeper.state.batches[batch].entry for batch in wave]
        for entry in entries:
            check_unchanged(keeper.folder, keeper.manifest, entry)
        plan = job_plan(
            keeper.folder,
            keeper.manifest,
            self._settings,
            self._scheduler,
            wave=number,
            tasks=len(wave),
            token=token,
        )
        text = self._cluster.script(plan)
        earlier = self._earlier(wave)
        write_wave(
            folder,
            keeper.manifest,
            self._settings,
            self._scheduler,
            wave=number,
            token=token,
            tasks=((entry, earlier.get(entry.id, ())) for entry in entries),
        )
        script = folder / SCRIPT
        with whole_file(script, force=True) as stream:
            stream.write(text.encode())
        mode = script.stat().st_mode
        script.chmod(mode | (mode & 0o444) >> 2)  # whoever may read it may run it
        return script

    def _earlier(self, wave: Sequence[str]) -> Mapping[str, Sequence[Record]]:
        """Return what was recorded of batches that began before; most have not."""
        batches = self._keeper.state.batches
        begun = {batch for batch in wave if batches[batch].studies}
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self._ledger.own_records() if begun else ():
            if isinstance(record, OF_A_BATCH) and record.batch in begun:
                found[record.batch].append(record)
        return found


def job_plan(
    folder: Path,
    manifest: Manifest,
    settings: RunSettings,
    scheduler: SchedulerSettings,
    *,
    wave: int,
    tasks: int,
    token: str,
) -> JobPlan:
    """Return what the script of a wave is made from. folder: the campaign's."""
    return JobPlan(
        name=f"{manifest.name}.{wave:04}",
        token=token,
        wave=wave_folder(folder, wave),
        tasks=tasks,
        python=sys.executable,
        scheduler=scheduler,
        cores=scheduler.cores or settings.jobs,
    )
