"""The schedulers that take waves of batches: Slurm, which is asked, and Flux, which people start by hand."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from genstudy.schedulers.flux import flux_script
from genstudy.schedulers.script import job_script
from genstudy.schedulers.waves import MOST_TASKS, next_wave

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from genstudy.schedulers.plan import JobPlan
    from genstudy.schedulers.slurm import Slurm, TaskState


class Cluster(Protocol):
    """What a campaign needs of a scheduler."""

    @property
    def name(self) -> Literal["slurm", "flux"]:
        """The scheduler's type."""

    @property
    def asked(self) -> bool:
        """Whether it can be asked for the state of tasks."""

    def check(self) -> None:
        """Raise UserError where this machine cannot reach it, and Unreachable where it does not answer."""

    def script(self, plan: JobPlan) -> str:
        """Return the script of a wave's job."""

    def room(self, waiting: Sequence[str], *, ours: int, limit: int | None, most: int | None) -> int:
        """Return how many of the batches that wait can be submitted now."""

    def submit(self, script: Path, token: str) -> str:
        """Submit a wave's script and return the job's id. Raises Full where there is no room, RunError."""

    def taken(self, job: str, script: Path) -> str:
        """Return what people are told of a wave that was taken, such as `job 12 of Slurm`."""

    def find(self, token: str) -> str | None:
        """Return the job of a wave; None where the scheduler never had it."""

    def look(self, jobs: Mapping[str, str]) -> Mapping[str, Mapping[int, TaskState]]:
        """Return {job: {task: state}} of what is known of jobs. jobs: {job: token}. Raises Unreachable."""

    def cancel(self, jobs: Mapping[str, str], *, pending_only: bool) -> None:
        """Cancel jobs, or their tasks only that have not begun."""

    def drop(self, job: str, token: str, index: int) -> None:
        """Cancel one task, which its scheduler would keep and never start. Raises Unreachable."""


@dataclass(frozen=True)
class OnSlurm:
    """Slurm, through its commands."""

    slurm: Slurm
    name: Literal["slurm", "flux"] = "slurm"
    asked: bool = True

    def check(self) -> None:
        """Look whether its commands are there, and answer."""
        self.slurm.check()

    def script(self, plan: JobPlan) -> str:
        """Return the sbatch script of a wave."""
        return job_script(plan)

    def room(self, waiting: Sequence[str], *, ours: int, limit: int | None, most: int | None) -> int:
        """Return how many tasks Slurm has room for. Raises Unreachable."""
        limits, in_queue = self.slurm.limits(), self.slurm.count()
        return len(next_wave(waiting, limits=limits, in_queue=in_queue, ours=ours, limit=limit, most=most))

    def submit(self, script: Path, token: str) -> str:
        """Submit a wave's script and return the array's id."""
        return self.slurm.submit(script, token)

    def taken(self, job: str, script: Path) -> str:  # noqa: ARG002 - Flux has a use for it
        """Return what people are told of a wave that was taken."""
        return f"job {job} of Slurm"

    def find(self, token: str) -> str | None:
        """Return the array with this token."""
        return self.slurm.find(token)

    def look(self, jobs: Mapping[str, str]) -> Mapping[str, Mapping[int, TaskState]]:
        """Return the states of the tasks of arrays."""
        return self.slurm.look(jobs)

    def cancel(self, jobs: Mapping[str, str], *, pending_only: bool) -> None:
        """Cancel arrays."""
        self.slurm.cancel(jobs, pending_only=pending_only)

    def drop(self, job: str, token: str, index: int) -> None:
        """Cancel a task of an array."""
        self.slurm.drop(job, token, index)


@dataclass(frozen=True)
class ByHand:
    """Flux, by a script that people start themselves: only what tasks record is known of them."""

    name: Literal["slurm", "flux"] = "flux"
    asked: bool = False

    def check(self) -> None:
        """Need nothing."""

    def script(self, plan: JobPlan) -> str:
        """Return the script that submits a wave to Flux."""
        return flux_script(plan)

    def room(self, waiting: Sequence[str], *, ours: int, limit: int | None, most: int | None) -> int:
        """Return how many batches a wave has."""
        del ours, limit, most
        return min(len(waiting), MOST_TASKS)

    def submit(self, script: Path, token: str) -> str:
        """Leave it to people."""
        del script, token
        return ""

    def taken(self, job: str, script: Path) -> str:
        """Return what people are to do with a wave."""
        del job
        return f"start it: bash {shlex.quote(str(script))}"

    def find(self, token: str) -> str | None:
        """Take a wave for one that may be started, whatever became of who wrote it."""
        del token
        return ""

    def look(self, jobs: Mapping[str, str]) -> Mapping[str, Mapping[int, TaskState]]:
        """Know nothing."""
        del jobs
        return {}

    def cancel(self, jobs: Mapping[str, str], *, pending_only: bool) -> None:
        """Do nothing: tasks end by themselves once their batches are taken back."""

    def drop(self, job: str, token: str, index: int) -> None:
        """Do nothing."""
