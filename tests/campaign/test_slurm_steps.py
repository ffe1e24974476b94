"""Campaigns whose steps are jobs, in a real Slurm: each row once, whatever ends the run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.specs.scheduler import SchedulerSettings
from tests.campaign.support import GENSTUDY, genstudy
from tests.slurm.lab import SlurmLab

pytestmark = pytest.mark.usefixtures("slurm")

SETTINGS = SchedulerSettings.model_validate({"type": "slurm", "queue": "debug", "walltime": "5m"})


def campaign(folder: Path, command: str, *, rows: int = 20, batch: int = 20) -> Path:
    """Make a campaign of rows a = 0, 1, ... that runs a command with its value as a job of each row."""
    (folder / "t.csv").write_text("a\n" + "".join(f"{row}\n" for row in range(rows)))
    options = Options(
        template="command",
        batch_size=batch,
        variables={"command": command, "style": "positional"},
        scheduler=SETTINGS,
    )
    make_specs(folder / "t.csv", folder / "c", options)
    return folder / "c"


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GENSTUDY, "run", "c", "--sleep", "1", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def slow_prolog(slurm: SlurmLab, folder: Path) -> None:
    """Have the controller prepare each job for some seconds, as where nodes are switched on for it."""
    prolog = folder / "prolog.sh"
    prolog.write_text("#!/bin/sh\nsleep 3\n")
    prolog.chmod(0o755)
    slurm.reconfigure(PrologSlurmctld=str(prolog))


def status(folder: Path) -> dict[str, int]:
    done = subprocess.run(
        [*GENSTUDY, "status", "c", "--json"], cwd=folder, capture_output=True, text=True, check=False
    )
    rows = json.loads(done.stdout)["rows"]
    return {key: rows[key] for key in ("done", "failed", "pending")}


def queue(slurm: SlurmLab) -> list[str]:
    return slurm.call("squeue", "-h", "-o", "%T").split()


def ran(log: Path) -> Counter[str]:
    return Counter(log.read_text().split()) if log.exists() else Counter()


def test_two_hundred_rows_run_once_each(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n" + "".join(f"{row}\n" for row in range(200)))
    (tmp_path / "study.yaml").write_text(
        "table: t.csv\nname: c\ntemplate: command\nset:\n  style: positional\n"
        f"  command: 'tee -a {tmp_path}/log <<<'\nbatch_size: 100\n"
        "scheduler:\n  queue: debug\n  walltime: 5m\n  cores: 2\n  memory: 100M\n"
        "results:\n  sources:\n    - {regex: '*.out', columns: {b: '([0-9]+)'}}\n"
    )
    genstudy(tmp_path, "build", "study.yaml")
    out = genstudy(tmp_path, "run", "c", "--sleep", "1", "--jobs", "2")
    assert out.splitlines()[-2:] == [
        "c: 200 of 200 rows done",
        "results: 200 rows in c/results.db",
    ]
    with sqlite3.connect(tmp_path / "c" / "results.db") as base:
        assert base.execute("SELECT count(*) FROM results WHERE a = b").fetchone() == (200,)
    assert ran(tmp_path / "log") == Counter(str(row) for row in range(200))
    assert genstudy(tmp_path, "verify", "c").endswith("nothing wrong\n")
    genstudy(tmp_path, "fetch", "c", "17", "-o", "row")
    script = next((tmp_path / "row").rglob("*.slurm.sh")).read_text()
    assert "#SBATCH --ntasks=1\n" in script
    assert "#SBATCH --cpus-per-task=2\n#SBATCH --mem=100M\nset -euo pipefail" in script


def test_a_step_that_fails_fails_its_row(tmp_path: Path) -> None:
    campaign(tmp_path, "test 3 -ne", rows=6)
    out = genstudy(tmp_path, "run", "c", "--sleep", "1", code=1)
    assert "5 of 6 rows done, 1 failed" in out
    assert "row 3: step run FAILED" in genstudy(tmp_path, "status", "c", "--failed")


def test_no_more_jobs_than_the_throttle_lets(tmp_path: Path) -> None:
    campaign(tmp_path, f"squeue -h -o %i >> {tmp_path}/seen; sleep 0.3; echo -- >> {tmp_path}/seen; echo")
    genstudy(tmp_path, "run", "c", "--sleep", "1", "--throttle", "3")
    seen = (tmp_path / "seen").read_text().split("--")
    assert max(len(part.split()) for part in seen) <= 12
    assert status(tmp_path) == {"done": 20, "failed": 0, "pending": 0}


@pytest.mark.parametrize("how", ["ctrl-c", "cancel"])
def test_an_ended_run_leaves_no_job_in_the_queue(how: str, slurm: SlurmLab, tmp_path: Path) -> None:
    campaign(tmp_path, f"sleep 600; >> {tmp_path}/log echo", rows=60, batch=60)
    other = slurm.call(
        "sbatch", "--parsable", "-D", str(tmp_path), "--output=/dev/null", "--wrap", "sleep 600"
    )
    run = start(tmp_path)
    slurm.wait(lambda: len(queue(slurm)) == 61, "all jobs are in the queue")
    assert "PENDING" in queue(slurm)
    if how == "cancel":
        genstudy(tmp_path, "cancel", "c")
    else:
        run.send_signal(signal.SIGINT)
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert slurm.call("squeue", "-h", "-o", "%i").split() == [other.strip()]
    assert status(tmp_path) == {"done": 0, "failed": 0, "pending": 60}


def test_after_kill_9_no_row_runs_twice(slurm: SlurmLab, tmp_path: Path) -> None:
    wait = (
        f"read_a() {{ test $1 -lt 10 || until test -e {tmp_path}/go; do sleep 0.1; done; "
        f"echo $1 >> {tmp_path}/log; }}; read_a"
    )
    campaign(tmp_path, wait, rows=60, batch=60)
    run = start(tmp_path)
    runs = tmp_path / "c" / "runs"
    slurm.wait(lambda: len(list(runs.glob("*/run/*/.genstudy_done"))) == 10, "ten rows have left their marks")
    slurm.wait(lambda: len(queue(slurm)) == 50 and "PENDING" in queue(slurm), "the others are in the queue")
    run.kill()
    run.communicate(timeout=60)
    assert len(queue(slurm)) == 50
    (tmp_path / "go").touch()
    out = genstudy(tmp_path, "run", "c", "--sleep", "1")
    assert "60 of 60 rows done" in out
    counts = ran(tmp_path / "log")
    assert set(counts) == {str(row) for row in range(60)}
    assert all(counts[str(row)] == 1 for row in range(10))
    assert queue(slurm) == []


def test_a_batch_that_takes_too_long_loses_the_rows_at_work_alone(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign(tmp_path, "slow() { test $1 -ne 2 || sleep 600; }; slow", rows=5)
    out = genstudy(tmp_path, "run", "c", "--sleep", "1", "--timeout", "12s", code=1)
    assert "4 of 5 rows done, 1 failed" in out
    assert queue(slurm) == []


def test_a_controller_that_does_not_answer_is_no_empty_queue(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign(tmp_path, "sleep 600; echo", rows=5)
    run = start(tmp_path)
    slurm.wait(lambda: len(queue(slurm)) == 5, "all jobs are in the queue")
    run.kill()
    run.communicate(timeout=60)
    old = set(ids(slurm))
    slurm.stop_controller()
    done = subprocess.run([*GENSTUDY, "run", "c"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("genstudy: Slurm does not answer: ")
    slurm.start_controller()
    run = start(tmp_path)
    slurm.wait(lambda: len(ids(slurm)) == 5 and not old & set(ids(slurm)), "the jobs are new ones")
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=60)
    assert queue(slurm) == []


def ids(slurm: SlurmLab) -> list[str]:
    return slurm.call("squeue", "-h", "-o", "%i").split()


def test_without_user_and_with_filters_maestro_sees_its_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("USER")
    monkeypatch.setenv("SQUEUE_PARTITION", "short")
    campaign(tmp_path, "true", rows=3)
    assert "3 of 3 rows done" in genstudy(tmp_path, "run", "c", "--sleep", "1")


def refused(folder: Path, *options: str, **environ: str) -> str:
    done = subprocess.run(
        [*GENSTUDY, "run", "c", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert not (folder / "c" / "ledger").exists()
    return done.stderr


def test_a_slurm_that_forgets_jobs_too_early_is_told(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign(tmp_path, "true", rows=3)
    slurm.reconfigure(MinJobAge=100)
    assert refused(tmp_path) == (
        "genstudy: this Slurm forgets a job 100 s after its end and keeps no accounts, and Maestro would "
        "look at its jobs every 60 s: it would wait for forgotten ones for ever\n  pass --sleep 25\n"
    )


def test_a_machine_without_slurm_is_told(tmp_path: Path) -> None:
    campaign(tmp_path, "true", rows=3)
    assert refused(tmp_path, PATH=str(tmp_path)).splitlines()[0] == (
        "genstudy: the steps are jobs of slurm, and this machine has no sbatch, squeue, scancel on PATH"
    )


def test_more_rows_than_slurm_takes_are_refused(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign(tmp_path, "true", rows=60, batch=60)
    slurm.reconfigure(MaxJobCount=50)
    assert refused(tmp_path, "--sleep", "1") == (
        "genstudy: up to 60 rows would be handed in at a time, and this Slurm takes 50 jobs of all its "
        "users: the others would fail\n  pass --throttle 25, or make smaller batches\n"
    )


def test_a_slurm_that_keeps_what_it_can_never_run_is_told(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign(tmp_path, "true", rows=3)
    slurm.reconfigure(EnforcePartLimits="NO")
    assert "this Slurm takes jobs that no node can ever run, and keeps them waiting: " in genstudy(
        tmp_path, "run", "c", "--sleep", "1"
    )


@pytest.mark.parametrize("name", ["my studies", "100%"])
def test_a_path_that_would_be_read_otherwise_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    campaign(folder, "true", rows=3)
    assert refused(folder).splitlines()[0] == (
        f"genstudy: {folder}/c: the path has {' ' if ' ' in name else '%'!r}, and Maestro hands it to slurm "
        "through a shell, unquoted"
    )


def test_a_slurm_that_wants_a_token_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sbatch", "scontrol", "squeue"):
        program = tmp_path / "bin" / name
        real = shutil.which(name)
        program.write_text(f'#!/bin/sh\ntest -n "$SLURM_JWT" && unset SLURM_JWT && exec {real} "$@"\n')
        program.chmod(0o755)
    campaign(tmp_path, "true", rows=3)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
        assert "Slurm does not answer: scontrol: it ended with 1" in genstudy_error(tmp_path, 1)
        patched.setenv("SLURM_JWT", "eyJ")
        assert genstudy_error(tmp_path, 2).startswith(
            "genstudy: this Slurm wants SLURM_JWT, and Maestro writes its environment into a file that all "
        )
        out = genstudy(tmp_path, "run", "c", "--sleep", "1", "--pass-env", "SLURM_JWT")
    assert "3 of 3 rows done" in out


def genstudy_error(folder: Path, code: int) -> str:
    done = subprocess.run([*GENSTUDY, "run", "c"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    return done.stderr


def test_jobs_that_are_prepared_are_waited_for(slurm: SlurmLab, tmp_path: Path) -> None:
    slow_prolog(slurm, tmp_path)
    campaign(tmp_path, f"tee -a {tmp_path}/log <<<", rows=4)
    assert "4 of 4 rows done" in genstudy(tmp_path, "run", "c", "--sleep", "1")
    assert ran(tmp_path / "log") == Counter("0123")


def test_a_job_that_is_suspended_is_waited_for(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign(tmp_path, f"sleep 3; tee -a {tmp_path}/log <<<", rows=1)
    run = start(tmp_path)
    slurm.wait(lambda: queue(slurm) == ["RUNNING"], "the job runs")
    job = ids(slurm)[0]
    slurm.call("scontrol", "suspend", job)
    time.sleep(3)
    assert queue(slurm) == ["SUSPENDED"]
    slurm.call("scontrol", "resume", job)
    assert "1 of 1 rows done" in run.communicate(timeout=60)[0]
    assert ran(tmp_path / "log") == Counter("0")


def test_a_job_that_maestro_took_for_refused_is_cancelled(
    slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where sbatch gets no answer in time, and Slurm has the job all the same."""
    real = shutil.which("sbatch")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").write_text(f'#!/bin/sh\n{real} "$@" && exit 1\n')
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    campaign(tmp_path, "sleep 600; echo", rows=2)
    out = genstudy(tmp_path, "run", "c", "--sleep", "1", code=1)
    assert out.splitlines()[0] == (
        "batch 0000: cancelled 2 jobs that Maestro had taken for failed, and Slurm had all the same"
    )
    assert "0 of 2 rows done, 2 failed" in out
    assert queue(slurm) == []


@pytest.mark.parametrize("throttle", ["0", "1"])
def test_the_jobs_of_a_lost_node_run_again(throttle: str, slurm: SlurmLab, tmp_path: Path) -> None:
    slurm.reconfigure(JobRequeue=0)
    campaign(tmp_path, f"touch {tmp_path}/begun.$SLURM_JOB_ID; sleep 2; tee -a {tmp_path}/log <<<", rows=2)
    run = start(tmp_path, "--throttle", throttle)

    def all_have_begun() -> bool:
        # Of a job whose launch was cut short Slurm says that it has failed, and not its node.
        return 0 < queue(slurm).count("RUNNING") <= len(list(tmp_path.glob("begun.*")))

    slurm.wait(all_have_begun, "jobs run, and none is about to")
    slurm.kill_node("n1")
    slurm.declare_down("n1")
    assert "2 of 2 rows done" in run.communicate(timeout=60)[0]
    # What the node had just begun may have escaped, and run on unseen.
    assert set(ran(tmp_path / "log")) == {"0", "1"}


def test_jobs_are_found_by_whatever_path_the_campaign_is_called(slurm: SlurmLab, tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(folder)
    campaign(folder, "sleep 600; echo", rows=40, batch=40)
    run = subprocess.Popen([*GENSTUDY, "run", str(tmp_path / "one" / "c"), "--sleep", "1"])
    slurm.wait(lambda: len(queue(slurm)) == 40, "all jobs are in the queue")
    run.kill()
    run.communicate()
    waiting = slurm.call("squeue", "-h", "-t", "PENDING", "-o", "%i").split()
    assert waiting
    run = subprocess.Popen([*GENSTUDY, "run", str(tmp_path / "two" / "c"), "--sleep", "1"])
    slurm.wait(lambda: len(ids(slurm)) == 40 and not set(waiting) & set(ids(slurm)), "the jobs are new ones")
    run.kill()
    run.communicate()


def test_variables_of_sbatch_do_not_overrule_the_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "SBATCH_JOB_NAME": "mine",
        "SBATCH_OUTPUT": "/dev/null",
        "SBATCH_ERROR": "/dev/null",
        "SBATCH_PARTITION": "short",
        "SBATCH_TIMELIMIT": "1",
        "SBATCH_MEM_PER_NODE": "5",
        "SBATCH_NO_REQUEUE": "1",
        "SBATCH_ACCOUNT": "stays",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "study.yaml").write_text(
        "parameters: {a: const(1)}\nrows: 1\nname: c\ntemplate: command\n"
        "set:\n  command: 'env; scontrol show job $SLURM_JOB_ID; echo'\n"
        "scheduler:\n  queue: debug\n  walltime: 5m\n  memory: 70M\n"
    )
    genstudy(tmp_path, "build", "study.yaml")
    genstudy(tmp_path, "run", "c", "--sleep", "1", "--save", "keep")
    (file,) = (tmp_path / "c").glob("runs/*/run/*/*.out")
    words = set(file.read_text().split())
    assert {"Partition=debug", "TimeLimit=00:05:00", "Account=stays", "Requeue=1"} <= words
    assert any(word.startswith("JobName=run_row") for word in words)
    assert {word for word in words if word.startswith("SBATCH_")} == {
        "SBATCH_ACCOUNT=stays",
        "SBATCH_REQUEUE=1",
    }
