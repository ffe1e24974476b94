"""The tests' own Slurm: what other tests rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.slurm import guard
from tests.slurm.lab import NODES, SlurmLab

IDLE = dict.fromkeys(NODES, "idle")


def test_jobs_run_on_four_nodes(slurm: SlurmLab, tmp_path: Path) -> None:
    out = f"--output={tmp_path}/%a"
    slurm.call("sbatch", "--array=0-3", "-c8", out, "--wrap", "echo $SLURMD_NODENAME; sleep 1")
    slurm.wait(slurm.is_empty, "all jobs have ended")
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == [f"{name}\n" for name in NODES]


@pytest.mark.usefixtures("slurm")
def test_the_environment_leads_to_it() -> None:
    done = subprocess.run(["sinfo", "-h", "-p", "debug", "-o", "%D %t"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("4 idle\n", "")


def test_reset_ends_jobs_and_starts_what_was_killed(slurm: SlurmLab) -> None:
    slurm.call("sbatch", "--array=0-9", "-c8", "--output=/dev/null", "--wrap", "sleep 100")
    slurm.wait(lambda: "n1" in slurm.call("squeue", "-h", "-o", "%N"), "a job runs on n1")
    slurm.kill_node("n1")
    slurm.declare_down("n1")
    assert slurm.sinfo()["n1"].startswith("down")
    slurm.stop_controller(kill=True)
    slurm.reset()
    assert slurm.sinfo() == IDLE
    assert slurm.call("squeue", "-h") == ""


def test_a_killed_node_takes_its_jobs_with_it_or_not(slurm: SlurmLab, tmp_path: Path) -> None:
    wrap = f"trap '' TERM; echo $$ > {tmp_path}/$SLURMD_NODENAME; sleep 1000"
    slurm.call("sbatch", "--array=0-3", "-c8", "--output=/dev/null", "--wrap", wrap)
    slurm.wait(lambda: all((tmp_path / name).exists() for name in NODES), "all four run")
    slurm.kill_node("n1")
    slurm.kill_node("n2", jobs=False)
    pids = {name: int((tmp_path / name).read_text()) for name in NODES}
    slurm.wait(lambda: not Path(f"/proc/{pids['n1']}").exists(), "the job of n1 is gone")
    assert all(Path(f"/proc/{pids[name]}").exists() for name in ("n2", "n3", "n4"))


def test_a_restarted_controller_keeps_its_jobs(slurm: SlurmLab) -> None:
    job = slurm.call("sbatch", "--parsable", "--output=/dev/null", "--wrap", "sleep 1000").strip()
    slurm.stop_controller()
    assert not slurm.runs("slurmctld")
    slurm.reconfigure(MaxArraySize=7)
    assert "MaxArraySize            = 7\n" in slurm.call("scontrol", "show", "config")
    assert slurm.call("squeue", "-h", "-o", "%i") == f"{job}\n"
    slurm.reset()
    assert "MaxArraySize            = 1001\n" in slurm.call("scontrol", "show", "config")


def test_nothing_is_left_when_the_tests_are_killed(slurm_lab: SlurmLab) -> None:
    code = textwrap.dedent("""
        from tests.slurm.lab import SlurmLab
        lab = SlurmLab()
        lab.call("sbatch", "--output=/dev/null", "--wrap", "sleep 1000")
        lab.wait(lambda: "R" in lab.call("squeue", "-h", "-o", "%t"), "it runs")
        print(lab.folder, flush=True)
        input()
    """)
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=_environ()) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder != slurm_lab.folder
        assert len(guard.find(guard.of_lab(folder))) >= 2 + len(NODES)
        process.send_signal(signal.SIGKILL)
    slurm_lab.wait(lambda: not folder.exists(), "the lab's folder is gone")
    assert guard.find(guard.of_lab(folder)) == set()


def _environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
