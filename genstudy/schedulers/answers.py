"""What Slurm answers: states of tasks, its limits, and the ways in which it says no."""

from __future__ import annotations

import re
from typing import NamedTuple

from genstudy.errors import RunError

ENDED = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    }
)
"""Slurm's words for the states of what will not run again. What is none of them may run yet."""

LAUNCH_FAILED = "LAUNCH_FAILED"
HELD = re.compile(r"launch[ _]failed[ _]requeued[ _]held")
"""The reason of a task that no node could start, and that Slurm keeps until an administrator releases it."""

WORD = re.compile(r"[A-Z_]+")
NOTHING = frozenset({"", "(null)", "None", "N/A"})


class TaskState(NamedTuple):
    """A task's state: Slurm's word, its reason or an empty text, and whether the task may still run."""

    word: str
    reason: str
    active: bool


class Limits(NamedTuple):
    """A controller's limits.

    max_array: tasks of a job array; its highest index is one less. max_jobs: jobs that the controller holds
    at a time, those of others and those that ended lately included; each task counts.
    min_job_age: seconds after which it forgets a job that has ended; 0: never.
    """

    max_array: int
    max_jobs: int
    min_job_age: int


class Unreachable(RunError):
    """The controller did not answer: nothing is known, neither of jobs nor of tasks."""


class Full(RunError):
    """Slurm has no room for a job at present, or no time. Nothing was submitted, as far as can be known."""


class Refused(RunError):
    """Slurm will not take a job, however often it is asked."""


def task_state(state: str, reason: str) -> TaskState:
    """Return the state that squeue or sacct prints, such as `CANCELLED by 1000`."""
    found = WORD.match(state)
    word = found[0] if found else state
    if HELD.fullmatch(reason):
        return TaskState(LAUNCH_FAILED, reason, active=False)
    return TaskState(word, "" if reason in NOTHING else reason, word not in ENDED)


def limits_of(config: dict[str, str]) -> Limits:
    """Return the limits that a controller's settings tell."""
    arrays = _number(config["MaxArraySize"])
    if found := re.search(r"max_array_tasks=(\d+)", config.get("SchedulerParameters", "")):
        arrays = min(arrays, int(found[1]))
    return Limits(arrays, _number(config["MaxJobCount"]), _number(config["MinJobAge"]))


def settings_of(text: str) -> dict[str, str]:
    """Return what `scontrol show config` prints as names with their values."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _number(value: str) -> int:
    """Return the number of `300 sec` or `1001`."""
    return int(value.split()[0])
