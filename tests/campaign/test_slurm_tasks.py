"""Batches as jobs of a real Slurm: what becomes of rows when a task is taken away, or ends by itself."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from genstudy.campaign.cluster.submit import submit_campaign
from genstudy.campaign.retry import retry_failed
from genstudy.errors import RunError
from genstudy.inspection.verify import verify_campaign
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended
from genstudy.specs.results import ResultsSettings
from tests.campaign.waves import (
    WAIT,
    Follower,
    failures,
    follow,
    job_of,
    jobs_of,
    once,
    problems_of,
    ran,
    returns,
    rows_of,
    state_of,
    task_command,
    tasks_of,
    wait_for,
    wave_campaign,
)
from tests.slurm.lab import SlurmLab

HELD = f"test $1 -lt 2 || {{ {WAIT}; }}"
"""A command: the rows from the second batch on wait for the file `go`."""
FULL_NODE = ("cores=8",)
"""Four tasks at a time."""


def go(folder: Path) -> None:
    (folder / "go").touch()


def retried(campaign: Path) -> None:
    """Try all failed rows again, and have all done then."""
    retry_failed(campaign)
    follow(campaign)
    assert rows_of(campaign) == (state_of(campaign).tally.rows, 0, 0)


def test_tasks_that_people_cancel_fail_and_can_be_tried_again(slurm: SlurmLab, tmp_path: Path) -> None:
    results = ResultsSettings.model_validate({"sources": [{"regex": "out.txt", "columns": {"b": "(.)$"}}]})
    campaign = wave_campaign(tmp_path, WAIT, rows=10, results=results)
    follower = Follower(campaign, job=FULL_NODE, settings={"after": "true"})
    wait_for(slurm, tmp_path, 0, 2, 4, 6)
    slurm.call("scancel", f"{job_of(campaign)}_1")
    slurm.call("scancel", f"{job_of(campaign)}_4")
    slurm.wait(lambda: len(returns(campaign)) == 2, "both are returned")
    assert returns(campaign) == [("0001", "CANCELLED"), ("0004", "CANCELLED")]
    go(tmp_path)
    report = follower.end()
    assert (report.rows.done, report.rows.failed) == (6, 4)
    assert failures(campaign) == {"CANCELLED": "2-3,8-9"}
    retried(campaign)
    assert verify_campaign(campaign).problems == ()
    with sqlite3.connect(campaign / "results.db") as base:
        states = "SELECT state, count(*) FROM results_attempts GROUP BY state ORDER BY state"
        assert base.execute(states).fetchall() == [("CANCELLED", 4), ("FINISHED", 10)]
        assert base.execute("SELECT count(*) FROM results WHERE number = b").fetchone() == (10,)
    assert ran(tmp_path) == {**dict.fromkeys(range(10), 1), 2: 2}


def test_a_whole_array_that_people_cancel(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, HELD, rows=12)
    follower = Follower(campaign, job=FULL_NODE)
    slurm.wait(lambda: returns(campaign) == [("0000", "COMPLETED")], "the first batch is done")
    slurm.call("scancel", job_of(campaign))
    report = follower.end()
    assert (report.rows.done, report.rows.failed) == (2, 10)
    assert failures(campaign) == {"CANCELLED": "2-11"}
    go(tmp_path)
    retried(campaign)


def test_a_node_that_dies_gives_its_task_to_another(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, f"test $1 -ne 1 || {{ {WAIT}; }}", rows=3, batch_size=3)
    follower = Follower(campaign, job=FULL_NODE)
    wait_for(slurm, tmp_path, 0, 1)
    lose_node(slurm, campaign)
    go(tmp_path)
    assert follower.end().rows.done == 3
    assert problems_of(campaign, slurm) == []
    assert returns(campaign) == [("0000", "COMPLETED")]
    assert ran(tmp_path) == {0: 1, 1: 2, 2: 1}


def test_without_requeue_a_node_takes_its_rows_with_it(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, f"test $1 -ne 1 || {{ {WAIT}; }}", rows=3, batch_size=3)
    follower = Follower(campaign, job=(*FULL_NODE, "options=--no-requeue"))
    wait_for(slurm, tmp_path, 0, 1)
    lose_node(slurm, campaign)
    report = follower.end()
    assert (report.rows.done, report.rows.failed) == (1, 2)
    assert failures(campaign) == {"NODE_FAIL": "1-2"}
    go(tmp_path)
    retried(campaign)
    assert ran(tmp_path) == {0: 1, 1: 2, 2: 1}


def lose_node(slurm: SlurmLab, campaign: Path) -> None:
    """Have the node of a campaign's only task lost, with all that runs there."""
    node = slurm.call("squeue", "-h", "-j", job_of(campaign), "-o", "%N").strip()
    slurm.kill_node(node)
    slurm.declare_down(node)


def test_a_task_that_is_told_of_its_end_leaves_rows_for_the_next(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, f"test $1 -ne 2 || {{ {WAIT}; }}", rows=4, batch_size=4)
    follower = Follower(campaign)
    wait_for(slurm, tmp_path, 0, 1, 2)
    warn(slurm, campaign)  # row 2 may have begun just now
    slurm.wait(lambda: ran(tmp_path).get(2) == 2, "row 2 is at work in a job of its own")
    warn(slurm, campaign)
    report = follower.end()
    assert (report.rows.done, report.rows.failed) == (3, 1)
    assert failures(campaign) == {"TIMEDOUT": "2"}
    assert returns(campaign) == [("0000", "COMPLETED"), ("0000", "TIMEOUT"), ("0000", "TIMEOUT")]
    go(tmp_path)
    retried(campaign)
    assert ran(tmp_path) == {0: 1, 1: 1, 2: 3, 3: 1}


def test_a_task_that_got_nothing_done_in_its_time_is_run_again_once(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, WAIT, rows=4, batch_size=4)
    follower = Follower(campaign)
    wait_for(slurm, tmp_path, 0)
    warn(slurm, campaign)
    wait_for(slurm, tmp_path, 0, 1)
    warn(slurm, campaign)
    report = follower.end()
    assert (report.rows.done, report.rows.failed) == (0, 4)
    assert failures(campaign) == {"TIMEDOUT": "0-1", "TIMEOUT": "2-3"}
    go(tmp_path)
    retried(campaign)


def warn(slurm: SlurmLab, campaign: Path) -> None:
    """Tell the first task of the last wave that its time is nearly up, as Slurm does it."""
    slurm.call("scancel", "--batch", "--signal=USR1", f"{jobs_of(campaign)[-1]}_0")


def test_a_task_whose_time_is_up_without_a_warning(slurm: SlurmLab, tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/bash\n{{ directives }}\ntrap '' USR1\n{{ task }}\n")
    campaign = wave_campaign(tmp_path, f"test $1 -ne 1 || {{ {WAIT}; }}", rows=3, batch_size=3)
    follower = Follower(campaign, job=("walltime=1m", f"script={script}"))
    wait_for(slurm, tmp_path, 0, 1)
    slurm.call("scontrol", "update", f"jobid={job_of(campaign)}_0", "endtime=now")
    report = follower.end(90)
    assert (report.rows.done, report.rows.failed) == (1, 2)
    assert failures(campaign) == {"TIMEOUT": "1-2"}
    go(tmp_path)
    retried(campaign)


def test_a_task_that_is_requeued_goes_on_where_it_was(slurm: SlurmLab, tmp_path: Path) -> None:
    wait = "test $1 -ne 2 || "
    campaign = wave_campaign(tmp_path, f"{wait}{{ {WAIT}; }}", rows=6, batch_size=3)
    follower = Follower(campaign)
    slurm.wait(lambda: set(ran(tmp_path)) == {0, 1, 2, 3, 4, 5}, "row 2 is at work")
    slurm.wait(lambda: returns(campaign) == [("0001", "COMPLETED")], "the second batch is returned")
    job = job_of(campaign)
    slurm.call("scontrol", "requeue", f"{job}_0")
    slurm.call("scontrol", "requeue", f"{job}_1")  # it was returned
    go(tmp_path)
    assert follower.end().rows.done == 6
    slurm.wait(slurm.is_empty, "all jobs have ended")
    assert problems_of(campaign, slurm) == []
    assert ran(tmp_path) == {**dict.fromkeys(range(6), 1), 2: 2}
    assert "nothing is done" in (campaign / "waves" / "0001" / "tasks.log").read_text() + "".join(
        path.read_text() for path in (campaign / "waves" / "0001").glob("*.out")
    )


def test_a_task_that_is_requeued_after_its_end_does_nothing(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path)
    follower = Follower(campaign, settings={"sleep": 30})
    slurm.wait(lambda: bool(ran(tmp_path)), "it runs")
    follower.stop.signal = signal.SIGTERM
    follower.stop.at_once("SIGTERM")
    follower.end()
    slurm.wait(slurm.is_empty, "all jobs have ended")
    before = [one for one in Ledger(campaign).records() if isinstance(one, Ended)]
    assert len(before) + len(returns(campaign)) >= 3
    job = job_of(campaign)
    for index in range(3):
        slurm.call("scontrol", "requeue", f"{job}_{index}")
    slurm.wait(slurm.is_empty, "all jobs have ended again")
    follow(campaign)
    assert problems_of(campaign, slurm) == []
    once(tmp_path)


@pytest.mark.parametrize("pause", [0.1, 1.5])
def test_of_a_task_started_twice_the_first_is_cut_off(pause: float, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, "sleep 0.2", rows=8, batch_size=8)
    task_command(campaign)
    first = subprocess.Popen(task_command(campaign), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(pause)
    second = subprocess.Popen(task_command(campaign), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = [process.communicate(timeout=60)[0].decode() for process in (first, second)]
    assert sorted([first.returncode, second.returncode]) == [0, 1], said
    assert "another process has taken the campaign over" in "".join(said)
    submit_campaign(campaign)
    assert problems_of(campaign) == []


def test_preempted_tasks_go_on_later(slurm: SlurmLab, tmp_path: Path) -> None:
    slurm.reconfigure(PreemptType="preempt/partition_prio", PreemptMode="REQUEUE")
    slurm.call("scontrol", "update", "partitionname=pwhole", "prioritytier=10")
    campaign = wave_campaign(tmp_path, f"test $1 -ne 1 || {{ {WAIT}; }}", rows=3, batch_size=3)
    follower = Follower(campaign, job=FULL_NODE)
    wait_for(slurm, tmp_path, 0, 1)
    sleep = ("--wrap", f"until test -e {tmp_path}/leave; do sleep 0.05; done")
    slurm.call("sbatch", "-p", "pwhole", "-N4", "-D", str(tmp_path), "--output=/dev/null", *sleep)
    slurm.wait(
        lambda: "PENDING" in slurm.call("squeue", "-h", "-j", job_of(campaign), "-o", "%T"), "it waits"
    )
    go(tmp_path)
    (tmp_path / "leave").touch()
    assert follower.end().rows.done == 3
    assert problems_of(campaign, slurm) == []
    assert ran(tmp_path) == {0: 1, 1: 2, 2: 1}


# Tasks that end by themselves


@pytest.mark.parametrize("what", ["setup", "python"])
def test_tasks_that_cannot_begin_end_the_run(
    what: str, slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = wave_campaign(tmp_path, rows=12, batch_size=2)
    job = ("setup=echo no such module >&2; false",) if what == "setup" else ()
    with monkeypatch.context() as patch:
        if what == "python":
            patch.setattr(sys, "executable", str(tmp_path / "gone"))
        with pytest.raises(RunError, match="tasks in a row ended before a row was done") as caught:
            follow(campaign, job=job)
    said = "no such module" if what == "setup" else "No such file or directory"
    assert said in str(caught.value)
    assert rows_of(campaign) == (0, 0, 12)
    slurm.wait(slurm.is_empty, "all jobs have ended")
    follow(campaign, job=("setup=true",))
    assert problems_of(campaign, slurm) == []
    once(tmp_path, 12)


def test_where_one_task_gives_up_the_others_are_not_lost(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, WAIT, rows=12)
    wait = f"until test -e {tmp_path}/fail; do sleep 0.05; done"
    before = f"test $GENSTUDY_BATCH != 0000 || test -e {tmp_path}/mended || {{ {wait}; false; }}"
    follower = Follower(campaign, job=FULL_NODE, settings={"before": before})
    wait_for(slurm, tmp_path, 2, 4, 6)
    (tmp_path / "fail").touch()
    slurm.wait(lambda: ("0000", "FAILED") in returns(campaign), "the first batch is returned")
    go(tmp_path)
    with pytest.raises(RunError, match="the task of batch 0000 gave up: "):
        follower.end()
    assert failures(campaign) == {}
    done, _, pending = rows_of(campaign)
    assert (done + pending, done >= 6, pending >= 2) == (12, True, True)
    (tmp_path / "mended").touch()
    follow(campaign, settings={"before": before})
    assert problems_of(campaign, slurm) == []
    once(tmp_path, 12)


def test_what_a_task_cannot_save_its_follower_saves(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, "head -c 100000 /dev/urandom > big", rows=4, batch_size=4)
    follow(campaign, job=("setup=ulimit -f 200",))
    assert problems_of(campaign, slurm) == []
    once(tmp_path, 4)


def test_a_full_disk_ends_the_run_and_loses_nothing(slurm: SlurmLab, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        campaign = wave_campaign(disk, WAIT, rows=4)
        follower = Follower(campaign)
        wait_for(slurm, disk, 0, 2)
        (disk / "go").touch()
        fill(disk / "filler")
        with pytest.raises((RunError, OSError)):
            follower.end()
        slurm.wait(slurm.is_empty, "all jobs have ended")
        (disk / "filler").unlink()
        follow(campaign)
        if rows_of(campaign)[1]:
            retried(campaign)
        assert rows_of(campaign) == (4, 0, 0)
        follow(campaign)
        assert "left" not in "".join(problems_of(campaign, slurm))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    """Write to a file until its disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(1000))


def test_a_cancel_that_is_killed_loses_no_rows(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, f"trap '' TERM; {WAIT}", rows=4)
    submit_campaign(campaign, scheduler="slurm", job=("limit=1",))
    wait_for(slurm, tmp_path, 0)
    command = [sys.executable, "-m", "genstudy", "cancel", str(campaign)]
    cancel = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    slurm.wait(lambda: "RUNNING" not in tasks_of(slurm, campaign), "the tasks are being ended")
    cancel.kill()
    cancel.communicate()
    slurm.wait(slurm.is_empty, "all jobs have ended")
    go(tmp_path)
    follow(campaign, job=("limit=4",))
    assert failures(campaign) == {}
    assert problems_of(campaign, slurm) == []


def test_a_task_that_no_node_can_start_is_submitted_again(slurm: SlurmLab, tmp_path: Path) -> None:
    prolog = tmp_path / "prolog.sh"
    prolog.write_text(f"#!/bin/sh\n! mkdir {tmp_path}/first\n")
    prolog.chmod(0o755)
    tmp_path.chmod(0o755)
    slurm.reconfigure(Prolog=str(prolog))
    campaign = wave_campaign(tmp_path)
    follow(campaign)
    assert sorted(Counter(word for _, word in returns(campaign)).items()) == [
        ("COMPLETED", 3),
        ("LAUNCH_FAILED", 1),
    ]
    assert problems_of(campaign, slurm) == []
    once(tmp_path)
