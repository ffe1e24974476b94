"""Slurm's jobs found by the folder in which they work: those that Maestro handed in for the steps of a study.

Maestro writes down the ids of its jobs after each round of handing in only. Their working folder is told to
Slurm with the job itself, so it finds them whenever Maestro died, and from every machine of the cluster.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from genstudy.errors import RunError
from genstudy.schedulers.answers import settings_of, task_state
from genstudy.schedulers.commands import call, run

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

CALL_SECONDS = 60.0
"""The longest that one of Slurm's commands may take."""

PAUSE = 0.5
PATIENCE = 300.0
"""Seconds in which Slurm must have ended jobs that were cancelled. It gives them 30, if not set otherwise."""

IDS = 500
"""Ids in one command line."""


class FolderJob(NamedTuple):
    """A job: its id, Slurm's word for its state, and where it works."""

    job: str
    state: str
    folder: str


def jobs_within(folder: Path) -> list[FolderJob]:
    """Return this user's jobs that work inside of a folder and have not ended.

    Raises UserError without Slurm's commands, and Unreachable where no controller answers.
    """
    fixed = ("--noheader", f"--user={os.geteuid()}", "--states=all", "--format=%A|%T|%Z")
    text = call("squeue", *fixed, seconds=CALL_SECONDS)
    roots = (f"{folder.absolute()}/", f"{folder.resolve()}/")
    jobs = (FolderJob(*line.split("|", 2)) for line in text.splitlines() if line.count("|") > 1)
    return [job for job in jobs if job.folder.startswith(roots) and task_state(job.state, "").active]


def cancel_within(folder: Path) -> set[str]:
    """Cancel this user's jobs that work inside of a folder; return the ids of all, once they are gone.

    Raises as `jobs_within`, and RunError where Slurm does not end them.
    """
    told: set[str] = set()
    end = time.monotonic() + PATIENCE
    # Twice, as a job may still be on its way into the queue.
    while jobs := jobs_within(folder) or _later(folder):
        new = [job.job for job in jobs if job.job not in told]
        for place in range(0, len(new), IDS):
            # One that ended meanwhile makes it fail; the next look tells.
            run("scancel", "--quiet", *new[place : place + IDS], seconds=CALL_SECONDS)
        told.update(new)
        if time.monotonic() > end:
            raise RunError(
                f"Slurm does not end its jobs {_shown({job.job for job in jobs})}, which work in {folder}\n"
                "  do not run their batch again before they are gone"
            )
        time.sleep(PAUSE)
    return told


def slurm_config() -> dict[str, str]:
    """Return the controller's settings. Raises as `jobs_within`."""
    return settings_of(call("scontrol", "show", "config", seconds=CALL_SECONDS))


def _later(folder: Path) -> list[FolderJob]:
    time.sleep(PAUSE)
    return jobs_within(folder)


def _shown(jobs: Collection[str]) -> str:
    return ", ".join(sorted(jobs)[:5]) + (", ..." if len(jobs) > 5 else "")
