"""1,000 one-command rows on a Slurm of four virtual nodes: batches as jobs against steps as jobs.

The Slurm is that of the tests: real daemons on this machine, for the benchmark alone, but with Slurm's own
defaults for how soon it schedules. Both ways share the machine's cores with the scheduler, and what differs
is how much work each way makes of the same rows.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from timing import Command, Result, Skipped, check, genstudy, take_turns, wall_ratios, wall_times

sys.path.append(str(Path(__file__).parents[1]))

from tests.slurm.lab import SlurmLab, missing_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timing import Bench

ROWS = 1000
ROUNDS = 1
STEPS = ("submit=steps", "queue=debug", "walltime=5m")
BATCHES = ("submit=batches",)
OFTEN = ("--sleep", "1")
"""Maestro looks at its jobs every 60 seconds, if nothing is said."""

DEFAULTS = {"SchedulerParameters": "bf_interval=30"}
"""Slurm's default, and with it all others: the tests' own are for tests that wait for single jobs."""


def measure(bench: Bench) -> Iterator[Result]:
    """Run the same rows both ways, in turns; count the jobs that Slurm got of each."""
    rows = bench.size(ROWS, by=20)
    with _lab() as lab:
        steps = _campaign(bench, rows, rows, "steps", STEPS)
        batches = _campaign(bench, rows, rows // 2, "batches", BATCHES)
        typed = take_turns([_run(steps), _run(batches)], bench.rounds(ROUNDS))
        tuned = take_turns([_run(steps, *OFTEN), _run(batches, *OFTEN)], bench.rounds(ROUNDS))
        of_batches = _jobs(lab, "batches.")
        of_steps = _jobs(lab) - of_batches
        for folder in (steps, batches):
            _check_done(folder, rows, bench)
    what = f"{rows:,} one-command rows on four nodes"
    for how, found in (("as typed", typed), ("looking every second", tuned)):
        yield Result(
            what=f"{what}, steps as jobs against batches as jobs, {how}",
            detail=wall_times(found),
            figures=wall_ratios(found),
            limit=10.0,
            least=True,
        )
    yield Result(
        what=f"{what}, jobs that Slurm gets of batches, for each of steps",
        detail=f"{of_batches:,} against {of_steps:,}",
        figures=[100 * of_batches / of_steps],
        limit=1.0,
        unit="%",
    )


@contextmanager
def _lab() -> Iterator[SlurmLab]:
    """Give a Slurm that all commands talk to. Raises Skipped where there is none."""
    if missing := missing_programs():
        raise Skipped(f"Slurm is not installed: no {', '.join(missing)}")
    lab = SlurmLab()
    try:
        lab.reconfigure(**DEFAULTS)
        os.environ.update(lab.env)
        yield lab
    finally:
        lab.close()


def _campaign(bench: Bench, rows: int, batch_size: int, name: str, job: tuple[str, ...]) -> Path:
    """Make a campaign whose rows run one command each."""
    table, folder = bench.folder / "table.csv", bench.folder / name
    Command(argv=genstudy("csv", "a", "-n", str(rows), "-o", table, "--force"), folder=bench.folder).run()
    options = [word for pair in job for word in ("--job", pair)]
    made = genstudy("specs", table, "-t", "command", "--set", "command=echo", "-o", folder, *options)
    batch = ["-b", str(batch_size), "--name", name, "--scheduler", "slurm"]
    Command(argv=[*made, *batch], folder=bench.folder, makes=[folder]).run()
    return folder


def _run(folder: Path, *options: str) -> Command:
    """Return the command that runs a campaign; what an earlier run left is removed before it."""
    left = [folder / name for name in ("ledger", "runs", "archive", "waves")]
    return Command(argv=genstudy("run", folder, *options), folder=folder.parent, makes=left)


def _jobs(lab: SlurmLab, name: str = "") -> int:
    """Return how many jobs with names that begin so Slurm has had; a task of an array is one."""
    names = lab.call("squeue", "-h", "--array", "--states=all", "-o", "%j").splitlines()
    return sum(one.startswith(name) for one in names)


def _check_done(folder: Path, rows: int, bench: Bench) -> None:
    shown = Command(argv=genstudy("status", folder, "--json"), folder=bench.folder).run().output
    found = json.loads(shown)["rows"]
    check(found["done"] == rows == found["total"], f"{folder.name}: {found}")
