"""The environment of Slurm's commands: without what would change their answers, or what a job asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = re.compile(r"SLURM(?!_CONF|_JWT|_SACK)|SQUEUE_|SCANCEL_|SCONTROL_|SACCT_|SALLOC_|SRUN_")
"""Names of variables that tell of another job, in which we may be, or that steer the commands."""

FIXED = frozenset({"WAIT", "TEST_ONLY", "CLUSTERS", "CLUSTER_CONSTRAINT", "DEBUG", "IGNORE_PBS", "ARRAY_INX"})
"""Of sbatch's variables, those that never fit a job that is not waited for, on this cluster."""

BY_OPTION = {
    "array": ("ARRAY_INX",),
    "mem": ("MEM_PER_NODE", "MEM_PER_CPU", "MEM_PER_GPU"),
    "requeue": ("REQUEUE", "NO_REQUEUE"),
    "time": ("TIMELIMIT",),
}
SHORT = {
    "A": "account",
    "C": "constraint",
    "J": "job-name",
    "a": "array",
    "e": "error",
    "i": "input",
    "o": "output",
    "p": "partition",
    "q": "qos",
    "t": "time",
}
OPTION = re.compile(r"^#SBATCH[ \t]+(?:--([a-z][a-z-]*)|-([A-Za-z]))", re.MULTILINE)


def client_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the commands that ask; their words are English."""
    return {**_without_own(environ), "LC_ALL": "C"}


def sbatch_environ(environ: Mapping[str, str], script: str) -> dict[str, str]:
    """Return the environment of sbatch, which reaches the job, too.

    A variable such as SBATCH_ACCOUNT stays, as people have it for a default, unless the script says the same
    option: sbatch would have the variable win.
    """
    said = set(FIXED)
    for long, short in OPTION.findall(script):
        name = long or SHORT.get(short, "")
        said.update(BY_OPTION.get(name, (name.upper().replace("-", "_"),)))
    dropped = {f"SBATCH_{name}" for name in said}
    return {name: value for name, value in _without_own(environ).items() if name not in dropped}


def _without_own(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not OWN.match(name)}
