"""Waves of batches in tasks' hands: whatever they record, and whoever dies, each record counts once."""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudy.ledger.generations import Generations
from genstudy.ledger.lease import Fenced, Ownership, RecordsFile
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Cleared, Failure, Queued, Record, Refused, Returned, Submitted
from genstudy.ledger.state import CampaignState, Contradiction
from genstudy.ledger.tasks import tasks_folder
from genstudy.specs.manifest import Manifest
from tests.ledger.owners import NEVER
from tests.ledger.test_state import Model, entry, manifest, owned, started, step

BATCHES = ("0000", "0001", "0002")


def submitted(wave: int, *batches: str) -> Submitted:
    return Submitted(t=0.0, wave=wave, scheduler="slurm", token=f"t-{wave}", batches=batches)


def returned(wave: int, batch: str, failed: str = "") -> Returned:
    failures = (Failure(step="", state="TIMEOUT", rows=failed),) if failed else ()
    return Returned(t=0.0, wave=wave, batch=batch, state="TIMEOUT", failed=failures)


# What records come to


@dataclass
class Waves:
    """Which batches are in which wave's hands."""

    last: int = 0
    given: dict[int, tuple[str, ...]] = field(default_factory=dict)
    open: dict[int, set[str]] = field(default_factory=dict)
    jobs: dict[int, str] = field(default_factory=dict)

    def of(self, batch: str) -> int | None:
        return next((wave for wave, batches in self.open.items() if batch in batches), None)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Manifest, list[Record], dict[str, Model], Waves]:
    """Draw a campaign whose batches come and go, and what all that comes to."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    entries = [entry(number, sum(sizes[:number]), size) for number, size in enumerate(sizes)]
    models = {e.id: Model(set(range(e.start, e.start + e.nrows))) for e in entries}
    waves, records = Waves(), list[Record]([owned()])
    for _ in range(draw(st.integers(0, 30))):
        act = draw(st.sampled_from([submit, queue, refuse, give_back, work, work]))
        records += act(draw, models, waves)
    return manifest(*entries), records, models, waves


def submit(draw: st.DrawFn, models: dict[str, Model], waves: Waves) -> list[Record]:
    free = [
        batch
        for batch, model in sorted(models.items())
        if waves.of(batch) is None and model.wanted is None and model.done | model.failed != model.rows
    ]
    if not free:
        return []
    batches = tuple(draw(st.permutations(free))[: draw(st.integers(1, 3))])
    waves.last += 1
    waves.given[waves.last], waves.open[waves.last] = batches, set(batches)
    return [submitted(waves.last, *batches)]


def queue(draw: st.DrawFn, models: dict[str, Model], waves: Waves) -> list[Record]:
    del models
    waiting = sorted(waves.open.keys() - waves.jobs.keys())
    if not waiting:
        return []
    wave = draw(st.sampled_from(waiting))
    waves.jobs[wave] = f"{wave}0"
    return [Queued(t=0.0, wave=wave, job=waves.jobs[wave])]


def refuse(draw: st.DrawFn, models: dict[str, Model], waves: Waves) -> list[Record]:
    del models
    waiting = sorted(waves.open.keys() - waves.jobs.keys())
    if not waiting:
        return []
    wave = draw(st.sampled_from(waiting))
    del waves.open[wave]
    return [Refused(t=0.0, wave=wave, reason="x")]


def give_back(draw: st.DrawFn, models: dict[str, Model], waves: Waves) -> list[Record]:
    ready = [
        (wave, batch)
        for wave, batches in waves.open.items()
        for batch in sorted(batches)
        if models[batch].wanted is None
    ]
    if not ready:
        return []
    wave, batch = draw(st.sampled_from(ready))
    model = models[batch]
    pending = model.rows - model.done - model.failed
    failed = pending if draw(st.booleans()) else set()
    model.failed |= failed
    waves.open[wave].discard(batch)
    if not waves.open[wave]:
        del waves.open[wave]
    return [returned(wave, batch, str(Rows.of(failed)))]


def work(draw: st.DrawFn, models: dict[str, Model], waves: Waves) -> list[Record]:
    del waves
    batch = draw(st.sampled_from(sorted(models)))
    return step(draw, batch, models[batch], whole=False)


@given(histories(), st.data())
def test_the_state_is_what_waves_and_sets_say(
    history: tuple[Manifest, list[Record], dict[str, Model], Waves], data: st.DataObject
) -> None:
    campaign, records, models, waves = history
    first = data.draw(st.integers(0, len(records)))
    state = CampaignState(campaign, records[:first])
    for record in records[first:]:
        state.add(record)
    at_once = CampaignState(campaign, records)
    assert (state.batches, state.waves, state.unsaved) == (at_once.batches, at_once.waves, at_once.unsaved)
    assert asdict(state.tally) == pytest.approx(asdict(at_once.tally))
    for batch_id, model in models.items():
        batch = state.batches[batch_id]
        assert (set(batch.done), set(batch.failed)) == (model.done, model.failed)
        assert batch.wave == waves.of(batch_id)
        assert {row for _, rows in batch.study_of for row in rows} <= model.done | model.failed
    assert state.last_wave == waves.last
    assert {number: (wave.batches, wave.open, wave.job) for number, wave in state.waves.items()} == {
        number: (waves.given[number], batches, waves.jobs.get(number))
        for number, batches in waves.open.items()
    }
    failed = sum(len(model.failed) for model in models.values())
    assert (state.tally.failed, state.tally.done) == (failed, sum(len(m.done) for m in models.values()))


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([submitted(1, "0000"), submitted(2, "0000")], "batch 0000 in wave 2, and it was not free"),
        ([started("0000", "0-1"), submitted(1, "0000")], "batch 0000 in wave 1, and it was not free"),
        ([Queued(t=0.0, wave=1, job="7")], "the ledger names the wave 1, and it is none or over"),
        ([Refused(t=0.0, wave=1, reason="x")], "the ledger names the wave 1, and it is none or over"),
        ([submitted(1, "0000"), returned(1, "0001")], "batch 0001 returned, and it was not given or runs"),
        (
            [submitted(1, "0000"), returned(1, "0000"), returned(1, "0000")],
            "the ledger names the wave 1, and it is none or over",
        ),
        (
            [submitted(1, "0000"), started("0000", "0-1"), returned(1, "0000")],
            "batch 0000 returned, and it was not given or runs",
        ),
    ],
)
def test_what_cannot_be_of_waves(records: list[Record], reason: str) -> None:
    with pytest.raises(Contradiction, match=reason):
        CampaignState(manifest(entry(0, 0, 2), entry(1, 2, 2)), records)


# What is read of several ledgers


class Campaign:
    """A campaign's ledger and those of its tasks, and what was recorded of each batch for good."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger = folder, Ledger(folder, beat=NEVER)
        self.expected: dict[str, list[int]] = defaultdict(list)
        self.wave = self.number = 0
        self.given: dict[str, int] = {}
        self.tasks: dict[str, list[Ownership]] = defaultdict(list)
        self.copied: dict[str, int] = {}
        self.current: dict[str, Ownership] = {}
        self.owner = self._own()

    def _own(self) -> Ownership:
        owner = self.ledger.take_over({})
        assert owner is not None
        return owner

    def die(self) -> None:
        """Have another process own the campaign; the one before records nothing any more."""
        before, self.owner = self.owner, self._own()
        with pytest.raises(Fenced):
            before.add(self._record("0000"))

    def submit(self, batch: str) -> None:
        if batch not in self.given:
            self.wave += 1
            tasks_folder(self.folder, self.wave).mkdir(parents=True)
            self.owner.add(submitted(self.wave, batch))
            self.given[batch], self.copied[batch] = self.wave, 0

    def begin(self, batch: str) -> None:
        """Start a batch's task, perhaps once more."""
        if batch in self.given and (owner := self._task(batch).take_over({})) is not None:
            self.tasks[batch].append(owner)
            self.current[batch] = owner

    def work(self, batch: str) -> None:
        """Have all that was started for a batch record something: only the last may."""
        tasks = self.tasks[batch]
        for task in tasks:
            record = self._record(batch)
            if task is tasks[-1] and self.current.get(batch) is task and not self._sealed(batch):
                task.add(record)
                self.expected[batch].append(record.left)
            else:
                with pytest.raises(Fenced):
                    task.add(record)

    def copy(self, batch: str, most: int) -> None:
        """Take a batch's task out of the game, and copy some of what it recorded."""
        if batch in self.given:
            self._task(batch).seal()
            rest = self._task(batch).batch_records()[self.copied[batch] :]
            if rest[:most]:
                self.owner.add(*rest[:most])
            self.copied[batch] += len(rest[:most])

    def give_back(self, batch: str) -> None:
        """Copy all, return the batch, delete its task's ledger."""
        if batch in self.given:
            self.copy(batch, 1000)
            wave = self.given.pop(batch)
            self.current.pop(batch, None)
            self.owner.add(returned(wave, batch))
            folder = tasks_folder(self.folder, wave)
            folder.rename(folder.with_name("over"))
            shutil.rmtree(folder.with_name("over"))

    def read(self) -> dict[str, list[int]]:
        """Return what readers find of each batch."""
        found = defaultdict(list)
        for record in self.ledger.records():
            if isinstance(record, Cleared):
                found[record.batch].append(record.left)
        return found

    def close(self) -> None:
        for owner in [self.owner, *(task for tasks in self.tasks.values() for task in tasks)]:
            owner._heartbeat.stop()
            owner._records.close()

    def _task(self, batch: str) -> Ledger:
        return self.ledger.task(self.given[batch], batch)

    def _sealed(self, batch: str) -> bool:
        return self._task(batch)._next({}) is None

    def _record(self, batch: str) -> Cleared:
        self.number += 1
        return Cleared(t=0.0, batch=batch, left=self.number)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["submit", "begin", "work", "work", "copy", "give_back", "die"]),
            st.sampled_from(BATCHES),
            st.integers(0, 3),
        ),
        min_size=10,
        max_size=50,
    )
)
def test_each_record_counts_once_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, int]]
) -> None:
    campaign = Campaign(tmp_path_factory.mktemp("waves"))
    try:
        for act, batch, number in acts:
            if act == "copy":
                campaign.copy(batch, number)
            elif act == "die":
                campaign.die()
            else:
                getattr(campaign, act)(batch)
            found = campaign.read()
            assert all(found[one] == campaign.expected[one] for one in BATCHES)
    finally:
        campaign.close()


def test_readers_never_see_a_record_vanish_or_twice(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    problems: list[str] = []
    over = threading.Event()

    def look() -> None:
        before: dict[str, list[int]] = defaultdict(list)
        while not over.is_set() and not problems:
            found = campaign.read()
            problems.extend(
                f"{batch}: {before[batch]}, then {now}"
                for batch, now in found.items()
                if now[: len(before[batch])] != before[batch] or now != sorted(set(now))
            )
            before = found

    readers = [threading.Thread(target=_told(look, problems)) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(40):
        batch = BATCHES[turn % 3]
        campaign.submit(batch)
        campaign.begin(batch)
        for _ in range(3):
            campaign.work(batch)
        campaign.copy(batch, turn % 4)
        campaign.give_back(batch)
        campaign.tasks[batch].clear()
    over.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert campaign.read() == campaign.expected
    campaign.close()


def _told(look: Callable[[], None], problems: list[str]) -> Callable[[], None]:
    """Have what a thread dies of told."""

    def run() -> None:
        try:
            look()
        except Exception as problem:  # noqa: BLE001 - told by the test
            problems.append(repr(problem))

    return run


@pytest.mark.parametrize("how", ["seal", "take_over"])
def test_what_is_recorded_while_another_takes_over_counts_or_is_refused(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when whoever takes over is held up between counting the records and making its owner file.
    campaign = Campaign(tmp_path)
    campaign.submit("0000")
    campaign.begin("0000")
    create = Generations.create_owner

    def late(files: Generations, generation: int, data: bytes) -> bool:
        monkeypatch.setattr(Generations, "create_owner", create)
        campaign.work("0000")
        return create(files, generation, data)

    monkeypatch.setattr(Generations, "create_owner", late)
    if how == "seal":
        campaign._task("0000").seal()
    else:
        campaign.begin("0000")
    campaign.work("0000")
    assert campaign.expected["0000"] == campaign.read()["0000"] != []
    campaign.close()


def test_a_record_that_comes_too_late_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = Campaign(tmp_path)
    campaign.submit("0000")
    campaign.begin("0000")
    append = RecordsFile.append

    def late(file: RecordsFile, *records: Record) -> None:
        monkeypatch.setattr(RecordsFile, "append", append)
        campaign._task("0000").seal()
        append(file, *records)

    monkeypatch.setattr(RecordsFile, "append", late)
    with pytest.raises(Fenced):
        campaign.current["0000"].add(campaign._record("0000"))
    assert campaign.read() == {}
    campaign.close()
