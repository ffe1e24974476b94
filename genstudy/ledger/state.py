"""The state of a campaign: a fold over the ledger's records, on top of what the manifest says.

Nothing else holds state, and nothing here reads a clock or the disk.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from genstudy.errors import GenstudyError
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import (
    Cleared,
    Collected,
    Ended,
    Failure,
    Owned,
    Queued,
    Refused,
    Returned,
    Saved,
    Started,
    Stopped,
    Submitted,
)
from genstudy.ledger.tally import Tally, part_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from genstudy.ledger.records import Record
    from genstudy.specs.manifest import BatchEntry, Manifest

LOST = "LOST"
"""The state of a row that Maestro says nothing of, and of a job that its scheduler says nothing of."""

TIMEOUT, CANCELLED = "TIMEOUT", "CANCELLED"
"""States of jobs that ran out of time, or were cancelled."""


class Contradiction(GenstudyError):
    """The ledger says what cannot be, such as a row that was done twice."""


@dataclass(slots=True)
class Wave:
    """Batches handed to a scheduler as one job. job: its id, None as long as the scheduler has not taken it.

    batches: all of them, in the order of its tasks; open: those that are not returned yet.
    """

    number: int
    scheduler: str
    token: str
    batches: tuple[str, ...]
    open: set[str]
    job: str | None = None


@dataclass(slots=True)
class BatchState:
    """What is known of a batch. studies: all that were started; running: {study: its start}, not yet judged.

    study_of: the rows that ended in each study; unfinished: those that a study was to run, and did not end.
    wave: the wave that it is in, if a scheduler has it; copied: how many records there are of it since then;
    given: how many rows were done before. stalled: how often in a row its job ran out of time with none done.
    taken: the failed rows whose job ended before they did, if nothing tells that they had begun.
    collects: whether its results are to be collected.
    """

    entry: BatchEntry
    rows: Rows
    done: Rows = field(default_factory=Rows)
    failed: Rows = field(default_factory=Rows)
    failures: list[Failure] = field(default_factory=list)
    studies: list[str] = field(default_factory=list)
    running: dict[str, Started] = field(default_factory=dict)
    study_of: list[tuple[str, Rows]] = field(default_factory=list)
    unfinished: list[tuple[str, Rows]] = field(default_factory=list)
    taken: Rows | None = None
    saved: Saved | None = None
    collected: Collected | None = None
    cleared: Cleared | None = None
    wave: int | None = None
    copied: int = 0
    given: int = 0
    stalled: int = 0
    collects: bool = False
    seconds: float = 0.0
    note: str = ""

    @property
    def pending(self) -> Rows:
        """The rows that have neither finished nor failed."""
        return self.rows - self.done - self.failed

    @property
    def ended(self) -> bool:
        """Whether every row finished or failed."""
        return len(self.done) + len(self.failed) == len(self.rows)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: it ended, is saved and collected, and cleared unless it is kept."""
        return (
            self.ended
            and self.saved is not None
            and (self.collected is not None or not self.collects)
            and (self.saved.mode == "keep" or self.cleared is not None)
        )


class CampaignState:
    """All batches of a campaign and their state, in the manifest's order.

    tally: sums over all of them. unsaved: the ids of those that were started and are not saved yet.
    waves: those with batches that are not returned yet, by number; last_wave: the highest number of all.
    futile: batches in a row whose jobs ended by themselves with no row done.
    """

    def __init__(self, manifest: Manifest, records: Iterable[Record] = ()) -> None:
        """Fold records over the batches of a manifest."""
        collects = manifest.results is not None
        self.batches: dict[str, BatchState] = {}
        self.unsaved: set[str] = set()
        self.waves: dict[int, Wave] = {}
        self.last_wave = 0
        self.futile = 0
        self.owner: Owned | None = None
        self.stopped: Stopped | None = None
        self.tally = Tally()
        with _without_collections():
            for entry in manifest.batches:
                self.batches[entry.id] = BatchState(entry, rows_of(entry), collects=collects)
            for record in records:
                self._apply(record)
            for batch in self.batches.values():
                self.tally.change(part_of(batch), 1)

    @property
    def handed_over(self) -> int:
        """How many batches are in the hands of schedulers."""
        return sum(len(wave.open) for wave in self.waves.values())

    def add(self, record: Record) -> None:
        """Take one more record into account. Raises Contradiction where it cannot be true."""
        if isinstance(record, Owned | Stopped | Submitted | Queued | Refused):
            self._apply(record)
            return
        batch = self._batch(record.batch)
        before = part_of(batch)
        self._apply(record)
        self.tally.change(before, -1)
        self.tally.change(part_of(batch), 1)

    def _apply(self, record: Record) -> None:
        match record:
            case Owned():
                self.owner, self.stopped = record, None
            case Stopped():
                self.stopped = record
            case Started() | Ended() | Saved() | Collected() | Cleared():
                self._happen(self._batch(record.batch), record)
            case Submitted():
                self._submit(record)
            case Queued():
                self._wave(record.wave).job = record.job
            case Refused():
                self._refuse(self._wave(record.wave))
            case Returned():
                self._return(self._batch(record.batch), record)
            case _:
                assert_never(record)

    def _happen(self, batch: BatchState, record: Started | Ended | Saved | Collected | Cleared) -> None:
        match record:
            case Started():
                self._start(batch, record)
                self.unsaved.add(record.batch)
            case Ended():
                self._end(batch, record)
            case Saved():
                self._save(batch, record)
                self.unsaved.discard(record.batch)
            case Collected():
                self._collect(batch, record)
            case Cleared():
                batch.cleared = record
        if batch.wave is not None:
            batch.copied += 1

    def _batch(self, batch_id: str) -> BatchState:
        try:
            return self.batches[batch_id]
        except KeyError:
            raise Contradiction(f"the ledger names the batch {batch_id}, and the manifest has none") from None

    @staticmethod
    def _start(batch: BatchState, record: Started) -> None:
        beside = any(record.whole or _shared(record, other) for other in batch.running.values())
        if beside or batch.saved is not None:
            what = "that is saved" if batch.saved is not None else "while another of its studies ran"
            raise Contradiction(f"the ledger has a study of batch {batch.entry.id} started {what}")
        if record.whole:
            batch.done, batch.failed, batch.failures, batch.study_of = Rows(), Rows(), [], []
            batch.unfinished, batch.taken = [], None
        batch.studies.append(record.study)
        batch.running[record.study] = record

    @staticmethod
    def _end(batch: BatchState, record: Ended) -> None:
        if record.study not in batch.running:
            raise Contradiction(f"the ledger has the end of {record.study}, and not its beginning")
        ended = CampaignState._ended(batch, record.study, Rows.parse(record.done), record.failed)
        batch.study_of.append((record.study, ended))
        if left := Rows.parse(batch.running.pop(record.study).rows) - ended:
            batch.unfinished.append((record.study, left))
        batch.seconds += record.seconds or 0.0
        batch.note = record.note

    @staticmethod
    def _ended(batch: BatchState, by: str, done: Rows, failed: Sequence[Failure]) -> Rows:
        """Take rows as ended that had not ended before, and return them all."""
        before = known = batch.done | batch.failed
        kinds = [Rows.parse(one.rows) for one in failed]
        for word, rows in (("done", done), *(("failed", rows) for rows in kinds)):
            if wrong := rows & known or rows - batch.rows:
                raise Contradiction(
                    f"the ledger has rows {wrong} of batch {batch.entry.id} {word} by {by}, "
                    "and they had ended before or are none of its rows"
                )
            known |= rows
        batch.done |= done
        for rows in kinds:
            batch.failed |= rows
        batch.failures += failed
        return known - before

    def _submit(self, record: Submitted) -> None:
        for batch_id in record.batches:
            batch = self._batch(batch_id)
            if batch.wave is not None or batch.running or batch.ended:
                raise Contradiction(
                    f"the ledger has batch {batch_id} in wave {record.wave}, and it was not free"
                )
            batch.wave, batch.copied, batch.given = record.wave, 0, len(batch.done)
        self.last_wave = max(self.last_wave, record.wave)
        self.waves[record.wave] = Wave(
            number=record.wave,
            scheduler=record.scheduler,
            token=record.token,
            batches=record.batches,
            open=set(record.batches),
        )

    def _wave(self, number: int) -> Wave:
        try:
            return self.waves[number]
        except KeyError:
            raise Contradiction(f"the ledger names the wave {number}, and it is none or over") from None

    def _refuse(self, wave: Wave) -> None:
        for batch_id in wave.open:
            self.batches[batch_id].wave = None
        del self.waves[wave.number]

    def _return(self, batch: BatchState, record: Returned) -> None:
        wave = self._wave(record.wave)
        if batch.wave != record.wave or batch.running:
            raise Contradiction(f"the ledger has batch {record.batch} returned, and it was not given or runs")
        if record.failed:
            failed = self._ended(batch, f"wave {record.wave}", Rows(), record.failed)
            for study, rows in reversed(batch.unfinished):
                batch.study_of.append((study, rows & failed))
                failed -= rows
            for one in record.failed:
                if not one.step:
                    batch.taken = (batch.taken or Rows()) | Rows.parse(one.rows)
            self.unsaved.add(record.batch)
        gained = len(batch.done) > batch.given
        batch.stalled = batch.stalled + 1 if record.state == TIMEOUT and not gained else 0
        if gained or batch.ended:
            self.futile = 0
        elif record.state not in {TIMEOUT, CANCELLED, LOST}:
            self.futile += 1
        batch.wave = None
        wave.open.discard(record.batch)
        if not wave.open:
            del self.waves[wave.number]

    @staticmethod
    def _collect(batch: BatchState, record: Collected) -> None:
        if batch.saved is None:
            raise Contradiction(f"the ledger has batch {batch.entry.id} collected before it was saved")
        batch.collected = record

    @staticmethod
    def _save(batch: BatchState, record: Saved) -> None:
        if not batch.ended:
            raise Contradiction(f"the ledger has batch {batch.entry.id} saved before all its rows had ended")
        batch.saved, batch.cleared = record, None


@contextmanager
def _without_collections() -> Iterator[None]:
    """Keep Python from searching all that is read for cycles, again and again: there are none."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


def _shared(one: Started, other: Started) -> Rows:
    return Rows.parse(one.rows) & Rows.parse(other.rows)


def rows_of(entry: BatchEntry) -> Rows:
    """Return the row numbers of a batch."""
    if entry.rows is not None:
        return Rows.parse(entry.rows)
    return Rows.span(entry.start, entry.start + entry.nrows)
