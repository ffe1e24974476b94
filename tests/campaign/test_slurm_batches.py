"""Campaigns whose batches are jobs of a real Slurm: each row once, whatever becomes of jobs and followers."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genstudy.errors import RunError
from genstudy.ledger.lease import RecordsFile
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Refused, Submitted
from tests.campaign.support import GENSTUDY, genstudy
from tests.campaign.waves import (
    WAIT,
    Follower,
    failures,
    follow,
    jobs_of,
    once,
    problems_of,
    ran,
    returns,
    rows_of,
    state_of,
    tasks_of,
    wait_for,
    wave_campaign,
)
from tests.slurm.lab import SlurmLab

ALONE = "touch $top/at.$1; ls $top | grep -c '^at' >> $top/most; sleep 0.3; rm $top/at.$1"
"""A command that writes down how many rows are at work."""


@pytest.fixture
def fresh_slurm(slurm: SlurmLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmLab]:
    """Return a Slurm of this test's own, which remembers no other jobs."""
    assert slurm.env
    lab = SlurmLab()
    try:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        yield lab
    finally:
        lab.close()


def test_each_batch_is_a_task_and_all_is_as_on_one_machine(slurm: SlurmLab, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n" + "".join(f"{row}\n" for row in range(6)))
    (tmp_path / "study.yaml").write_text(
        "table: t.csv\nname: c\ntemplate: command\nset:\n  style: positional\n"
        f"  command: 'echo out $(A) > out.txt; tee -a {tmp_path}/ran <<<'\nbatch_size: 2\n"
        "scheduler:\n  submit: batches\n  queue: debug\n  walltime: 5m\n  memory: 100M\n"
        "results:\n  sources:\n    - {regex: '*.out', columns: {b: '([0-9]+)'}}\n"
    )
    genstudy(tmp_path, "build", "study.yaml")
    out = genstudy(tmp_path, "run", "c").splitlines()
    (job,) = jobs_of(tmp_path / "c")
    assert out[0].startswith("wave 1: 3 batches (0000 to 0002)")
    assert out[0].endswith(f"job {job} of Slurm")
    assert sorted(line.partition(";")[0] for line in out[1:4]) == [
        f"batch 000{number}: 2 rows done" for number in range(3)
    ]
    assert out[4:] == ["c: 6 of 6 rows done", "results: 6 rows in c/results.db"]
    assert tasks_of(slurm, tmp_path / "c") == {"COMPLETED": 3}
    with sqlite3.connect(tmp_path / "c" / "results.db") as base:
        assert base.execute("SELECT a, b FROM results ORDER BY a").fetchall() == [(n, n) for n in range(6)]
    assert sorted(path.name for path in (tmp_path / "c" / "archive").iterdir()) == [
        f"c_000{number}.tar.zst" for number in range(3)
    ]
    shown = json.loads(genstudy(tmp_path, "status", "c", "--json"))
    assert shown["rows"] == {"total": 6, "done": 6, "failed": 0, "pending": 0}
    assert genstudy(tmp_path, "verify", "c").endswith("nothing wrong\n")
    assert problems_of(tmp_path / "c", slurm) == []
    once(tmp_path)
    assert genstudy(tmp_path, "run", "c").splitlines() == ["c: nothing left to run; 6 of 6 rows done", out[5]]


def test_submit_returns_at_once_and_takes_up_what_ended(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, f"test $1 -lt 2 || {{ {WAIT}; }}")
    assert "(3 batches in the queue)" in genstudy(tmp_path, "submit", "c", "--scheduler", "slurm")
    slurm.wait(lambda: tasks_of(slurm, campaign)["COMPLETED"] == 1, "the first batch has ended")
    out = genstudy(tmp_path, "submit", "c", "--scheduler", "slurm").splitlines()
    assert out[0] == "batch 0000: 2 rows done; 2 of 6 in all"
    assert out[1] == "c: 2 of 6 rows done, 4 pending (2 batches in the queue)"
    (tmp_path / "go").touch()
    report, lines = follow(campaign)
    assert (report.rows.done, report.queued) == (6, 0)
    assert not any(line.startswith("wave") for line in lines)
    assert problems_of(campaign, slurm) == []
    once(tmp_path)


@pytest.mark.parametrize("kind", ["funnel", "inline"])
def test_batches_that_need_to_run_as_a_whole(kind: str, slurm: SlurmLab, tmp_path: Path) -> None:
    if kind == "inline":
        campaign = wave_campaign(tmp_path, inline=True, batch_size=3)
    else:
        campaign = wave_campaign(tmp_path, template="pipeline", batch_size=3)
    follow(campaign, settings={"jobs": 2})
    assert problems_of(campaign, slurm) == []
    once(tmp_path)


@pytest.mark.parametrize("save", ["keep", "move", "archive"])
def test_batches_are_saved_where_they_shall_be(
    save: str, slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    campaign = wave_campaign(tmp_path, rows=4)
    hooks = {name: f"echo {name} $GENSTUDY_BATCH >> ../hooks" for name in ("before", "after")}
    follow(campaign, settings={"save": save, **({} if save == "keep" else {"to": "there"}), **hooks})
    left = {path.name for path in (campaign / "runs").iterdir() if path.is_dir()}
    if save == "keep":
        assert left == {"c_0000.1", "c_0001.1"}
    else:
        ending = {"move": "", "archive": ".tar.zst"}[save]
        assert {f"c_000{number}{ending}" for number in range(2)} <= {
            path.name for path in (tmp_path / "there").iterdir()
        }
        assert left == set()
    assert [problem for problem in problems_of(campaign, slurm) if "left: " not in problem] == []
    assert sorted((tmp_path / "hooks").read_text().splitlines()) == [
        *("after 0000", "after 0001", "before 0000", "before 0001")
    ]
    once(tmp_path, 4)


@pytest.mark.parametrize("keep", [True, False])
def test_failed_rows_are_kept_or_not_and_tried_again(keep: bool, slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, "test $1 -ne 3 || test -e $top/go || exit 1")
    report, _ = follow(campaign, settings={"keep_failed": keep})
    assert (report.rows.done, report.rows.failed) == (5, 1)
    left = sorted(path.name for path in (campaign / "runs").glob("*/*/*"))
    assert left == (["row_3"] if keep else [])
    (tmp_path / "go").touch()
    genstudy(tmp_path, "retry", "c")
    follow(campaign, settings={"keep_failed": keep})
    assert rows_of(campaign) == (6, 0, 0)
    assert ran(tmp_path) == {**dict.fromkeys(range(6), 1), 3: 2}
    assert slurm.is_empty()
    assert genstudy(tmp_path, "verify", "c").endswith("nothing wrong\n")


def test_no_more_batches_at_a_time_than_the_limit(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, ALONE, rows=4, batch_size=1)
    follow(campaign, job=("limit=2",))
    assert max(map(int, (tmp_path / "most").read_text().split())) <= 2
    assert problems_of(campaign, slurm) == []


def test_no_more_batches_than_asked_for(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path)
    report, _ = follow(campaign, max_batches=2)
    assert (report.started, report.rows.done, report.rows.pending) == (2, 4, 2)
    report, _ = follow(campaign, max_batches=2)
    assert (report.started, report.rows.done, report.rows.pending) == (1, 6, 0)
    assert problems_of(campaign, slurm) == []


def test_a_path_may_have_any_characters(slurm: SlurmLab, tmp_path: Path) -> None:
    folder = tmp_path / """a b'c"d %a %% é;$(x)`y`#"""
    folder.mkdir()
    campaign = wave_campaign(folder)
    follow(campaign)
    assert problems_of(campaign, slurm) == []
    printed = (campaign / "waves" / "0001" / "tasks.log").read_text().splitlines()
    assert [line for line in printed if line.startswith("==")] == [f"==> {n}.out <==" for n in range(3)]
    once(folder)


def test_two_campaigns_at_once(slurm: SlurmLab, tmp_path: Path) -> None:
    campaigns = []
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        campaigns.append(wave_campaign(tmp_path / name))
    for follower in [Follower(campaign) for campaign in campaigns]:
        assert follower.end().rows.done == 6
    for campaign in campaigns:
        assert problems_of(campaign, slurm) == []
        once(campaign.parent)


# Those who follow


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_jobs_go_on_without_their_follower(number: signal.Signals, slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, WAIT, rows=4)
    run = subprocess.Popen(
        [*GENSTUDY, "run", "c", "--scheduler", "slurm"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(slurm, tmp_path, 0, 2)
    run.send_signal(number)
    out, err = run.communicate(timeout=30)
    assert run.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert ("4 pending (2 batches in the queue)" in out) == (number != signal.SIGKILL), (out, err)
    (tmp_path / "go").touch()
    slurm.wait(slurm.is_empty, "all jobs have ended")
    assert rows_of(campaign) == (4, 0, 0)
    report, lines = follow(campaign)
    assert (report.rows.done, report.started) == (4, 0)
    assert not any(line.startswith("wave") for line in lines)
    assert problems_of(campaign, slurm) == []
    once(tmp_path, 4)


def test_whenever_the_follower_dies_the_next_one_goes_on(
    slurm: SlurmLab, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # It touches some 120 files; with --kills 160 or more, each of them is tried.
    step = max(1, 160 // int(request.config.getoption("--kills")))
    campaign = wave_campaign(tmp_path, rows=2, batch_size=1)
    tried = subprocess.run(
        [sys.executable, "-m", "tests.campaign.dying", campaign, "die", "3", str(step), "slurm"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    (count,) = tried.stdout.splitlines()
    assert int(count) >= 60 // step
    assert set(ran(tmp_path).values()) == {int(count) + 1}
    assert slurm.is_empty()


@pytest.mark.parametrize("followed", [True, False])
def test_cancel_takes_all_batches_back(followed: bool, slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, f"test $1 -eq 0 || {{ {WAIT}; }}")
    more = ("--job", "cores=8", "--job", "limit=2")
    run = subprocess.Popen(
        [*GENSTUDY, "run" if followed else "submit", "c", "--scheduler", "slurm", *more],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(slurm, tmp_path, 0, 1, 2)
    genstudy(tmp_path, "cancel", "c")
    out, _ = run.communicate(timeout=30)
    assert run.returncode == (1 if followed else 0), out
    assert slurm.is_empty()
    assert rows_of(campaign) == (1, 0, 5)
    assert state_of(campaign).waves == {}
    late = subprocess.run(
        [sys.executable, "-m", "genstudy.cli.task", campaign / "waves" / "0001", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (late.returncode, late.stderr) == (0, "")
    assert "nothing is done" in late.stdout
    assert rows_of(campaign) == (1, 0, 5)
    (tmp_path / "go").touch()
    follow(campaign)
    assert problems_of(campaign, slurm) == []
    assert ran(tmp_path) == {**dict.fromkeys(range(6), 1), 1: 2, 2: 2}


# What Slurm refuses, and Slurm away


def test_a_wave_that_slurm_refuses_is_in_nobodys_hands(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path)
    with pytest.raises(RunError, match="invalid partition"):
        follow(campaign, job=("queue=nosuch",))
    assert [one.wave for one in Ledger(campaign).records() if isinstance(one, Refused)] == [1]
    assert (rows_of(campaign), state_of(campaign).waves) == ((0, 0, 6), {})
    follow(campaign)
    assert problems_of(campaign, slurm) == []
    once(tmp_path)


def test_waves_are_as_large_as_slurm_has_room_for(fresh_slurm: SlurmLab, tmp_path: Path) -> None:
    fresh_slurm.reconfigure(MaxArraySize=4, MaxJobCount=10)
    campaign = wave_campaign(tmp_path, rows=9, batch_size=1)
    follow(campaign)
    assert problems_of(campaign, fresh_slurm) == []
    assert len(jobs_of(campaign)) >= 3
    once(tmp_path, 9)


def test_a_controller_that_is_away_for_a_while(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, f"test $1 -lt 2 || {{ {WAIT}; }}")
    follower = Follower(campaign)
    slurm.wait(lambda: returns(campaign) == [("0000", "COMPLETED")], "a batch is returned")
    slurm.stop_controller(kill=True)
    (tmp_path / "go").touch()
    slurm.wait(lambda: rows_of(campaign) == (6, 0, 0), "the tasks are at their end")
    slurm.wait(lambda: any("does not answer" in line for line in follower.lines), "it is told")
    slurm.start_controller()
    assert follower.end().rows.done == 6
    assert problems_of(campaign) == []  # Slurm may be at it still to run a task again, which does nothing
    assert failures(campaign) == {}
    once(tmp_path)


def test_a_controller_that_is_away_at_the_beginning(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path)
    slurm.stop_controller()
    with pytest.raises(RunError, match="Slurm does not answer"):
        follow(campaign)
    assert not (campaign / "ledger").exists()


def test_a_controller_that_forgets_a_job_is_given_it_again(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path)
    state, copy = slurm.folder / "state", tmp_path / "state"
    slurm.stop_controller()
    shutil.copytree(state, copy)
    slurm.start_controller()
    slurm.call("scontrol", "update", "partitionname=debug", "state=down")
    follower = Follower(campaign)
    slurm.wait(lambda: len(jobs_of(campaign)) == 1, "the wave is in the queue")
    slurm.stop_controller(kill=True)
    shutil.rmtree(state)
    shutil.copytree(copy, state)
    slurm.start_controller()
    assert follower.end().rows.done == 6
    assert problems_of(campaign, slurm) == []
    assert failures(campaign) == {}
    # Slurm gives the ids of the forgotten jobs again, and a node may still know such a one: LAUNCH_FAILED.
    lost = [batch for batch, word in returns(campaign) if word == "LOST"]
    assert lost == ["0000", "0001", "0002"]
    once(tmp_path)


def test_a_wave_that_could_not_be_recorded_is_none(
    slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = wave_campaign(tmp_path)
    write = RecordsFile._write

    def fail(self: RecordsFile, line: bytes) -> None:
        if b'"event":"submit"' in line:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, line)

    with monkeypatch.context() as patch:
        patch.setattr(RecordsFile, "_write", fail)
        with pytest.raises(OSError, match="No space left"):
            follow(campaign)
    assert (state_of(campaign).waves, rows_of(campaign)) == ({}, (0, 0, 6))
    follow(campaign)
    assert problems_of(campaign, slurm) == []
    once(tmp_path)


def test_where_jobs_get_nothing_done_one_is_tried_before_all_others(slurm: SlurmLab, tmp_path: Path) -> None:
    """Else cron would hand all batches over, and over again."""
    campaign = wave_campaign(tmp_path, rows=8)
    for _ in range(2):
        with pytest.raises(RunError, match="tasks in a row ended before a row was done"):
            follow(campaign, job=("setup=exit 1",))
    report, _ = follow(campaign, job=("setup=",))
    assert report.rows.done == 8
    waves = [one.batches for one in Ledger(campaign).own_records() if isinstance(one, Submitted)]
    assert [len(wave) for wave in waves] == [4, 1, 1, 3]
    assert problems_of(campaign, slurm) == []
    once(tmp_path, 8)
