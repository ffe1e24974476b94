"""What one job array is made from: a wave of a campaign's batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from genstudy.specs.scheduler import SchedulerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What a wave's job script is a pure function of.

    name: the job's name, for people, such as `beam.0007`. token: the wave's unique text, by which its job is
    found again. wave: the wave's folder, absolute. tasks: the array's tasks are 0 to tasks - 1.
    python: the interpreter that runs a task. cores: those of one task.
    """

    name: str
    token: str
    wave: Path
    tasks: int
    python: str
    scheduler: SchedulerSettings
    cores: int
