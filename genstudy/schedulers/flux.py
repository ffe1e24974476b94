"""A wave's job script for Flux: it submits itself with `flux submit --cc`, once for each batch."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.schedulers.options import FLUX, option_words
from genstudy.schedulers.script import OUT_OF_TIME, task_command, warning_seconds, whole_seconds
from genstudy.schedulers.template import CONTROL, check_has, render_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.schedulers.plan import JobPlan

TEMPLATE = Path(__file__).with_name("flux.sh.j2")
SCRIPT = "job.sh"
INDEX = "{cc}"
"""Stands for a job's index in what `flux submit --cc` is given; `{{...}}` is filled in elsewhere."""


def flux_script(plan: JobPlan, *, template: Path | None = None) -> str:
    """Return the text of `job.sh` in a wave's folder, for Flux.

    Without an argument it submits one job for each batch and prints their ids, one a line; a job runs it with
    the batch's index. As Flux would start a job's command once for each of its tasks, a job has a single one,
    with the cores of all processes.
    template: as for `job_script`. Raises UserError also for settings that Flux does not have.
    """
    if template is None and plan.scheduler.script is not None:
        template = Path(plan.scheduler.script)
    _check_settings(plan)
    words = ["flux", "submit", *_options(plan), "/bin/bash", str(plan.wave / SCRIPT)]
    for word in words:
        _check_word(word.replace(INDEX, ""))
    lines = [shlex.join(words[:2]), *map(shlex.quote, words[2:-2]), f"{shlex.join(words[-2:])} '{INDEX}'"]
    task, submit = f'{task_command(plan)} "$1"', " \\\n    ".join(lines)
    text = render_script(template or TEMPLATE, plan, task=task, submit=submit)
    if template is not None:
        check_has(text, task, "{{ task }}", template)
        check_has(text, submit, "{{ submit }}", template)
    return text


def _options(plan: JobPlan) -> Iterator[str]:
    settings = plan.scheduler
    yield f"--cc=0-{plan.tasks - 1}" if plan.tasks > 1 else "--cc=0"
    yield f"--job-name={plan.name}"
    yield f"--setattr=user.genstudy={plan.token}"
    yield f"--output={plan.wave}/{INDEX}.out"
    yield "--setopt=output.mode=append"
    yield f"--cwd={plan.wave.parents[1]}"
    yield f"--signal={OUT_OF_TIME}@{warning_seconds(settings.walltime)}s"
    if settings.exclusive or settings.nodes is not None:
        yield "--nodes=1"
    yield "--ntasks=1"
    yield f"--cores-per-task={plan.cores * (settings.procs or 1)}"
    if settings.gpus:
        yield f"--gpus-per-task={settings.gpus}"
    if settings.walltime is not None:
        yield f"--time-limit={whole_seconds(settings.walltime)}s"
    if settings.queue:
        yield f"--queue={settings.queue}"
    if settings.bank:
        yield f"--bank={settings.bank}"
    if settings.exclusive:
        yield "--exclusive"
    for option in settings.options:
        yield from option_words(option, FLUX)


def _check_settings(plan: JobPlan) -> None:
    for key in ("memory", "reservation", "qos", "limit"):
        if getattr(plan.scheduler, key) is not None:
            raise UserError(f"Flux has no '{key}' for the job of a batch", hint=f"leave {key} out")
    if (plan.scheduler.nodes or 1) > 1:
        raise UserError(
            f"a batch's job has one node with Flux, not {plan.scheduler.nodes}",
            hint="leave nodes out, or let each step be a job: --job submit=steps",
        )


def _check_word(word: str) -> None:
    if "{" in word or "}" in word:
        raise UserError(
            f"flux submit would take the braces in '{word}' for something to fill in",
            hint="give the campaign, or what is meant, a name without braces",
        )
    if CONTROL.search(word):
        raise UserError(f"there is a control character in {word!r}", hint="give it another name")
