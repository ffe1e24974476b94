"""How the steps of a study run: how often, after which others, and whether each leaves a mark at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genstudy.maestro.specs import FUNNEL
from genstudy.parameters.names import ROW_ID
from genstudy.rendering.marks import ends_with_mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genstudy.maestro.specs import Spec
    from genstudy.rendering.tokens import Use

Runs = Literal["row", "shared", "batch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """How a step runs.

    runs: once a `row`, once per distinct set of values (`shared`), or once a `batch`.
    funnel: it waits for all rows of another step. mark: its script ends with done_mark().
    before_rows: a step that runs once a row waits for it.
    """

    name: str
    runs: Runs
    funnel: bool
    mark: bool
    before_rows: bool

    def __str__(self) -> str:
        """Return the step as messages name it."""
        return f"{self.name} ({self.runs}{', done_mark()' if self.mark else ''})"


def plan_steps(spec: Spec, runs: Mapping[str, Runs]) -> list[StepPlan]:
    """Return how the steps run, in the specification's order."""
    before = _waited_for(spec, {name for name, often in runs.items() if often == "row"})
    return [
        StepPlan(
            name=step.name,
            runs=runs[step.name],
            funnel=bool(step.funnels),
            mark=ends_with_mark(step.texts.get("cmd", "")),
            before_rows=step.name in before,
        )
        for step in spec.steps
    ]


def _waited_for(spec: Spec, steps: set[str]) -> set[str]:
    """Return the steps that one of these waits for, directly or through others.

    Maestro waits for what stands in `depends` alone: a step whose workspace is used may still be running.
    """
    needs = {
        step.name: {FUNNEL.sub("", name) if "*" in name else name for name in step.depends}
        for step in spec.steps
    }
    found: set[str] = set()
    pending = set(steps)
    while pending:
        new = needs[pending.pop()] - found
        found |= new
        pending |= new
    return found


def how_often(spec: Spec, uses: Mapping[str, frozenset[Use]], shared: Sequence[str]) -> dict[str, Runs]:
    """Return how often each step runs, by its own uses and by those of the steps it follows."""
    per_row = {s.name for s in spec.steps if uses[s.name] and _needs_row(uses[s.name], s.name in shared)}
    some = {s.name for s in spec.steps if uses[s.name]}
    for _ in spec.steps:
        per_row |= {step.name for step in spec.steps if step.follows(per_row)}
        some |= {step.name for step in spec.steps if step.follows(some)}
    return {
        step.name: "batch" if step.name not in some else "row" if step.name in per_row else "shared"
        for step in spec.steps
    }


def _needs_row(uses: frozenset[Use], shared: bool) -> bool:
    return not shared or ROW_ID in {use.token for use in uses}
