"""The status of a campaign, read from its folder whoever runs it, with nothing touched."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from genstudy.campaign.summary import cost_of, count_batches, count_results, count_rows, maestro_entries
from genstudy.inspection.status_format import (
    BatchAgain,
    BatchCounts,
    CostStatus,
    OwnerStatus,
    ResultsStatus,
    RowCounts,
    RunningBatch,
    Status,
    WaveStatus,
)
from genstudy.ledger.alive import is_alive
from genstudy.ledger.generations import LEDGER
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.reading import read_state
from genstudy.ledger.records import Ended, Owned, Started
from genstudy.ledger.tally import BESIDES
from genstudy.ledger.tasks import TASKS, WAVES
from genstudy.specs.manifest import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from genstudy.campaign.summary import Cost
    from genstudy.inspection.status_format import State
    from genstudy.ledger.records import Record
    from genstudy.ledger.state import BatchState, CampaignState, Wave
    from genstudy.specs.manifest import Manifest


class StatusReader:
    """Reads a campaign's state as often as it is asked; the ledger only where it has grown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ledger = Ledger(folder)
        self._seen: object = None
        self._manifest: Manifest | None = None
        self._state: CampaignState | None = None
        self._present = Present()

    def read(self) -> Status:
        """Return the present state. Raises UserError where the folder is no campaign."""
        seen = self._look()
        if self._state is None or self._manifest is None or seen != self._seen:
            present = Present()
            self._manifest = self._state = None  # two of them may be more than memory holds
            self._manifest, self._state = read_state(self.folder, present.add)
            self._present, self._seen = present, seen
        owner = self._ledger.owner()
        return _status(self.folder, self._manifest, self._state, self._present, owner)

    def _look(self) -> tuple[object, ...]:
        """Return what changes when the manifest or the ledger does."""
        ledgers = [self.folder / LEDGER]
        for wave in _inside(self.folder / WAVES):
            ledgers += _inside(wave / TASKS)
        records = sorted(
            path for ledger in ledgers for path in _inside(ledger) if path.name.startswith("rec")
        )
        return _stamp(self.folder / FILE_NAME), *map(_stamp, records)


def campaign_status(folder: str | Path) -> Status:
    """Return the state of a campaign, which may be running meanwhile. Only reads, and waits for nothing.

    Raises UserError where the folder is no campaign, and GenstudyError where its ledger is damaged.
    """
    return StatusReader(Path(folder)).read()


def status_of(
    folder: Path, manifest: Manifest, state: CampaignState, records: Iterable[Record], owner: Owned | None
) -> Status:
    """Return the state that a manifest and records tell, which were read before.

    state: the sum of the records. owner: the process that owns the campaign now, if there is one.
    """
    return _status(folder, manifest, state, Present.of(records), owner)


@dataclass(slots=True)
class Present:
    """What the last owner did since it came: the batches that it started, and the rows that ended, as ranges.

    since, until: when it came, and when a study ended last.
    """

    generation: int = 0
    since: float = 0.0
    started: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    until: float = 0.0

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """Take it out of all records."""
        present = cls()
        for record in records:
            present.add(record)
        return present

    def add(self, record: Record) -> None:
        """Take one more record into account."""
        if isinstance(record, Owned):
            self.generation, self.since = record.generation, record.t
            self.started, self.ended = set(), []
        elif isinstance(record, Started):
            self.started.add(record.batch)
        elif isinstance(record, Ended) and record.t >= self.since:  # tasks may have ended before it came
            self.ended += record.done, *(failure.rows for failure in record.failed)
            self.until = max(self.until, record.t)

    @property
    def rate(self) -> float | None:
        """Rows that ended in a second, up to the last that did; None where none has."""
        seconds = self.until - self.since if self.ended else 0.0
        rows = sum(len(Rows.parse(rows)) for rows in self.ended) if seconds > 0 else 0
        return rows / seconds if rows else None


def _status(
    folder: Path, manifest: Manifest, state: CampaignState, present: Present, owner: Owned | None
) -> Status:
    rows, cost = count_rows(state.tally), cost_of(state.tally)
    # What an earlier owner started does not run, whoever owns the campaign now.
    own = present.started if owner and owner.generation == present.generation else set()
    running = [
        batch for batch in _open(state) if batch.running and (batch.wave is not None or batch.entry.id in own)
    ]
    rate = present.rate if owner else None
    word = _word(state, owner)
    return Status(
        format=1,
        name=manifest.name,
        folder=str(folder.absolute()),
        state=word,
        reason=state.stopped.reason if word == "stopped" and state.stopped else "",
        owner=_owner(owner or state.owner, alive=is_alive(owner) if owner else False),
        rows=RowCounts(total=rows.total, done=rows.done, failed=rows.failed, pending=rows.pending),
        batches=_batches(state, running=len(running)),
        retries=sum(len(batch.rows) for batch in state.batches.values() if batch.entry.attempt > 1),
        running=[_running(batch, study) for batch in running for study in batch.running.values()],
        waves=[_wave(state, wave) for wave in state.waves.values()],
        again=list(_again(state, manifest, beside={batch.entry.id for batch in running})),
        unsaved=[batch.entry.id for batch in _open(state) if batch.ended],
        cost=_cost(cost),
        results=_results(manifest, state),
        rate=rate,
        left=rows.pending / rate if rate else None,
        files=_files(folder, manifest, state, per_row=cost.entries if cost else 0.0),
        bytes=state.tally.stored,
    )


def _word(state: CampaignState, owner: Owned | None) -> State:
    if owner is not None:
        return "running"
    if state.waves:
        return "submitted"
    if state.tally.finished_batches == state.tally.batches:
        return "finished"
    if state.owner is None:
        return "new"
    return "died" if state.stopped is None else "stopped"


def _batches(state: CampaignState, *, running: int) -> BatchCounts:
    counts, batches = count_batches(state.tally), state.batches.values()
    return BatchCounts(
        total=counts.total,
        done=counts.done,
        failed=counts.failed,
        pending=counts.pending,
        running=running,
        saved=sum(batch.saved is not None for batch in batches),
        cleared=sum(batch.cleared is not None for batch in batches),
    )


def _results(manifest: Manifest, state: CampaignState) -> ResultsStatus | None:
    if manifest.results is None:
        return None
    found = count_results(state, "")
    return ResultsStatus(batches=found.batches, rows=found.rows, faulty=found.faulty)


def _wave(state: CampaignState, wave: Wave) -> WaveStatus:
    open_ = [state.batches[batch] for batch in wave.open]
    return WaveStatus(
        wave=wave.number,
        scheduler=wave.scheduler,
        job=wave.job or "",
        batches=len(wave.batches),
        ended=len(wave.batches) - sum(not batch.ended for batch in open_),
        running=sum(bool(batch.running) for batch in open_),
    )


def _running(batch: BatchState, run: Started) -> RunningBatch:
    return RunningBatch(batch=batch.entry.id, study=run.study, rows=len(Rows.parse(run.rows)), since=run.t)


def _cost(cost: Cost | None) -> CostStatus | None:
    if cost is None:
        return None
    return CostStatus(rows=cost.measured, seconds=cost.seconds, files=cost.entries, bytes=cost.nbytes)


def _owner(owned: Owned | None, *, alive: bool | None) -> OwnerStatus | None:
    if owned is None:
        return None
    return OwnerStatus(host=owned.host, pid=owned.pid, user=owned.user, since=owned.t, alive=alive)


def _open(state: CampaignState) -> list[BatchState]:
    """Return the batches that were started and are not saved, in order."""
    return [batch for batch_id, batch in state.batches.items() if batch_id in state.unsaved]


def _again(state: CampaignState, manifest: Manifest, *, beside: Collection[str]) -> Iterator[BatchAgain]:
    """Yield the batches that will be run again, besides those that run."""
    funnel = next((step.name for step in manifest.steps if step.funnel), None)
    unmarked = next((step.name for step in manifest.steps if step.runs == "row" and not step.mark), None)
    if manifest.settings.mode == "inline":
        reason = "an inline specification runs its rows together"
    elif funnel is not None:
        reason = f"step '{funnel}' waits for all rows of a batch"
    elif unmarked is not None:
        reason = f"what finished is looked up in Maestro's record, as step '{unmarked}' leaves no done mark"
    else:
        reason = "what finished is looked up by the done marks of the steps"
    whole = manifest.whole_batches
    for batch in _open(state):
        if batch.ended or batch.entry.id in beside or batch.wave is not None:
            continue
        judged = not batch.running
        rows = batch.rows if whole else batch.pending
        yield BatchAgain(
            batch=batch.entry.id,
            rows=len(rows),
            whole=whole,
            judged=judged,
            reason="it was cut short" if judged and not whole else reason,
        )


def _files(folder: Path, manifest: Manifest, state: CampaignState, *, per_row: float) -> int:
    places = [path for path in (folder, folder / "ledger") if path.is_dir()]
    fixed = sum(1 for place in places for _ in os.scandir(place))
    unsaved = sum(
        BESIDES + max(maestro_entries(manifest.steps, len(batch.rows)), round(per_row * len(batch.rows)))
        for batch in _open(state)
    )
    return fixed + state.tally.settled + unsaved


def _inside(folder: Path) -> list[Path]:
    """Return what is in a folder, nothing if it is not there, or not any more: waves come and go."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stamp(path: Path) -> object:
    """Return what changes when a file does. It is opened: that is when an NFS client asks the server."""
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
    except OSError:
        return None
    return path.name, found.st_ino, found.st_size, found.st_mtime_ns
