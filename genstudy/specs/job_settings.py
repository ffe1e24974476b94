"""A scheduler's settings for jobs that are steps: which an adapter of Maestro has no use for, or mistakes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError, near
from genstudy.rendering.job_checks import WORDS, check_word
from genstudy.rendering.job_options import check_option
from genstudy.rendering.macros import check_marks

if TYPE_CHECKING:
    from genstudy.specs.scheduler import SchedulerSettings

BATCHES_ONLY = {
    "limit": "it counts batches: how many steps are in the queue is held down by genstudy run --throttle N",
    "script": "it is the job script of batches: with steps the study template says what a job runs",
}
NOT_FLUX = {
    "memory": "Flux gives memory with the cores",
    "reservation": "Flux has none",
    "qos": "Flux has none",
    "options": "Maestro hands over none; see allocation_args in Maestro's documentation: "
    """--set batch=... or, in a study file, extra: {"allocation_args": ...}""",
}
NOT_LSF = {
    "memory": "pass it as LSF's own option: --job options='-M 4G'",
    "qos": "LSF has none; pass its own option: --job options='-sla NAME'",
    "exclusive": "pass it as LSF's own option: --job options='-x'",
}
MEANINGLESS = {"slurm": BATCHES_ONLY, "flux": BATCHES_ONLY | NOT_FLUX, "lsf": BATCHES_ONLY | NOT_LSF}
NEEDED = {"slurm": (), "flux": (), "lsf": ("bank", "queue", "walltime")}
"""What an adapter cannot do without: it would write an option that has no value."""

OWN_ENTRIES = frozenset({"type", "host", "bank", "queue", "nodes", "procs", "reservation", "qos"})
DIRECTIVE = re.compile(r"^#(?:SBATCH|BSUB|PBS|flux:)", re.MULTILINE)
OPTION = re.compile(r"-[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
EXTRA = {
    "slurm": ("shell",),
    "flux": ("shell", "version", "uri", "allocation_args", "launcher_args", "args"),
    "lsf": (),
}
"""What an adapter takes besides; what is none of these it passes over without a word."""


def check_settings(settings: SchedulerSettings) -> None:
    """Refuse a setting that this scheduler's adapter has no use for, or that is missing or unsafe."""
    kind = settings.type
    for key, way_out in MEANINGLESS[kind].items():
        if getattr(settings, key):
            raise UserError(f"{key} means nothing for steps that are jobs of {kind}", hint=way_out)
    for key in NEEDED[kind]:
        if not getattr(settings, key):
            raise UserError(
                f"jobs of {kind} need a {key}",
                hint=f"Maestro would write the option without a value: pass --job {key}=...",
            )
    if kind == "flux" and settings.exclusive and settings.nodes is None:
        raise UserError("Flux gives whole nodes only where it is told how many", hint="pass --job nodes=1")
    for key in WORDS:
        check_word(key, getattr(settings, key))
    for option in settings.options:
        if not OPTION.fullmatch(option):
            raise UserError(f"'{option}' is no option of a job", hint="write it as --constraint=haswell")
        check_option(kind, option)
    if settings.setup:
        check_marks(settings.setup, "setup")
        if found := DIRECTIVE.search(settings.setup):
            raise UserError(
                f"setup has a line that begins with {found.group()}, behind commands, where nobody reads it",
                hint="give what it asks for as --job options=..., or by a key of its own",
            )


def extra_entries(settings: SchedulerSettings) -> dict[str, Any]:
    """Return the further entries of the `batch:` block; refuse those that nobody would look at."""
    for key in settings.extra:
        if key in OWN_ENTRIES:
            raise UserError(
                f"extra has '{key}', which is a setting of its own", hint=f"write {key}: beside extra:"
            )
        if key not in (known := EXTRA[settings.type]):
            raise UserError(
                f"Maestro has no use for '{key}' in the batch block of {settings.type}{near(key, known)}",
                hint=f"it takes {', '.join(known)}" if known else "leave extra out",
            )
    return dict(settings.extra)
