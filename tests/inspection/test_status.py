"""The status of campaigns of every fate, read while they run and after."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.cli.status_text import change_line, status_lines
from genstudy.errors import GenstudyError
from genstudy.inspection.status import Present, StatusReader, campaign_status
from genstudy.inspection.status_format import Status, status_schema
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import (
    Cleared,
    Ended,
    Failure,
    Owned,
    Queued,
    Record,
    Returned,
    Saved,
    Started,
    Stopped,
    Submitted,
)
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import BatchEntry, Manifest
from genstudy.specs.options import Options
from tests.campaign.studies import MARK, step, template
from tests.ledger.owners import NEVER, Owner, no_news, rewrite_owner
from tests.specs.support import refusal

PLAIN = template(step("run", "echo $(A)", MARK))
UNMARKED = template(step("run", "echo $(A)"))
GATHER = template(step("run", "echo $(A)", MARK), step("gather", "ls $(run.workspace)", depends=["run_*"]))


def campaign(
    place: Path, *, rows: int = 40, size: int = 10, text: str = PLAIN, inline: bool = False
) -> Manifest:
    """Make the campaign `c`, of four batches if nothing else is said."""
    (place / "t.csv").write_text("a\n" + "".join(f"{n}\n" for n in range(rows)))
    (place / "t.yaml.j2").write_text(text)
    chosen = Options(template=place / "t.yaml.j2", name="c", batch_size=size, inline=inline)
    return make_specs(place / "t.csv", place / "c", chosen).manifest


def started(
    batch: BatchEntry, number: int = 1, *, rows: str = "", whole: bool = False, t: float = 100
) -> Started:
    rows = rows or f"{batch.start}-{batch.start + batch.nrows - 1}"
    return Started(t=t, batch=batch.id, study=f"c_{batch.id}.{number}", rows=rows, whole=whole)


def ended(
    batch: BatchEntry, done: str | None = None, failed: str = "", *, number: int = 1, t: float = 110
) -> Ended:
    done = f"{batch.start}-{batch.start + batch.nrows - 1}" if done is None else done
    return Ended(
        t=t,
        batch=batch.id,
        study=f"c_{batch.id}.{number}",
        how="ended",
        code=2 if failed else 0,
        done=done,
        failed=(Failure(step="run", state="FAILED", rows=failed),) if failed else (),
        seconds=5.0,
    )


def saved(batch: BatchEntry) -> Saved:
    path = f"archive/c_{batch.id}.tar.zst"
    return Saved(
        t=120,
        batch=batch.id,
        mode="archive",
        path=path,
        sha256="0" * 64,
        nbytes=1000,
        entries=70,
        content=3000,
        seconds=0.5,
    )


def all_of(batch: BatchEntry, failed: str = "", done: str | None = None, *, t: float = 110) -> list[Record]:
    """Return the records of a batch that ran, was saved and cleared."""
    cleared = Cleared(t=121, batch=batch.id, left=3 if failed else 0)
    return [started(batch), ended(batch, done, failed, t=t), saved(batch), cleared]


def write(folder: Path, *records: Record, reason: str = "") -> None:
    """Own the campaign, record these, and give it up."""
    with Ledger(folder, beat=NEVER).own({}, no_news) as owner:
        owner.reason = reason
        for record in records:
            owner.add(record)


def lines(folder: Path) -> list[str]:
    return status_lines(campaign_status(folder), "c")


def test_a_campaign_that_was_never_run(tmp_path: Path) -> None:
    campaign(tmp_path)
    status = campaign_status(tmp_path / "c")
    assert (status.state, status.owner, status.cost, status.rate) == ("new", None, None, None)
    assert status.rows.model_dump() == {"total": 40, "done": 0, "failed": 0, "pending": 40}
    assert status.batches.model_dump() == {
        "total": 4,
        "done": 0,
        "failed": 0,
        "pending": 4,
        "running": 0,
        "saved": 0,
        "cleared": 0,
    }
    assert (status.files, status.bytes, status.folder) == (7, 0, str(tmp_path / "c"))
    assert lines(tmp_path / "c") == [
        "c: not run yet",
        "rows     0 done, 0 failed, 40 pending of 40",
        "batches  0 done, 0 with failures, 4 pending of 4; 0 saved, 0 cleared",
        "files    7 in use, 0 B saved",
        "next     genstudy run c",
    ]
    assert not (tmp_path / "c/ledger").exists()


def test_a_campaign_that_runs(tmp_path: Path) -> None:
    first, second, third, _ = campaign(tmp_path).batches
    with Ledger(tmp_path / "c", beat=NEVER).own({}, no_news) as owner:
        owned = next(iter(Ledger(tmp_path / "c").records()))
        start = owned.t
        for record in (
            *all_of(first, t=start + 5),
            started(second),
            ended(second, "10-18", "19", t=start + 10),
            started(third, t=start + 10),
        ):
            owner.add(record)
        status = campaign_status(tmp_path / "c")
        shown = lines(tmp_path / "c")
    assert status.state == "running"
    assert status.owner is not None
    assert (status.owner.alive, status.owner.pid) == (True, owned.pid if isinstance(owned, Owned) else 0)
    assert [run.batch for run in status.running] == ["0002"]
    assert status.running[0].model_dump() == {
        "batch": "0002",
        "study": "c_0002.1",
        "rows": 10,
        "since": start + 10,
    }
    assert (status.batches.running, status.batches.saved, status.unsaved) == (1, 1, ["0001"])
    assert status.rate == pytest.approx(2.0)
    assert status.left == pytest.approx(10.0)
    assert status.cost is not None
    assert status.cost.model_dump() == {"rows": 20, "seconds": 0.5, "files": 7.0, "bytes": 300.0}
    assert " runs it since 20" in shown[0]
    assert shown[1:5] == [
        "rows     19 done, 1 failed, 20 pending of 40",
        "batches  1 done, 1 with failures, 2 pending of 4; 1 running, 1 saved, 1 cleared",
        "a row    500 ms, 7.0 files, 300 B (mean of 20)",
        "rate     2 rows/s, about 10 s left",
    ]
    assert shown[6].startswith("running  0002: 10 rows since ")
    assert shown[6].endswith(", in runs/c_0002.1")
    assert shown[7:] == ["unsaved  0001", "next     genstudy status c --failed"]


def test_a_campaign_that_was_stopped(tmp_path: Path) -> None:
    batches = campaign(tmp_path).batches
    write(
        tmp_path / "c",
        *all_of(batches[0]),
        started(batches[1]),
        ended(batches[1], "10-13"),
        reason="can\ncelled",
    )
    status = campaign_status(tmp_path / "c")
    assert (status.state, status.reason, status.running) == ("stopped", "can\ncelled", [])
    assert [again.model_dump() for again in status.again] == [
        {
            "batch": "0001",
            "rows": 6,
            "whole": False,
            "judged": True,
            "reason": "it was cut short",
        }
    ]
    shown = lines(tmp_path / "c")
    assert shown[0].startswith("c: not running: can celled (process ")
    assert shown[-2:] == ["again    6 rows of 1 batch that were cut short: 0001", "next     genstudy run c"]


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        (PLAIN, {}, "what finished is looked up by the done marks of the steps"),
        (UNMARKED, {}, "what finished is looked up in Maestro's record, as step 'run' leaves no done mark"),
        (GATHER, {}, "step 'gather' waits for all rows of a batch"),
        (PLAIN.replace(".quoted", ""), {"inline": True}, "an inline specification runs its rows together"),
    ],
)
def test_a_campaign_whose_process_died(
    tmp_path: Path, text: str, options: dict[str, bool], reason: str
) -> None:
    manifest = campaign(tmp_path, text=text, **options)
    with Owner(tmp_path / "c") as owner:
        assert owner.ask("own") == "owned 1"
        whole = bool(options) or text is GATHER
        file = tmp_path / "c/ledger/records-000001.jsonl"
        with file.open("a") as stream:
            stream.write(started(manifest.batches[2], whole=whole).model_dump_json() + "\n")
        assert campaign_status(tmp_path / "c").state == "running"
        assert campaign_status(tmp_path / "c").again == []
        owner.kill()
    status = campaign_status(tmp_path / "c")
    assert (status.state, status.running, status.rate) == ("died", [], None)
    assert status.owner is not None
    assert status.owner.alive is False
    [again] = status.again
    assert again.model_dump() == {
        "batch": "0002",
        "rows": 10,
        "whole": whole,
        "judged": False,
        "reason": reason,
    }
    shown = lines(tmp_path / "c")
    assert shown[0].startswith("c: not running; its last process ended without a word (process ")
    if whole:
        assert f"again    {reason}: 1 batch as a whole: 0002" in shown
    else:
        assert f"again    1 batch cut short: 0002; {reason}" in shown


def test_what_an_earlier_owner_left_does_not_run(tmp_path: Path) -> None:
    first, second, *_ = campaign(tmp_path).batches
    write(tmp_path / "c", started(first))
    with Ledger(tmp_path / "c", beat=NEVER).own({}, no_news) as owner:
        owner.add(started(second))
        status = campaign_status(tmp_path / "c")
    assert [run.batch for run in status.running] == ["0001"]
    assert [(again.batch, again.judged) for again in status.again] == [("0000", False)]


def test_a_campaign_that_runs_elsewhere(tmp_path: Path) -> None:
    batches = campaign(tmp_path).batches
    write(tmp_path / "c", started(batches[0]))
    records = tmp_path / "c/ledger/records-000001.jsonl"
    records.write_text("".join(records.read_text().splitlines(keepends=True)[:-1]))
    rewrite_owner(tmp_path / "c", host="node12", machine="other", boot="other")
    status = campaign_status(tmp_path / "c")
    assert (status.state, len(status.running)) == ("running", 1)
    assert status.owner is not None
    assert (status.owner.host, status.owner.alive) == ("node12", None)
    assert lines(tmp_path / "c")[0].endswith("; whether it lives cannot be seen from here")


def test_a_campaign_that_is_finished(tmp_path: Path) -> None:
    batches = campaign(tmp_path, rows=20).batches
    write(tmp_path / "c", *all_of(batches[0]), *all_of(batches[1]))
    status = campaign_status(tmp_path / "c")
    assert (status.state, status.rows.done, status.bytes, status.unsaved) == ("finished", 20, 2000, [])
    assert lines(tmp_path / "c")[-1] == "files    17 in use, 2.0 KB saved"
    assert lines(tmp_path / "c")[0].startswith("c: finished (process ")


def test_a_finished_campaign_with_failures_can_be_tried_again(tmp_path: Path) -> None:
    [batch] = campaign(tmp_path, rows=10).batches
    write(tmp_path / "c", *all_of(batch, "3,5", "0-2,4,6-9"))
    assert lines(tmp_path / "c")[-2:] == [
        "next     genstudy status c --failed",
        "next     genstudy retry c && genstudy run c",
    ]


def with_retry(folder: Path, manifest: Manifest, rows: str, nrows: int) -> BatchEntry:
    """Add a batch that tries rows again."""
    last = manifest.batches[-1]
    more = {
        "id": f"{len(manifest.batches):04}",
        "spec": f"c_{len(manifest.batches):04}.yaml",
        "attempt": 2,
        "rows": rows,
        "table": "again.csv",
        "nrows": nrows,
    }
    entry = last.model_copy(update={**more, "start": 0})
    changed = manifest.model_copy(update={"batches": [*manifest.batches, entry]})
    (folder / "manifest.json").write_text(changed.to_text())
    return entry


def test_rows_that_are_tried_again_count_once(tmp_path: Path) -> None:
    manifest = campaign(tmp_path, rows=10)
    [batch] = manifest.batches
    write(tmp_path / "c", *all_of(batch, "3,5", "0-2,4,6-9"))
    retry = with_retry(tmp_path / "c", manifest, "3,5", 2)
    status = campaign_status(tmp_path / "c")
    assert status.rows.model_dump() == {"total": 10, "done": 8, "failed": 0, "pending": 2}
    assert (status.retries, status.batches.total, status.state) == (2, 2, "stopped")
    write(tmp_path / "c", *all_of(retry, "5", "3")[:1], ended(retry, "3", "5"), saved(retry))
    assert campaign_status(tmp_path / "c").rows.model_dump() == {
        "total": 10,
        "done": 9,
        "failed": 1,
        "pending": 0,
    }


def test_it_fits_a_screen_whatever_the_campaign_is_like(tmp_path: Path) -> None:
    batches = campaign(tmp_path, rows=1200, size=2).batches
    cut = [record for batch in batches[:200] for record in (started(batch), ended(batch, str(batch.start)))]
    unsaved = [record for batch in batches[200:400] for record in (started(batch), ended(batch))]
    running = [started(batch) for batch in batches[400:]]
    with Ledger(tmp_path / "c", beat=NEVER).own({}, no_news) as owner:
        for record in (*cut, *unsaved, *running):
            owner.add(record)
        shown = lines(tmp_path / "c")
    assert len(shown) < 20
    assert max(map(len, shown)) <= 110
    assert shown[-3:] == [
        "         ... and 195 more",
        "again    200 rows of 200 batches that were cut short: 0000, 0001, 0002, 0003, 0004 and 195 more",
        "unsaved  0200, 0201, 0202, 0203, 0204 and 195 more",
    ]


def test_a_reader_sees_what_is_new(tmp_path: Path) -> None:
    manifest = campaign(tmp_path, rows=20)
    reader = StatusReader(tmp_path / "c")
    assert reader.read().rows.done == 0
    with Ledger(tmp_path / "c", beat=NEVER).own({}, no_news) as owner:
        assert reader.read().state == "running"
        for batch in manifest.batches:
            owner.add(started(batch))
            assert reader.read().batches.running == 1
            owner.add(ended(batch, failed=str(batch.start), done=f"{batch.start + 1}-{batch.start + 9}"))
            assert reader.read().rows.failed == int(batch.id) + 1
            assert reader.read() == campaign_status(tmp_path / "c")
    assert reader.read().state == "stopped"
    with_retry(tmp_path / "c", manifest, "0,10", 2)
    assert reader.read().rows.pending == 2
    assert reader.read() == campaign_status(tmp_path / "c")


def test_a_ledger_that_is_torn_or_damaged(tmp_path: Path) -> None:
    batches = campaign(tmp_path).batches
    write(tmp_path / "c", *all_of(batches[0]))
    file = tmp_path / "c/ledger/records-000001.jsonl"
    whole = file.read_text()
    file.write_text(whole + '{"event": "sta')
    assert campaign_status(tmp_path / "c").rows.done == 10
    file.write_text(whole.replace('"event":"end"', '"event":"fin"'))
    with pytest.raises(GenstudyError, match=r"records-000001.jsonl, line 3: not a record"):
        campaign_status(tmp_path / "c")
    assert refusal(lambda: campaign_status(tmp_path)).endswith(
        "not a campaign: it holds no manifest.json\n  genstudy specs makes one"
    )


FATES = st.lists(
    st.tuples(st.sampled_from(["none", "running", "cut", "ended", "saved", "cleared"]), st.integers(0, 10)),
    min_size=6,
    max_size=6,
)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    place = tmp_path_factory.mktemp("six")
    return place / "c", campaign(place, rows=60)


@given(FATES, st.booleans())
def test_all_adds_up(six: tuple[Path, Manifest], fates: list[tuple[str, int]], alive: bool) -> None:
    folder, manifest = six
    for path in (folder / "ledger").glob("*"):
        path.unlink()
    records: list[Record] = []
    for batch, (fate, failed) in zip(manifest.batches, fates, strict=True):
        steps = ["running", "cut", "ended", "saved", "cleared"]
        begin, middle = batch.start, batch.start + failed
        done = f"{middle}-{begin + 9}" if failed < 10 else ""
        bad = f"{begin}-{middle - 1}" if failed else ""
        if fate != "none":
            records.append(started(batch))
        if fate == "cut":
            records.append(ended(batch, done))
        if fate in steps[2:]:
            records.append(ended(batch, done, bad))
        if fate in steps[3:]:
            records.append(saved(batch))
        if fate == "cleared":
            records.append(Cleared(t=1, batch=batch.id, left=0))
    with Ledger(folder, beat=NEVER).own({}, no_news) as owner:
        for record in records:
            owner.add(record)
        status = campaign_status(folder)
    if not alive:
        status = campaign_status(folder)
    check_sums(status)
    over = {"ended", "saved", "cleared"}
    assert status.rows.failed == sum(failed for fate, failed in fates if fate in over)
    assert status.rows.done == sum(10 - failed for fate, failed in fates if fate in {*over, "cut"})
    names = [fate for fate, _ in fates]
    assert status.batches.running == (names.count("running") if alive else 0)
    assert (status.batches.saved, status.batches.cleared) == (
        names.count("saved") + names.count("cleared"),
        names.count("cleared"),
    )
    full_cut = sum(fate == "cut" and not failed for fate, failed in fates)
    assert len(status.unsaved) == names.count("ended") + full_cut
    assert len(status.again) == names.count("cut") - full_cut + (0 if alive else names.count("running"))
    assert status.state in ({"running"} if alive else {"stopped", "finished"})
    assert (status.state == "finished") == (not alive and set(names) == {"cleared"})


def check_sums(status: Status) -> None:
    rows, batches = status.rows, status.batches
    assert rows.total == rows.done + rows.failed + rows.pending
    assert batches.total == batches.done + batches.failed + batches.pending
    jsonschema.Draft202012Validator(status_schema()).validate(json.loads(status.model_dump_json()))
    assert Status.model_validate_json(status.model_dump_json()) == status
    assert "\n" not in "".join(status_lines(status, "c"))
    assert change_line(status).count("\n") == 0


def test_the_pace_is_that_of_the_last_owner() -> None:
    def own(t: float) -> Owned:
        return Owned(t=t, generation=1, host="h", pid=1, user="u", genstudy="0", options={})

    def end(t: float, done: str) -> Ended:
        return Ended(t=t, batch="0", study="s", how="ended", code=0, done=done, seconds=1)

    def rate(*records: Record) -> float | None:
        return Present.of(records).rate

    assert rate() is None
    assert rate(own(5)) is None
    before: list[Record] = [own(5), end(6, "0-999"), Stopped(t=7, reason="")]
    assert rate(*before) == 1000
    assert rate(*before, own(100)) is None
    assert rate(*before, own(100), end(110, "0-9"), end(120, "10")) == 11 / 20
    assert rate(*before, own(100), end(90, "0-9")) is None  # the clock was set back
    # What tasks of a scheduler did before somebody followed them is recorded later.
    assert rate(*before, own(100), end(30, "0-99"), end(110, "100-104"), end(105, "105-109")) == 1


def test_a_wave_that_is_over_and_not_taken_back_is_not_finished(tmp_path: Path) -> None:
    manifest, folder = campaign(tmp_path, rows=10), tmp_path / "c"
    write(
        folder,
        Submitted(t=90, wave=1, scheduler="slurm", token="genstudy-1", batches=("0000",)),
        Queued(t=91, wave=1, job="7"),
    )
    assert lines(folder)[0].startswith("c: in the scheduler's hands, and followed by nobody (process ")
    batch = manifest.batches[0]
    (folder / "waves/0001/tasks").mkdir(parents=True)
    with Ledger(folder).task(1, "0000").own({}, no_news) as owner:
        for one in all_of(batch):
            owner.add(one)
    status = campaign_status(folder)
    assert (status.state, status.rows.done, status.batches.cleared) == ("submitted", 10, 1)
    shown = lines(folder)
    assert shown[0].startswith("c: its jobs are over, and nobody has taken up yet what they did (process ")
    assert shown[-2:] == [
        "wave     1: job 7 of Slurm, 1 ended, 0 running, 0 waiting of 1 batch",
        "next     genstudy run c",
    ]
    write(folder, *all_of(batch), Returned(t=140, wave=1, batch="0000", state="COMPLETED"))
    assert (campaign_status(folder).state, campaign_status(folder).waves) == ("finished", [])


def test_waves_may_come_and_go_while_it_is_read(tmp_path: Path) -> None:
    _, folder = campaign(tmp_path, rows=10), tmp_path / "c"
    over = threading.Event()

    def come_and_go() -> None:
        tasks = folder / "waves/0001/tasks"
        while not over.is_set():
            for batch in range(20):
                (tasks / str(batch)).mkdir(parents=True)
                (tasks / str(batch) / "records-000001.jsonl").touch()
            tasks.rename(tasks.with_name("tasks.over"))
            shutil.rmtree(tasks.with_name("tasks.over"))

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(300):
            campaign_status(folder)
    finally:
        over.set()
        thread.join()


def test_every_field_is_described() -> None:
    schema = status_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for part in (schema, *schema["$defs"].values()):
        assert "description" in part
        for name, field in part["properties"].items():
            assert "description" in field or "$ref" in field or name in {"host", "pid", "user", "total"}
