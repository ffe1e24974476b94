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
    from collections.abc import Collection, Mapping
    from pathlib import Path

CALL_SECONDS = 60.0
"""The longest that one of Slurm's commands may take."""

PAUSE = 0.5
PATIENCE = 600.0
"""Seconds in which Slurm must have ended jobs that were cancelled.

If not set otherwise, it gives them 30, gives up processes that cannot be killed after 60 more, and a node
that does not answer after 300.
"""

IDS = 500
"""Ids in one command line."""


class FolderJob(NamedTuple):
    """A job: its id, Slurm's word for its state, and where in the folder it works, such as `run/row_0`."""

    job: str
    state: str
    place: str


def jobs_within(folder: Path) -> list[FolderJob]:
    """Return this user's jobs that work inside of a folder and have not ended.

    They are found by whatever path they were handed in, through a symbolic link for instance.
    Raises UserError without Slurm's commands, and Unreachable where no controller answers.
    """
    fixed = ("--noheader", f"--user={os.geteuid()}", "--states=all", "--format=%A|%T|%Z")
    text = call("squeue", *fixed, seconds=CALL_SECONDS)
    found = []
    for line in text.splitlines():
        job, state, path = line.split("|", 2) if line.count("|") > 1 else ("", "", "")
        place = _place(path, folder)
        if place is not None and task_state(state, "").active:
            found.append(FolderJob(job, state, place))
    return found


def _place(path: str, folder: Path) -> str | None:
    """Return a path as seen from a folder that it is in, None if it is not."""
    if f"/{folder.name}/" not in path:  # before links are followed, one for each of the user's jobs
        return None
    for root, inner in ((folder.absolute(), path), (folder.resolve(), os.path.realpath(path))):
        if inner.startswith(f"{root}/"):
            return inner.removeprefix(f"{root}/")
    return None


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
                "  squeue shows on which nodes they hang; do not run their batch again before they are gone"
            )
        time.sleep(PAUSE)
    return told


def slurm_config(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the controller's settings, as told in this environment. Raises as `jobs_within`."""
    return settings_of(call("scontrol", "show", "config", seconds=CALL_SECONDS, environ=environ))


def _later(folder: Path) -> list[FolderJob]:
    time.sleep(PAUSE)
    return jobs_within(folder)


def _shown(jobs: Collection[str]) -> str:
    return ", ".join(sorted(jobs)[:5]) + (", ..." if len(jobs) > 5 else "")
