"""A wave's job script for Slurm, from its plan: the `#SBATCH` lines, the setup, the task."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.schedulers.options import SBATCH, option_words
from genstudy.schedulers.template import CONTROL, check_has, render_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.schedulers.plan import JobPlan

TEMPLATE = Path(__file__).with_name("job.sh.j2")
PLAIN = re.compile(r"[A-Za-z0-9_.,:;/@+=%*\[\]-]+")
MINUTE, DAY = 60, 86400
MOST_DAYS = 3650
"""From some 8,000 days on, Slurm takes a time for another one, without a word."""

TASK = "genstudy.cli.task"
OUT_OF_TIME = "USR1"
"""What tells a task that its job's time is nearly up; SIGTERM says that the job is taken away."""

LEAD = 60
MARK = "#SBATCH "
PATH = "the path of the campaign"


def job_script(plan: JobPlan, *, template: Path | None = None) -> str:
    """Return the text of the script that sbatch takes for a wave of batches.

    template: a Jinja template in place of the built-in one; if not given, the one that the settings name. It
    must be a script that runs the task and has genstudy's own `#SBATCH` lines before its first command.
    Raises UserError for what no `#SBATCH` line can hold, and for a mistake in the template or the options.
    """
    if template is None and plan.scheduler.script is not None:
        template = Path(plan.scheduler.script)
    needed, asked = list(_needed(plan)), list(_asked(plan))
    task = f'{task_command(plan)} "$SLURM_ARRAY_TASK_ID"'
    text = render_script(
        template or TEMPLATE,
        plan,
        task=task,
        directives="\n".join(MARK + line for line in (*needed, *asked)),
    )
    if template is not None:
        _check_template(text, template, task, needed, asked)
    return text


def task_command(plan: JobPlan) -> str:
    """Return the shell command that runs a task of a wave; it lacks the task's index."""
    command = [plan.python, "-P", "-X", "utf8", "-m", TASK, str(plan.wave)]
    return shlex.join(command)


def warning_seconds(walltime: float | None) -> int:
    """Return how long before its end a task is told of it: a minute, or a tenth of less than ten minutes."""
    return LEAD if walltime is None else max(1, min(LEAD, int(walltime / 10)))


def whole_seconds(walltime: float) -> int:
    """Return a job's longest time in whole seconds. Raises UserError for more than ten years."""
    if walltime > MOST_DAYS * DAY:
        raise UserError(
            f"a walltime of {walltime:g} seconds is more than {MOST_DAYS:,} days", hint="--job walltime=2h"
        )
    return math.ceil(walltime)


def slurm_time(seconds: int) -> str:
    """Return a time as Slurm's D-HH:MM:SS."""
    minutes, rest = divmod(seconds, MINUTE)
    return f"{minutes // 1440}-{minutes // 60 % 24:02}:{minutes % 60:02}:{rest:02}"


def sbatch_word(text: str, what: str) -> str:
    """Return a text as sbatch reads it in a `#SBATCH` line: quoted by its rules, not by a shell's.

    Within double quotes a backslash takes the meaning from the character after it, and nothing else has any
    (get_argument in Slurm's src/sbatch/opt.c). what: the text's name, for the UserError where no line can
    hold it.
    """
    if CONTROL.search(text):
        raise UserError(
            f"{what} has a control character, which no #SBATCH line can hold: {text!r}",
            hint="give it another name",
        )
    if PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _needed(plan: JobPlan) -> Iterator[str]:
    """Yield the options by which a wave's tasks run at all, and are found again."""
    limit = plan.scheduler.limit
    yield f"--job-name={sbatch_word(plan.name, 'the job name')}"
    yield f"--comment={sbatch_word(plan.token, 'the token')}"
    yield f"--array=0-{plan.tasks - 1}" + (f"%{limit}" if limit is not None else "")
    yield f"--output={sbatch_word(_output(plan.wave), PATH)}"
    yield "--open-mode=append"
    # Where the command was called need not be seen by the nodes; commands around batches run there, too.
    yield f"--chdir={sbatch_word(str(plan.wave.parents[1]), PATH)}"


def _output(wave: Path) -> str:
    if "\\" in str(wave):
        raise UserError(
            "there is a backslash in this path, and Slurm would write the output of all batches to one file",
            where=str(wave),
            hint="move the campaign to a folder without one",
        )
    return str(wave).replace("%", "%%") + "/%a.out"


def _asked(plan: JobPlan) -> Iterator[str]:
    """Yield what a task asks for, and the options that were given word for word."""
    settings = plan.scheduler
    yield "--requeue"
    yield f"--signal=B:{OUT_OF_TIME}@{warning_seconds(settings.walltime)}"
    if settings.nodes is not None:
        yield f"--nodes={settings.nodes}"
    if settings.procs is not None or settings.nodes is None:
        yield f"--ntasks={_procs(settings.procs or 1, settings.nodes or 1)}"
    yield f"--cpus-per-task={plan.cores}"
    if settings.gpus:
        yield f"--gpus={settings.gpus}"
    if settings.walltime is not None:
        yield f"--time={slurm_time(whole_seconds(settings.walltime))}"
    for option, key in (
        *(("partition", "queue"), ("account", "bank"), ("mem", "memory")),
        *(("reservation", "reservation"), ("qos", "qos")),
    ):
        if value := getattr(settings, key):
            yield f"--{option}={sbatch_word(value, key)}"
    if settings.exclusive:
        yield "--exclusive"
    for option in settings.options:
        option_words(option, SBATCH)
        yield option


def _procs(procs: int, nodes: int) -> int:
    # sbatch would take fewer nodes, and only warn of it.
    if procs < nodes:
        raise UserError(f"{procs} processes cannot be on {nodes} nodes", hint=f"--job procs={nodes}, or more")
    return procs


def _check_template(text: str, template: Path, task: str, needed: list[str], asked: list[str]) -> None:
    """Refuse a script of people's own that would lose its tasks. sbatch reads no line after a command."""
    check_has(text, task, "{{ task }}", template)
    header = [line.removeprefix(MARK) for line in _header(text) if line.startswith(MARK.rstrip())]
    if missing := next((line for line in needed if line not in header), None):
        raise UserError(
            f"it has no line '{MARK}{missing}' before its first command",
            where=str(template),
            hint="put {{ directives }} on a line of its own below the first line",
        )
    for line in header:
        if line not in needed and line not in asked:
            option_words(line, SBATCH, where=str(template))


def _header(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            return
        yield line
