"""What is checked in a rendered specification, beyond what Maestro checks itself.

Each check is for something that Maestro takes without a word and that loses or mixes up rows, or changes a
value. What it finds about the use of parameters is returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from genstudy.errors import UserError, near
from genstudy.maestro.specs import (
    FOLDER_MARKS,
    FUNNEL,
    LONGEST_NAME,
    Spec,
    Step,
    check_order,
    folder_name,
    load_spec,
)
from genstudy.parameters.names import PARG_PREFIX, RESERVED, ROW_ID, known_tokens
from genstudy.rendering.job_checks import check_jobs
from genstudy.rendering.marks import VARIABLE, check_mark
from genstudy.rendering.steps import Runs, StepPlan, how_often, plan_steps
from genstudy.rendering.tokens import Use, check_tokens, find_uses
from genstudy.rendering.yaml_text import check_unchanged, compose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import yaml

SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})
"""Shells in which a quoted value is one word; another interpreter reads it by rules of its own."""

TAKEN_FOLDERS = frozenset({"meta", "logs", "status.csv", "batch.info"})
MARKS_IN_USE = ("_row_", "_shared_")
"""What joins a step's name to a row's label in the names that Maestro makes of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A specification that passed.

    node, spec: the YAML nodes, and Maestro's reading of it. uses: each step's own uses of parameters.
    runs: how often each step runs, once a `row`, once per distinct set of values (`shared`), once a `batch`.
    notes: what a person should know of the steps that are jobs.
    """

    node: yaml.MappingNode
    spec: Spec
    uses: dict[str, frozenset[Use]]
    runs: dict[str, Runs]
    notes: tuple[str, ...] = ()

    def exposed(self, names: Sequence[str]) -> dict[str, str]:
        """Return the parameters whose value the shell would read, and how a step uses each."""
        return exposed_parameters(self.spec, self.uses, names)

    @property
    def uses_row_id(self) -> bool:
        """Whether a step uses the row id."""
        return any(use.token == ROW_ID for uses in self.uses.values() for use in uses)

    @property
    def steps(self) -> list[StepPlan]:
        """How the steps run, in the specification's order."""
        return plan_steps(self.spec, self.runs)

    @property
    def funnels_per_row(self) -> list[str]:
        """The steps that wait for all rows and use no parameter, but still run once a row."""
        return [
            step.name
            for step in self.spec.steps
            if step.funnels and self.runs[step.name] == "row" and not self.uses[step.name]
        ]

    def unused(self, names: Sequence[str]) -> list[str]:
        """Return the parameters that no step uses."""
        used = {use.token for uses in self.uses.values() for use in uses}
        return [name for token, name in known_tokens(names).items() if token not in used]


def exposed_parameters(spec: Spec, uses: Mapping[str, Iterable[Use]], names: Sequence[str]) -> dict[str, str]:
    """Return the parameters whose value the shell would read, and how a step uses each.

    uses: each step's own uses of parameters. names: of the parameters.
    """
    shell = _shell(spec)
    found = {
        use.token: str(use) if shell in SHELLS else f"$({use.token}) in a script for {shell}"
        for used in uses.values()
        for use in used
        if use.exposed or (shell not in SHELLS and use.token != ROW_ID)
    }
    return {name: found[token] for token, name in known_tokens(names).items() if token in found}


def uses_by_step(spec: Spec, tokens: Collection[str]) -> dict[str, frozenset[Use]]:
    """Return each step's own uses of the parameters with these tokens."""
    return {
        step.name: frozenset(use for text in step.texts.values() for use in find_uses(text, tokens))
        for step in spec.steps
    }


def check_spec(
    text: str, names: Sequence[str], shared: Sequence[str], literals: Sequence[str] = (), *, where: str
) -> Checked:
    """Check a rendered specification against the parameters' names.

    shared: the steps that run once per distinct set of values. literals: words that look like tokens and are
    plain text. Raises UserError at the first fault.
    """
    node = compose(text, where)
    check_unchanged(node, text, where)
    spec = load_spec(text, where)
    tokens = known_tokens(names)
    _check_study(spec, tokens, where)
    _check_outside_steps(spec, tokens, where)
    step_names = [step.name for step in spec.steps]
    known = (*spec.variables, *literals)
    for step in spec.steps:
        _check_step(step, step_names, where)
        _check_mark(step, _shell(spec), f"{where}, step '{step.name}'")
        for key, value in step.texts.items():
            place = f"{where}, step '{step.name}', {key}"
            check_tokens(value, where=place, tokens=tokens, variables=known, steps=step_names)
            _check_variables_replaced(value, spec, place)
    uses = uses_by_step(spec, tokens)
    if not any(uses.values()):
        first = next(iter(tokens))
        raise UserError(
            "no step uses a parameter, so nothing would be run for each row",
            where=where,
            hint=f"use the parameters in a step, such as $({first}.quoted)",
        )
    check_order(spec, where)
    runs = how_often(spec, uses, shared)
    _check_shared(spec, uses, runs, shared, where)
    notes = check_jobs(spec, runs, where=where)
    return Checked(node=node, spec=spec, uses=uses, runs=runs, notes=notes)


def _check_study(spec: Spec, tokens: dict[str, str], where: str) -> None:
    if strange := set(spec.name) - FOLDER_MARKS:
        raise UserError(
            f"the study's name '{spec.name}' has {_marks(strange)}, which cannot stand in a file name",
            where=where,
            hint="use letters, digits, spaces, dots, dashes and underscores",
        )
    if spec.data["global.parameters"]:
        raise UserError(
            "the template has a global.parameters block of its own, which would hide the table's",
            where=where,
            hint="take it out: the parameters come from the table",
        )
    for variable in spec.variables:
        if variable in tokens:
            raise UserError(
                f"$({variable}) is a variable of the template and the parameter '{tokens[variable]}' of the "
                "table: Maestro would use the variable in every row",
                where=where,
                hint="rename one of them",
            )
        if variable.startswith(PARG_PREFIX) or variable in RESERVED - {"OUTPUT_PATH"}:
            raise UserError(
                f"the variable {variable} has a name that is taken", where=where, hint="rename the variable"
            )


def _check_outside_steps(spec: Spec, tokens: dict[str, str], where: str) -> None:
    """Maestro puts parameters into steps alone: elsewhere a token would stay as it is."""
    outside = {f"batch: {key}": value for key, value in spec.data["batch"].items()}
    outside["OUTPUT_PATH"] = (spec.data["env"].get("variables") or {}).get("OUTPUT_PATH")
    for key, value in outside.items():
        uses = find_uses(str(value), tokens)
        if uses:
            raise UserError(
                f"{key} uses $({next(iter(uses)).token}), and parameters are put into steps alone",
                where=where,
                hint="take the token out: every row has a folder of its own anyway",
            )


def _check_step(step: Step, names: list[str], where: str) -> None:
    place = f"{where}, step '{step.name}'"
    if names.count(step.name) > 1:
        raise UserError(
            "two steps have this name, and Maestro would drop the second",
            where=place,
            hint="rename one of them",
        )
    twin = next((n for n in names if n != step.name and folder_name(n) == folder_name(step.name)), None)
    if twin is not None:
        raise UserError(
            f"this step and '{twin}' would run in one folder, '{folder_name(twin)}'",
            where=place,
            hint="rename one of them",
        )
    if strange := set(step.name) - FOLDER_MARKS:
        raise UserError(
            f"the name has {_marks(strange)}, which cannot stand in a folder's name",
            where=place,
            hint="use letters, digits, dots, dashes and underscores",
        )
    if step.name in TAKEN_FOLDERS or step.name.startswith("."):
        raise UserError(
            "a step's folder cannot have this name: Maestro has its own files there",
            where=place,
            hint="rename the step",
        )
    taken = [mark for mark in MARKS_IN_USE if mark in f"{step.name}_"]
    if taken:
        raise UserError(
            f"a step's name cannot hold '{taken[0]}': row folders are told apart by it",
            where=place,
            hint="rename the step",
        )
    for needed in step.depends:
        target = FUNNEL.sub("", needed) if "*" in needed else needed
        if target == step.name:
            raise UserError("it depends on itself", where=place, hint="take that out of depends:")
        if target not in names:
            raise UserError(
                f"it depends on '{needed}', and there is no such step{near(target, names)}",
                where=place,
                hint=f"steps are: {', '.join(names)}",
            )


def _shell(spec: Spec) -> str:
    """Return the name of the program that reads the scripts."""
    return PurePath(str(spec.data["batch"].get("shell", "bash"))).name


def _check_mark(step: Step, shell: str, place: str) -> None:
    check_mark(step.texts, where=place)
    if shell not in SHELLS and any(VARIABLE in text for text in step.texts.values()):
        raise UserError(
            f"done_mark() is text for a shell such as bash, and a script for {shell} cannot end with it",
            where=place,
            hint="take done_mark() out, or the batch block's shell",
        )


def _check_variables_replaced(text: str, spec: Spec, place: str) -> None:
    """Maestro puts variables in one after the other, so one that uses a later one keeps its text."""
    for variable in spec.variables:
        if f"$({variable})" in text and variable != "OUTPUT_PATH":
            raise UserError(
                f"$({variable}) stays as it is: a variable that uses it comes before it",
                where=place,
                hint=f"move {variable} to the top of env: variables",
            )


def _check_shared(
    spec: Spec, uses: dict[str, frozenset[Use]], runs: dict[str, Runs], shared: Sequence[str], where: str
) -> None:
    steps = {step.name: step for step in spec.steps}
    for name in shared:
        place = f"{where}, step '{name}'"
        if name not in steps:
            raise UserError(f"shared(): there is no such step{near(name, steps)}", where=place)
        if not uses[name]:
            raise UserError(
                "it is marked as shared, but uses no parameter: it runs once a batch anyway",
                where=place,
                hint="take shared() away",
            )
        if runs[name] == "row":
            raise UserError(
                "it is marked as shared, but needs a row of its own: it uses $(ROW_ID), or a step that runs "
                "once a row",
                where=place,
                hint="take shared() away, or that use",
            )


def check_lengths(spec: Spec, label: int, *, where: str) -> None:
    """Refuse a step whose name and the longest label (bytes) are too long for a file's name together."""
    for step in spec.steps:
        if len(step.name) + label > LONGEST_NAME:
            raise UserError(
                f"the name and the longest row label have {len(step.name) + label} characters together",
                where=f"{where}, step '{step.name}'",
                hint=f"file names hold both, {LONGEST_NAME} at most: shorten the step's name or the row ids",
            )


def _marks(strange: set[str]) -> str:
    return ", ".join(repr(mark) for mark in sorted(strange))
