"""What records tell over time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import (
    Cleared,
    Ended,
    Failure,
    Owned,
    Queued,
    Record,
    Refused,
    Returned,
    Saved,
    Started,
    Stopped,
    Submitted,
)
from genstudy.reports.disk import POINTS, DiskHistory
from genstudy.reports.history import StudySpan, WaveRun, history_of


def owned(t: float, generation: int = 1) -> Owned:
    return Owned(
        t=t, generation=generation, host="h", pid=generation, user="u", genstudy="0.1.0", options={"jobs": 2}
    )


def started(t: float, batch: str, number: int = 1) -> Started:
    return Started(t=t, batch=batch, study=f"c_{batch}.{number}", rows="0-9", whole=False)


def ended(
    t: float, batch: str, number: int = 1, *, how: str = "ended", failed: bool = False, rows: str = "0-9"
) -> Ended:
    return Ended.model_validate(
        {
            "t": t,
            "batch": batch,
            "study": f"c_{batch}.{number}",
            "how": how,
            "code": 0,
            "done": str(Rows.span(0, 10) - Rows.parse(rows)) if failed else "0-9",
            "failed": (Failure(step="s", state="FAILED", rows=rows),) if failed else (),
            "seconds": 1.0,
        }
    )


def saved(t: float, batch: str, *, mode: str = "archive", entries: int = 100, content: int = 1000) -> Saved:
    return Saved.model_validate(
        {
            "t": t,
            "batch": batch,
            "mode": mode,
            "path": "archive/x",
            "sha256": None,
            "nbytes": content // 10,
            "entries": entries,
            "content": content,
            "seconds": 0.1,
        }
    )


def spans(records: list[Record], **options: object) -> list[tuple[str, float, float, str]]:
    found = history_of(records, now=1000, **options).spans  # type: ignore[arg-type]
    return [(span.study, span.began, span.ended, span.state) for span in found]


def test_nothing_recorded() -> None:
    history = history_of([], now=5)
    assert (history.spans, history.runs, history.disk) == ([], [], DiskHistory())
    assert (history.began, history.ended) == (None, None)


def test_a_campaign_that_died_was_taken_over_and_runs_now() -> None:
    records: list[Record] = [
        owned(10),
        started(11, "0000"),
        ended(20, "0000"),
        started(21, "0001"),
        started(22, "0002"),
        ended(30, "0002", failed=True),
        owned(500, 2),
        ended(501, "0001", how="killed"),
        started(502, "0001", 2),
        started(503, "0003"),
    ]
    assert spans(records, running={"c_0001.2"}) == [
        ("c_0000.1", 11, 20, "done"),
        ("c_0002.1", 22, 30, "all rows failed"),
        ("c_0001.1", 21, 30, "cut short"),  # when its owner was last heard of, not when that was found out
        ("c_0001.2", 502, 1000, "running"),
        ("c_0003.1", 503, 503, "cut short"),
    ]
    runs = history_of(records, now=1000).runs
    assert [(run.owned.generation, run.ended, run.reason) for run in runs] == [(1, 30, None), (2, 503, None)]


def test_a_study_whose_rows_failed_is_failed_however_it_ended() -> None:
    records: list[Record] = [owned(1), started(2, "0000"), ended(3, "0000", how="killed", failed=True)]
    assert spans([*records, Stopped(t=9, reason="enough")]) == [("c_0000.1", 2, 3, "all rows failed")]
    history = history_of([*records, Stopped(t=9, reason="enough")], now=10)
    assert [(run.ended, run.reason) for run in history.runs] == [(9, "enough")]
    assert (history.began, history.ended) == (1, 9)


def test_a_batch_of_which_some_rows_failed_is_told_from_one_of_which_all_did() -> None:
    records: list[Record] = [owned(1), started(2, "0000"), ended(3, "0000", failed=True, rows="2,5-7")]
    assert spans(records) == [("c_0000.1", 2, 3, "some rows failed")]


def test_a_process_that_runs_has_run_until_now() -> None:
    records: list[Record] = [
        owned(1),
        ended(3, "0000"),
        owned(10, 2),
        started(11, "0001"),
        started(12, "0002"),
    ]
    history = history_of(records, running={"c_0001.1"}, alive=True, now=100)
    assert [(run.ended, run.alive) for run in history.runs] == [(3, False), (100, True)]
    assert (history.busy, history.ended) == (92, 100)
    assert [(span.ended, span.state) for span in history.spans] == [(100, "running"), (12, "cut short")]


def handed(t: float, wave: int, *batches: str) -> Submitted:
    return Submitted(t=t, wave=wave, scheduler="slurm", token=f"genstudy-{wave}", batches=batches)


def test_tasks_go_on_when_the_process_that_handed_them_over_has_ended() -> None:
    records: list[Record] = [
        owned(10),
        handed(11, 1, "0000", "0001"),
        Queued(t=12, wave=1, job="7"),
        Stopped(t=13, reason=""),
        started(100, "0000"),
        ended(130, "0000"),
        started(120, "0001"),
    ]
    history = history_of(records, running={"c_0001.1"}, now=140)
    assert [(run.ended, run.reason) for run in history.runs] == [(13, "")]
    assert history.busy == 3 + 40
    assert [(span.study, span.ended, span.state) for span in history.spans] == [
        ("c_0000.1", 130, "done"),
        ("c_0001.1", 140, "running"),
    ]
    assert history.waves == [WaveRun(number=1, scheduler="slurm", batches=2, began=11, job="7")]


def test_waves_and_how_their_tasks_ended() -> None:
    def back(t: float, wave: int, batch: str, state: str) -> Returned:
        return Returned(t=t, wave=wave, batch=batch, state=state)

    records: list[Record] = [
        owned(10),
        handed(11, 1, "0000", "0001", "0002"),
        Queued(t=12, wave=1, job="7"),
        back(20, 1, "0001", "COMPLETED"),
        back(30, 1, "0000", "TIMEOUT"),
        back(40, 1, "0002", "COMPLETED"),
        handed(50, 2, "0000"),
        Refused(t=51, wave=2, reason="no such queue"),
    ]
    words = {"COMPLETED": 2, "TIMEOUT": 1}
    assert history_of(records, now=60).waves == [
        WaveRun(number=1, scheduler="slurm", batches=3, began=11, job="7", ended=40, words=words),
        WaveRun(number=2, scheduler="slurm", batches=1, began=50, ended=51, refused="no such queue"),
    ]


def test_clocks_that_do_not_agree_give_no_negative_times() -> None:
    assert spans([owned(100), started(90, "0000"), ended(80, "0000")]) == [("c_0000.1", 90, 90, "done")]


def test_the_disk() -> None:
    disk = history_of(
        [
            owned(0),
            started(1, "0000"),
            ended(10, "0000"),
            started(11, "0001"),
            saved(15, "0000"),
            Cleared(t=16, batch="0000", left=0),
            ended(20, "0001"),
            saved(25, "0001"),
            Cleared(t=26, batch="0001", left=40),
        ],
        now=30,
    ).disk
    assert list(zip(disk.times, disk.files, disk.made, disk.workspaces, disk.saved, strict=True)) == [
        (0, 0, 0, 0, 0),
        (10, 100, 100, 1000, 0),
        (15, 101, 100, 1000, 100),
        (16, 1, 100, 0, 100),
        (20, 101, 200, 1000, 100),
        (25, 102, 200, 1000, 200),
        (26, 42, 200, 0, 200),
    ]
    assert disk.left == 40


def test_kept_files_are_counted_once_when_they_are_archived_later() -> None:
    disk = history_of(
        [owned(0), ended(1, "0000"), saved(2, "0000", mode="keep"), saved(9, "0000")], now=30
    ).disk
    assert list(zip(disk.times, disk.files, disk.saved, strict=True)) == [
        (0, 0, 0),
        (1, 100, 0),
        (2, 100, 0),
        (9, 101, 100),
    ]


@given(st.integers(1, 3000), st.integers(1, 10))
def test_a_long_history_is_cut_to_what_can_be_seen(batches: int, left: int) -> None:
    records: list[Record] = [owned(0)]
    for number in range(batches):
        batch = f"{number:04}"
        records += [ended(number + 0.1, batch), saved(number + 0.2, batch, entries=100 + number % 7)]
        records.append(Cleared(t=number + 0.3, batch=batch, left=left))
    disk = history_of(records, now=batches).disk
    assert len(disk.times) <= POINTS
    assert list(disk.times) == sorted(disk.times)
    made = sum(100 + number % 7 for number in range(batches))
    assert (disk.files[-1], disk.made[-1]) == (batches * (left + 1), made)


def test_each_study_has_its_span() -> None:
    [span] = history_of([owned(1), started(2, "0007"), ended(3, "0007")], now=9).spans
    assert span == StudySpan(batch="0007", study="c_0007.1", began=2, ended=3, state="done")
