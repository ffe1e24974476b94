"""A study's jobs in a scheduler's hands: found and cancelled, so that none runs once its study has ended."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from genstudy.maestro.batch_info import study_scheduler
from genstudy.schedulers.folders import cancel_within, jobs_within

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING"})


def cancel_jobs(study: Path) -> int:
    """Cancel what a study has in Slurm's queue, return how many jobs that were once they are gone.

    Other schedulers keep theirs. Raises RunError where Slurm does not answer, or does not end them: what the
    study's rows became cannot be said then.
    """
    return len(cancel_within(study)) if study_scheduler(study) == "slurm" else 0


def jobs_at_work(study: Path) -> set[str]:
    """Return the workspaces, as `step/label`, in which a study's Slurm jobs are at work."""
    if study_scheduler(study) != "slurm":
        return set()
    places = (job.place for job in jobs_within(study) if job.state in RUNNING)
    return {"/".join(PurePath(place).parts[:2]) for place in places}
