"""What the ledger's records tell over time: when each study ran, and who ran the campaign."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Owned, Queued, Refused, Returned, Started, Stopped, Submitted
from genstudy.reports.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from genstudy.ledger.records import Record
    from genstudy.reports.disk import DiskHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpan:
    """A study of a batch, from its start to its end, in seconds since 1970.

    state: `done`, `some rows failed`, `all rows failed`, `cut short`, or `running`.
    """

    batch: str
    study: str
    began: float
    ended: float
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A process that ran the campaign. ended: its last record's time, or now if it is alive.

    reason: why it gave up, empty if it said none; None if it did not say that it did.
    """

    owned: Owned
    ended: float
    reason: str | None
    alive: bool = False


@dataclass(slots=True, kw_only=True)
class WaveRun:
    """Batches that were handed to a scheduler as one job, and taken back one by one.

    began: when they were handed over; ended: when the last was taken back, None as long as some are not.
    words: {the scheduler's word for how a task ended: how many did}. refused: why there was no job, empty if
    there was.
    """

    number: int
    scheduler: str
    batches: int
    began: float
    job: str = ""
    ended: float | None = None
    words: dict[str, int] = field(default_factory=dict)
    refused: str = ""

    def add(self, record: Queued | Refused | Returned) -> None:
        """Take what was recorded of it next."""
        if isinstance(record, Queued):
            self.job = record.job
        elif isinstance(record, Refused):
            self.refused, self.ended = record.reason, record.t
        else:
            self.words[record.state] = self.words.get(record.state, 0) + 1
            self.ended = record.t if sum(self.words.values()) == self.batches else None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All of it, in the order in which it was recorded."""

    spans: Sequence[StudySpan]
    runs: Sequence[Run]
    disk: DiskHistory
    waves: Sequence[WaveRun] = ()

    @property
    def busy(self) -> float:
        """Seconds in which a process had the campaign, or a study of it ran, by what was recorded."""
        total, until = 0.0, 0.0
        times = [(run.owned.t, run.ended) for run in self.runs]
        for began, ended in sorted(times + [(span.began, span.ended) for span in self.spans]):
            total += max(0.0, ended - max(began, until))
            until = max(until, ended)
        return total

    @property
    def began(self) -> float | None:
        """When the campaign was first run."""
        return self.runs[0].owned.t if self.runs else None

    @property
    def ended(self) -> float | None:
        """When something was last recorded."""
        return max((run.ended for run in self.runs), default=None)


def history_of(
    records: Iterable[Record], *, running: Collection[str] = (), alive: bool = False, now: float
) -> History:
    """Return what the records tell.

    running: the studies that run at this moment, which is `now`; alive: whether the last process does.
    """
    spans, runs, disk, waves = _Spans(), list[Run](), Disk(), dict[int, WaveRun]()
    for record in records:
        if isinstance(record, Submitted):
            waves[record.wave] = WaveRun(
                number=record.wave,
                scheduler=record.scheduler,
                batches=len(record.batches),
                began=record.t,
            )
        elif isinstance(record, Queued | Refused | Returned) and record.wave in waves:
            waves[record.wave].add(record)
        if isinstance(record, Owned):
            spans.cut(runs[-1].ended if runs else record.t)
            runs.append(Run(owned=record, ended=record.t, reason=None))
        elif runs and runs[-1].reason is None:  # tasks go on when it has given up
            reason = record.reason if isinstance(record, Stopped) else None
            runs[-1] = Run(owned=runs[-1].owned, ended=max(runs[-1].ended, record.t), reason=reason)
        spans.add(record)
        disk.add(record)
    found = spans.finish(running, now, runs[-1].ended if runs else now)
    if alive and runs:
        runs[-1] = replace(runs[-1], ended=max(runs[-1].ended, now), alive=True)
    return History(spans=found, runs=runs, disk=disk.history(), waves=list(waves.values()))


@dataclass(slots=True)
class _Spans:
    """Pairs the starts of studies with their ends."""

    open: dict[str, Started] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    found: list[StudySpan] = field(default_factory=list)

    def add(self, record: Record) -> None:
        if isinstance(record, Started):
            self.open[record.study] = record
        elif isinstance(record, Ended) and record.study in self.open:
            began = self.open.pop(record.study)
            # A study that was found dead is judged later, by the next owner: it did not run until then.
            ended = self.last.pop(record.study, record.t)
            self.found.append(_span(began, ended, _state(began, record)))

    def cut(self, when: float) -> None:
        """Note that the owner of what is open was last heard of at a time."""
        for study in self.open:
            self.last.setdefault(study, when)

    def finish(self, running: Collection[str], now: float, when: float) -> list[StudySpan]:
        self.cut(when)
        for study, began in self.open.items():
            runs = study in running
            self.found.append(
                _span(began, now if runs else self.last[study], "running" if runs else "cut short")
            )
        return self.found


def _state(began: Started, ended: Ended) -> str:
    if not ended.failed:
        return "done" if ended.how == "ended" else "cut short"
    others = Rows.parse(began.rows)
    for failure in ended.failed:
        others -= Rows.parse(failure.rows)
    return "some rows failed" if others.spans else "all rows failed"


def _span(began: Started, ended: float, state: str) -> StudySpan:
    # Clocks of two machines need not agree: a study is never shown to end before it began.
    return StudySpan(
        batch=began.batch, study=began.study, began=began.t, ended=max(began.t, ended), state=state
    )
