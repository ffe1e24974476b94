"""A campaign of 2,000 rows on a real Slurm that loses jobs, a node, its controller and the follower."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path

from genstudy.archives.read import Archive
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Refused
from genstudy.specs.results import ResultsSettings
from tests.campaign.support import GENSTUDY, genstudy, study_processes
from tests.campaign.waves import failures, job_of, ran, returns, rows_of, wave_campaign
from tests.slurm.lab import SlurmLab

ROWS, BATCH_SIZE = 2000, 100
CANCELLED, LOST, SLOW, HELD = 50, 150, 250, 350
"""Rows of the first four batches that wait for a file of their own."""

COMMAND = f"""\
case $1 in
{CANCELLED}|{LOST}|{SLOW}|{HELD}) until test -e $top/go.$1; do sleep 0.05; done ;;
esac"""
RESULTS = {"sources": [{"regex": "out.txt", "columns": {"value": "([0-9]+)"}}]}
OPTIONS = ("--scheduler", "slurm", "--job", "cores=8", "--job", "walltime=10m")


def test_every_row_is_done_once_whatever_slurm_goes_through(slurm: SlurmLab, tmp_path: Path) -> None:
    campaign = wave_campaign(
        tmp_path,
        COMMAND,
        rows=ROWS,
        batch_size=BATCH_SIZE,
        results=ResultsSettings.model_validate(RESULTS),
    )
    genstudy(tmp_path, "submit", "c", *OPTIONS, "--max-batches", "10")
    slurm.wait(lambda: {CANCELLED, LOST, SLOW, HELD} <= set(ran(tmp_path)), "four batches are at work")
    trouble(slurm, tmp_path, campaign)
    follower = subprocess.Popen(
        [*GENSTUDY, "run", "c", *OPTIONS], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    slurm.wait(lambda: len(returns(campaign)) >= 6, "some batches are returned")
    slurm.stop_controller()
    slurm.start_controller()
    follower.kill()
    follower.wait()
    (tmp_path / f"go.{SLOW}").touch()
    out = genstudy(tmp_path, "run", "c", *OPTIONS, code=1)
    assert "of 2,000 rows done, " in out
    failed = failures(campaign)
    assert failed == {"CANCELLED": "50-99,900-999"}
    (tmp_path / f"go.{CANCELLED}").touch()
    genstudy(tmp_path, "retry", "c")
    genstudy(tmp_path, "run", "c", *OPTIONS)
    check(slurm, tmp_path, campaign)


def trouble(slurm: SlurmLab, folder: Path, campaign: Path) -> None:
    """Take tasks away, let a node die and come back, have a wave refused, restart the controller."""
    job = job_of(campaign)
    slurm.call("scontrol", "update", f"jobid={job}_2", "endtime=now")
    slurm.call("scancel", f"{job}_0")
    slurm.call("scancel", f"{job}_9")
    (node,) = slurm.call("squeue", "-h", "-j", f"{job}_1", "-o", "%N").split()
    slurm.kill_node(node)
    slurm.declare_down(node)
    slurm.start_node(node)
    slurm.call("scontrol", "update", f"nodename={node}", "state=resume")
    (folder / f"go.{LOST}").touch()
    genstudy(folder, "submit", "c", "--job", "queue=nosuch", "--max-batches", "5", code=1)
    slurm.stop_controller()
    slurm.start_controller()
    (folder / f"go.{HELD}").touch()


def check(slurm: SlurmLab, folder: Path, campaign: Path) -> None:
    """Look at every row: in the ledger, in the archives and among the results."""
    assert rows_of(campaign) == (ROWS, 0, 0)
    records = list(Ledger(campaign).records())
    done = [row for one in records if isinstance(one, Ended) for row in Rows.parse(one.done)]
    assert sorted(done) == list(range(ROWS))
    assert 2 in {one.wave for one in records if isinstance(one, Refused)}
    outputs: Counter[str] = Counter()
    for path in (campaign / "archive").iterdir():
        with Archive(path) as archive:
            outputs.update(
                archive.read(member.path).decode()
                for member in archive.members()
                if member.path.endswith("/out.txt")
            )
    assert outputs == Counter(f"out {row}\n" for row in range(ROWS))
    again = {row for row, count in ran(folder).items() if count > 1}
    assert again <= {CANCELLED, LOST, SLOW}
    with sqlite3.connect(campaign / "results.db") as base:
        assert base.execute("SELECT count(*) FROM results WHERE number = value").fetchone() == (ROWS,)
        assert base.execute("SELECT count(*) FROM results").fetchone() == (ROWS,)
    assert genstudy(folder, "verify", "c").endswith("nothing wrong\n")
    assert json.loads(genstudy(folder, "status", "c", "--json"))["rows"]["done"] == ROWS
    slurm.wait(slurm.is_empty, "all jobs have ended")
    assert not list(campaign.glob("waves/*/tasks*/"))
    assert not list(study_processes(campaign))
