"""The fold over the ledger: whatever happens to batches, the state is what sets of rows would say."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Cleared, Ended, Failure, Owned, Record, Saved, Started, Stopped
from genstudy.ledger.state import CampaignState, Contradiction, rows_of
from genstudy.specs.manifest import BatchEntry, Manifest


def entry(number: int, start: int, nrows: int, **more: Any) -> BatchEntry:
    sha = "0" * 64
    return BatchEntry(
        id=f"{number:04}",
        spec=f"x_{number:04}.yaml",
        start=start,
        nrows=nrows,
        offset=start * 10,
        nbytes=nrows * 10,
        sha256=sha,
        spec_sha256=sha,
        **more,
    )


def manifest(*entries: BatchEntry) -> Manifest:
    return Manifest.model_construct(batches=list(entries))


def owned(generation: int = 1) -> Owned:
    return Owned(t=0.0, generation=generation, host="h", pid=1, user="u", genstudy="0", options={})


def started(batch: str, rows: str, *, whole: bool = False, number: int = 1) -> Started:
    return Started(t=0.0, batch=batch, study=f"x_{batch}.{number}", rows=rows, whole=whole)


def ended(batch: str, done: str = "", failed: dict[str, str] | None = None, *, number: int = 1) -> Ended:
    failures = tuple(Failure(step=step, state="FAILED", rows=rows) for step, rows in (failed or {}).items())
    return Ended(
        t=0.0,
        batch=batch,
        study=f"x_{batch}.{number}",
        how="ended",
        code=0,
        done=done,
        failed=failures,
        seconds=2.0,
    )


def saved(batch: str, mode: str = "archive") -> Saved:
    return Saved.model_validate(
        {
            "t": 0.0,
            "batch": batch,
            "mode": mode,
            "path": "archive/x.tar.zst",
            "sha256": None,
            "nbytes": 5,
            "entries": 7,
            "content": 11,
            "seconds": 1.0,
        }
    )


@dataclass
class Model:
    """A batch as sets of rows, and how far it is."""

    rows: set[int]
    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    wanted: set[int] | None = None
    studies: int = 0
    saved: str = ""
    cleared: bool = False


@st.composite
def histories(draw: st.DrawFn) -> tuple[Manifest, list[Record], dict[str, Model]]:
    """Draw a campaign, what its owners record, and what all that comes to."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    entries = [entry(number, sum(sizes[:number]), size) for number, size in enumerate(sizes)]
    models = {e.id: Model(set(range(e.start, e.start + e.nrows))) for e in entries}
    whole = draw(st.booleans())
    records: list[Record] = [owned()]
    for _ in range(draw(st.integers(0, 25))):
        batch = draw(st.sampled_from(sorted(models)))
        records += step(draw, batch, models[batch], whole=whole)
        if draw(st.integers(0, 9)) == 0:
            records += [Stopped(t=0.0, reason="x"), owned()]
    return manifest(*entries), records, models


def step(draw: st.DrawFn, batch: str, model: Model, *, whole: bool) -> list[Record]:
    """Let the next thing happen to a batch."""
    pending = model.rows - model.done - model.failed
    if model.wanted is not None:
        fates = {row: draw(st.sampled_from("dfp")) for row in sorted(model.wanted)}
        done = {row for row, fate in fates.items() if fate == "d"}
        failed = model.wanted - done - {row for row, fate in fates.items() if fate == "p"}
        odd = {row for row in failed if row % 2}
        failures = {"one": str(Rows.of(odd)), "two": str(Rows.of(failed - odd))}
        model.done |= done
        model.failed |= failed
        model.wanted = None
        return [ended(batch, str(Rows.of(done)), failures, number=model.studies)]
    if pending:
        model.wanted = model.rows if whole else set(sorted(pending)[: draw(st.integers(1, 6))])
        model.studies += 1
        if whole:
            model.done, model.failed = set(), set()
        return [started(batch, str(Rows.of(model.wanted)), whole=whole, number=model.studies)]
    if not model.saved:
        model.saved = draw(st.sampled_from(["keep", "archive", "move"]))
        return [saved(batch, model.saved)]
    if model.saved != "keep" and not model.cleared:
        model.cleared = True
        return [Cleared(t=0.0, batch=batch, left=3)]
    return []


@given(histories())
def test_the_state_is_what_sets_say(history: tuple[Manifest, list[Record], dict[str, Model]]) -> None:
    campaign, records, models = history
    state = CampaignState(campaign, records)
    assert list(state.batches) == [batch.id for batch in campaign.batches]
    for batch_id, model in models.items():
        batch = state.batches[batch_id]
        assert (set(batch.rows), set(batch.done), set(batch.failed)) == (model.rows, model.done, model.failed)
        assert set(batch.pending) == model.rows - model.done - model.failed
        assert batch.ended == (model.done | model.failed == model.rows)
        assert batch.finished == bool(model.saved and (model.saved == "keep" or model.cleared))
        assert bool(batch.running) == (model.wanted is not None)
        assert batch.studies == [f"x_{batch_id}.{number}" for number in range(1, model.studies + 1)]
        assert Rows.of(row for _, rows in batch.study_of for row in rows) == batch.done | batch.failed
        assert set().union(*(Rows.parse(one.rows) for one in batch.failures)) == model.failed
        assert (batch_id in state.unsaved) == (model.studies > 0 and not model.saved)
    done, failed = (
        sum(len(getattr(model, name)) for model in models.values()) for name in ("done", "failed")
    )
    rows = sum(len(model.rows) for model in models.values())
    tally = state.tally
    assert (tally.rows, tally.done, tally.failed, tally.pending) == (rows, done, failed, rows - done - failed)
    assert tally.finished_batches == sum(batch.finished for batch in state.batches.values())


@given(histories(), st.data())
def test_records_may_come_one_at_a_time(
    history: tuple[Manifest, list[Record], dict[str, Model]], data: st.DataObject
) -> None:
    campaign, records, _ = history
    first = data.draw(st.integers(0, len(records)))
    state = CampaignState(campaign, records[:first])
    for record in records[first:]:
        state.add(record)
    at_once = CampaignState(campaign, records)
    assert state.batches == at_once.batches
    assert asdict(state.tally) == pytest.approx(asdict(at_once.tally))
    assert (state.unsaved, state.owner, state.stopped) == (at_once.unsaved, at_once.owner, at_once.stopped)


def test_owners_come_and_go() -> None:
    state = CampaignState(manifest(entry(0, 0, 1)))
    assert (state.owner, state.stopped) == (None, None)
    stop = Stopped(t=0.0, reason="x")
    for record, expected in (
        (owned(1), (owned(1), None)),
        (stop, (owned(1), stop)),
        (owned(2), (owned(2), None)),
    ):
        state.add(record)
        assert (state.owner, state.stopped) == expected


def test_a_batch_that_runs_as_a_whole_begins_anew() -> None:
    records: list[Record] = [
        started("0000", "0-3", whole=True),
        ended("0000", "0-1", {"one": "2"}),
        started("0000", "0-3", whole=True, number=2),
    ]
    batch = CampaignState(manifest(entry(0, 0, 4)), records).batches["0000"]
    assert (str(batch.pending), batch.failures, batch.study_of) == ("0-3", [], [])
    assert batch.studies == ["x_0000.1", "x_0000.2"]


def test_rows_that_are_tried_again_count_once() -> None:
    again = entry(1, 0, 2, attempt=2, table="x.csv", rows="1,3")
    assert rows_of(again) == Rows.of([1, 3])
    state = CampaignState(manifest(entry(0, 0, 4), again))
    state.add(started("0000", "0-3"))
    state.add(ended("0000", "0,2", {"one": "1,3"}))
    assert (state.tally.rows, state.tally.done, state.tally.failed, state.tally.pending) == (4, 2, 0, 2)
    state.add(started("0001", "1,3"))
    state.add(ended("0001", "3", {"one": "1"}))
    assert (state.tally.rows, state.tally.done, state.tally.failed, state.tally.pending) == (4, 3, 1, 0)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (ended("0000", "0", number=2), "rows 0 of batch 0000 done by x_0000.2"),
        (ended("0000", "2-9", number=2), "rows 4-9 of batch 0000 done by x_0000.2"),
        (ended("0000", "", {"one": "0"}, number=2), "rows 0 of batch 0000 failed by x_0000.2"),
        (ended("0000", "", {"one": "1"}, number=2), "rows 1 of batch 0000 failed by x_0000.2"),
        (ended("0000", "", {"one": "4"}, number=2), "rows 4 of batch 0000 failed by x_0000.2"),
        (ended("0000", "1", number=2), "rows 1 of batch 0000 done by x_0000.2"),
        (ended("0000", "2-3", {"one": "3"}, number=2), "rows 3 of batch 0000 failed by x_0000.2"),
        (ended("0000", "", {"one": "2-3", "two": "3"}, number=2), "rows 3 of batch 0000 failed by x_0000.2"),
        (started("0007", "0"), "the ledger names the batch 0007, and the manifest has none"),
        (saved("0007"), "the ledger names the batch 0007, and the manifest has none"),
    ],
)
def test_what_cannot_be(second: Record, reason: str) -> None:
    records: list[Record] = [
        started("0000", "0-3"),
        ended("0000", "0", {"one": "1"}),
        started("0000", "2-3", number=2),
    ]
    with pytest.raises(Contradiction, match=reason):
        CampaignState(manifest(entry(0, 0, 4)), [*records, second])
    state = CampaignState(manifest(entry(0, 0, 4)), records)
    before = asdict(state.tally)
    with pytest.raises(Contradiction, match=reason):
        state.add(second)
    assert asdict(state.tally) == before
    assert str(state.batches["0000"].pending) == "2-3"
