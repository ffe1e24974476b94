"""Batches as jobs: records seen late, time up between rows, tasks that die, and how often Slurm is asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended, Failure
from tests.campaign.waves import (
    WAIT,
    Follower,
    follow,
    once,
    problems_of,
    ran,
    task_command,
    wave_campaign,
)
from tests.slurm.lab import SlurmLab

LATE = """\
#!/bin/bash
{{ directives }}
{{ task }}
records=$(echo waves/0001/tasks/*/records-000001.jsonl)
cp $records $records.all
head -n 2 $records.all > $records
setsid --fork sh -c "sleep 2; cat $records.all > $records" > /dev/null 2>&1
exit 0
"""
"""A job whose last records are seen two seconds after its end, as over a network file system."""


def test_records_that_are_seen_late_are_not_cut_off(slurm: SlurmLab, tmp_path: Path) -> None:
    script = tmp_path / "late.sh"
    script.write_text(LATE)
    campaign = wave_campaign(tmp_path, rows=2)
    follow(campaign, job=(f"script={script}",))
    assert problems_of(campaign, slurm) == []
    once(tmp_path, 2)


@pytest.mark.parametrize("template", ["command", "pipeline"])
def test_a_task_whose_time_is_up_while_no_row_is_at_work(template: str, tmp_path: Path) -> None:
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        campaign = wave_campaign(folder, rows=3, batch_size=3, template=template)
        ended = warned(campaign, campaign / "runs" / "c_0000.1.log")  # Maestro takes a while to begin
        if ended.how != "ended":  # else the word came too late, once all rows had ended
            break
    assert (ended.how, ended.done, ended.failed) == {
        "command": ("stopped", "", ()),
        "pipeline": ("timeout", "", (Failure(step="", state="TIMEDOUT", rows="0-2"),)),
    }[template]


def test_a_batch_that_has_to_run_as_a_whole_is_not_begun_again_for_ever(tmp_path: Path) -> None:
    command = f"touch $top/at.$1; test $1 -ne 1 || {{ {WAIT}; }}"
    campaign = wave_campaign(tmp_path, command, rows=3, batch_size=3, template="pipeline")
    ended = warned(campaign, tmp_path / "at.1")
    assert (ended.how, ended.failed) == ("timeout", (Failure(step="", state="TIMEDOUT", rows="0-2"),))


def warned(campaign: Path, moment: Path) -> Ended:
    """Run the only task of a campaign, and tell it that its time is nearly up once a file is there."""
    task = subprocess.Popen(task_command(campaign), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not moment.exists():
        time.sleep(0.01)
    task.send_signal(signal.SIGUSR1)
    task.communicate(timeout=30)
    (ended,) = (one for one in Ledger(campaign).records() if isinstance(one, Ended))
    return ended


def test_slurm_is_let_alone_while_it_has_no_room(
    slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm.reconfigure(MaxArraySize=2)
    log, real = tmp_path / "asked", shutil.which("scontrol")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "scontrol"
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    campaign = wave_campaign(tmp_path, WAIT, rows=4, batch_size=1)
    follower = Follower(campaign, job=("limit=1",))
    slurm.wait(lambda: set(ran(tmp_path)) == {0}, "it runs")
    time.sleep(4)
    assert len(log.read_text().splitlines()) <= 3
    (tmp_path / "go").touch()
    assert follower.end().rows.done == 4
    assert problems_of(campaign, slurm) == []


@pytest.mark.parametrize("fate", ["die", "fail"])
def test_whatever_happens_to_a_task_the_next_try_goes_on(
    fate: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # Two tasks touch some 190 files; with --kills 320 or more, each of them is tried.
    step = max(1, 320 // int(request.config.getoption("--kills")))
    campaign = wave_campaign(tmp_path, rows=2, batch_size=1)
    task_command(campaign)
    tried = subprocess.run(
        [sys.executable, "-m", "tests.campaign.dying", campaign, fate, "2", str(step), "tasks"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    (count,) = tried.stdout.splitlines()
    assert int(count) >= 160 // step


def test_tasks_that_cannot_be_say_why(tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, rows=2)
    command = task_command(campaign)
    wave = campaign / "waves" / "0001"

    def said(*words: str) -> tuple[int, str]:
        done = subprocess.run([*command[:-1], *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr.replace(f"genstudy: {wave}", "WAVE")

    assert said("1") == (2, "WAVE: there is no task 1 in this wave\n")
    assert said("-1") == (2, "genstudy: a task takes its wave's folder and its number\n")
    lines = (wave / "tasks.jsonl").read_bytes()
    (wave / "tasks.jsonl").write_bytes(lines[:-20])
    assert said("0")[1].startswith("WAVE/tasks.jsonl: not understood: Invalid JSON: EOF")
    (wave / "tasks.jsonl").unlink()
    assert said("0") == (2, "WAVE: this is no wave of a campaign\n")
    (wave / "tasks.jsonl").mkdir()
    assert said("0") == (1, "WAVE/tasks.jsonl: Is a directory\n")
    (wave / "plan.json").write_bytes(b"\xff{")
    assert said("0")[1].startswith("WAVE/plan.json: not understood: Invalid JSON: ")
    (wave / "plan.json").write_bytes(b"{}")
    assert said("0") == (1, "WAVE/plan.json: not understood: Field required\n")
    wave.rename(campaign / "moved")
    assert said("0") == (2, "WAVE: this is no wave of a campaign\n")
    assert list((campaign / "runs").iterdir()) == []
