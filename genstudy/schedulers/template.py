"""Jinja's side of a job script: what its template sees, and what is wrong in one."""

from __future__ import annotations

import re
import shlex
import traceback
from typing import TYPE_CHECKING, Any

from jinja2.exceptions import TemplateNotFound, TemplateSyntaxError, UndefinedError

from genstudy.errors import UserError, near
from genstudy.rendering.engine import RAW, WRONG_IN_TEMPLATE
from genstudy.rendering.loader import TemplateLoader, make_environment

if TYPE_CHECKING:
    from pathlib import Path

    from genstudy.schedulers.plan import JobPlan

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What a line of a script cannot hold, or a file of text."""

PATHS = "check the path; a relative one is looked for where genstudy is called"
UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")
NAME = re.compile(r"'([^']+)'(?: is undefined)?$")


def render_script(template: Path, plan: JobPlan, **more: str) -> str:
    """Return the script that a template makes of a plan.

    It sees the plan's fields, the settings as `scheduler`, `setup`, and `more`; the filter `shell` quotes a
    text for a shell. Raises UserError, with the file and where it can be told the line, for what is wrong
    in it, and for a text that is no script.
    """
    if not template.is_file():
        raise UserError("there is no such file", where=str(template), hint=PATHS)
    context = _context(plan) | more
    loader = TemplateLoader(template)
    environment = make_environment(loader)
    environment.filters["shell"] = lambda value: shlex.quote(str(value))
    try:
        text = environment.get_template(template.name).render(context)
    except WRONG_IN_TEMPLATE as problem:
        raise _translated(problem, _place(problem, loader), context) from problem
    if not text.startswith("#!"):
        raise UserError(
            "this makes no script, as it does not begin with #!",
            where=str(template),
            hint="begin: #!/bin/bash",
        )
    if found := UNWRITABLE.search(text):
        raise UserError(f"the script has {found.group()!r}, which no script can hold", where=str(template))
    return text


def check_has(text: str, part: str, name: str, template: Path) -> None:
    """Refuse a script of people's own that lacks a part that genstudy makes."""
    if part not in text:
        raise UserError(f"it lacks {name}, without which it runs nothing", where=str(template))


def _context(plan: JobPlan) -> dict[str, Any]:
    setup = (plan.scheduler.setup or "").rstrip("\n")
    if setup.endswith("\\"):
        raise UserError("setup ends with a backslash, which would swallow what follows", hint="take it away")
    return {
        "name": plan.name,
        "token": plan.token,
        "wave": str(plan.wave),
        "tasks": plan.tasks,
        "python": plan.python,
        "cores": plan.cores,
        "scheduler": plan.scheduler.model_dump(),
        "setup": setup,
    }


def _place(problem: Exception, loader: TemplateLoader) -> str:
    if isinstance(problem, TemplateSyntaxError):
        return f"{problem.filename or loader.main}, line {problem.lineno}"
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        if frame.filename in loader.files:
            return f"{frame.filename}, line {frame.lineno}"
    return str(loader.main)


def _translated(problem: Exception, where: str, context: dict[str, Any]) -> UserError:
    text = getattr(problem, "message", None) or str(problem) or type(problem).__name__
    hint = RAW if isinstance(problem, TemplateSyntaxError) else None
    if isinstance(problem, TemplateNotFound):
        text = f"there is no template '{problem.name}' beside it"
    elif isinstance(problem, UndefinedError) and (found := NAME.search(text)):
        text = f"'{found[1]}' is not defined{near(found[1], [*context, *context['scheduler']])}"
        hint = f"it sees {', '.join(sorted(context))}; of scheduler: the keys of --job"
    return UserError(text, where=where, hint=hint)
