"""Slurm's jobs found by the folder in which they work: those that Maestro handed in for the steps of a study.

Maestro writes down the ids of its jobs after each round of handing in only. Their working folder is told to Slurm with
the job itself, so it finds them whenever Maestro died, and from every machine of the cluster.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from genstudy.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

CALL_SECONDS = 60.0
"""The longest that one of Slurm's commands may take."""

STATES = (
    "PENDING,CONFIGURING,RUNNING,SUSPENDED,COMPLETING,REQUEUED,REQUEUE_HOLD,RESIZING,SIGNALING,SPECIAL_EXIT,"
    "STAGE_OUT,STOPPED"
)
"""Those of jobs that run, or may run yet."""

PAUSE = 0.5
PATIENCE = 300.0
"""Seconds in which Slurm must have ended jobs that were cancelled. It gives them 30 itself, if nothing else is set."""

IDS = 500
"""Ids in one command line."""


class FolderJob(NamedTuple):
    """A job: its id, Slurm's word for its state, and where it works."""

    job: str
    state: str
    folder: str


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what would have squeue leave out jobs, or print them otherwise."""
    return {name: value for name, value in environ.items() if not name.startswith("SQUEUE_")}


def jobs_within(folder: Path) -> list[FolderJob]:
    """Return this user's jobs that work inside of a folder and have not ended.

    Raises RunError where Slurm does not answer.
    """
    text = _call(
        ["squeue", "--noheader", f"--user={os.geteuid()}", f"--states={STATES}", "--format=%A %T %Z"], folder
    )
    roots = {f"{folder.absolute()}/", f"{folder.resolve()}/"}
    jobs = (FolderJob(*line.split(" ", 2)) for line in text.splitlines() if line.count(" ") > 1)
    return [job for job in jobs if f"{job.folder}/".startswith(tuple(roots))]


def cancel_within(folder: Path) -> set[str]:
    """Cancel this user's jobs that work inside of a folder; return the ids of all, once they are gone.

    Raises RunError where Slurm does not answer, or does not end them.
    """
    told: set[str] = set()
    end = time.monotonic() + PATIENCE
    # Twice, as a job may still be on its way into the queue.
    while (jobs := jobs_within(folder)) or (jobs := _later(folder)):
        new = [job.job for job in jobs if job.job not in told]
        for place in range(0, len(new), IDS):
            _call(["scancel", "--quiet", *new[place : place + IDS]], folder, must=False)
        told.update(new)
        if time.monotonic() > end:
            raise RunError(f"Slurm does not end its jobs {_shown(told)}, which work in {folder}\n  {WAY_OUT}")
        time.sleep(PAUSE)
    return told


def slurm_config() -> dict[str, str]:
    """Return what the controller says of its settings. Raises RunError where it does not answer."""
    lines = (line.partition("=") for line in _call(["scontrol", "show", "config"], None).splitlines())
    return {key.strip(): value.strip() for key, equals, value in lines if equals}


WAY_OUT = "do not run their batch again before they are gone; genstudy run goes on once Slurm answers"


def _later(folder: Path) -> list[FolderJob]:
    time.sleep(PAUSE)
    return jobs_within(folder)


def _shown(jobs: Collection[str]) -> str:
    return ", ".join(sorted(jobs)[:5]) + (", ..." if len(jobs) > 5 else "")


def _call(command: Sequence[str], folder: Path | None, *, must: bool = True) -> str:
    """Run one of Slurm's commands and return what it printed. must: whether its failure is one of ours."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env={**clean_environ(os.environ), "LC_ALL": "C"},
            timeout=CALL_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        reason = f"there is no {command[0]} on PATH"
    except subprocess.TimeoutExpired:
        reason = f"{command[0]} took longer than {CALL_SECONDS:.0f} s"
    else:
        if not done.returncode or not must:
            return done.stdout
        reason = (done.stderr.strip() or f"{command[0]} ended with {done.returncode}").splitlines()[-1]
    left = f"\n  jobs that work in {folder} may still run: {WAY_OUT}" if folder else ""
    raise RunError(f"Slurm does not answer: {reason}{left}")
