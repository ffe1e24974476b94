"""A study of a batch as a process: stock Maestro, started, waited for, and ended with all that it started."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from genstudy.campaign.processes import (
    PATIENCE,
    VARIABLE,
    Family,
    end_group,
    place_of,
    processes_are_visible,
)
from genstudy.campaign.study_jobs import cancel_jobs, jobs_at_work
from genstudy.maestro.process import foreground_command, start_in_foreground

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRACE = 10.0
"""Seconds that processes have to end in good order."""


class StudyProcess:
    """Maestro at work on a study. One thread may wait for it while another one ends it."""

    def __init__(self, process: subprocess.Popen[bytes], study: Path) -> None:
        self._process, self._study = process, study
        self._ending = Lock()

    @property
    def code(self) -> int | None:
        """Maestro's exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait for Maestro's end and return its exit code.

        Where `kill` ended it, all other processes of the study are gone too.
        """
        code = self._process.wait()
        with self._ending:
            return code

    def rows_in_progress(self) -> tuple[str, ...]:
        """Return the workspaces, as `step/label`, that the study's processes and Slurm jobs work in.

        Processes are found on this machine alone, and none without /proc.
        """
        here = Family(self._study).workspaces() if processes_are_visible() else set()
        return tuple(sorted(here | jobs_at_work(self._study)))

    def kill(self, grace: float = GRACE) -> None:
        """End Maestro, every process that its steps started and its jobs in Slurm; return when they are gone.

        Maestro records nothing of it. The steps' processes get SIGTERM, and after `grace` seconds SIGKILL.
        Raises RunError where the system does not end them, or Slurm its jobs.
        """
        with self._ending:
            runs = self._process.poll() is None
            if processes_are_visible():
                # Of a Maestro that has ended the session's number may be another's by now.
                Family(self._study, session=self._process.pid if runs else None).end(grace)
            elif runs:
                self._process.kill()
                end_group(self._process.pid, grace)
            self._process.wait(PATIENCE)
            cancel_jobs(self._study)


def study_command(
    spec: Path, pgen: Path | None, out: Path, *, options: Sequence[str] = (), sleep: int | None = None
) -> list[str]:
    """Return the arguments of `maestro` with which `start_study` runs a batch."""
    return foreground_command(spec, pgen, out, options=options, sleep=sleep)


def start_study(
    spec: Path,
    pgen: Path | None,
    out: Path,
    log: Path,
    *,
    options: Sequence[str] = (),
    environ: Mapping[str, str],
    sleep: int | None = None,
) -> StudyProcess:
    """Start Maestro on a batch.

    out: the study's folder; a UserError where it exists. log: gets what Maestro prints. options: further ones
    of `maestro run`. environ: for Maestro and the steps. sleep: seconds between Maestro's looks at its jobs;
    None: none for local steps, 60 for those of a scheduler.

    The thread that calls this must live until Maestro has ended: Maestro is killed when it ends.
    """
    command = study_command(spec, pgen, out, options=options, sleep=sleep)
    environ = {**environ, VARIABLE: place_of(out)}
    return StudyProcess(start_in_foreground(command, out, log=log, environ=environ), out)


def kill_orphans(study: Path, grace: float = GRACE) -> int:
    """End what is left of a study whose Maestro is gone, and return how many processes and jobs that were.

    Processes are ended on this machine alone, and none without /proc; jobs are those that Slurm has.
    Raises RunError where the system does not end them, or Slurm its jobs.
    """
    processes = len(Family(study).end(grace)) if processes_are_visible() else 0
    return processes + cancel_jobs(study)
