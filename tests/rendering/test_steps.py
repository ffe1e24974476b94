"""How often steps run, and which of them come before the rows."""

from __future__ import annotations

import pytest

from genstudy.rendering.steps import StepPlan
from tests.rendering.support import checked, spec


def step(name: str, cmd: str = "ls", *depends: str) -> str:
    text = f"  - name: {name}\n    description: nothing\n    run:\n      cmd: {cmd}\n"
    return text + (f"      depends: [{', '.join(depends)}]\n" if depends else "")


def before_rows(*steps: str, shared: list[str] | None = None) -> list[str]:
    """Return the steps that a row waits for, of a study whose step `one` runs once a row."""
    plans = checked(spec("echo $(WIDTH)", more="".join(steps)), shared=shared or []).steps
    return [plan.name for plan in plans if plan.before_rows]


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        ([], []),
        ([step("last", "ls", "one")], ["one"]),
        ([step("last", "ls", "one_*")], []),
        ([step("alone")], []),
        ([step("first"), step("row", "$(HEIGHT)", "first")], ["first"]),
        (
            [step("a"), step("b", "ls", "a"), step("c", "ls", "b"), step("row", "$(HEIGHT)", "c")],
            ["a", "b", "c"],
        ),
        ([step("gather", "ls", "one_*"), step("row", "$(HEIGHT)", "gather")], ["one", "gather"]),
        ([step("row", "$(HEIGHT)", "one_*")], ["one"]),
        ([step("gather", "ls", "one_*"), step("end", "ls", "gather")], []),
    ],
)
def test_steps_that_rows_wait_for(steps: list[str], names: list[str]) -> None:
    assert before_rows(*steps) == names


def test_a_shared_step_before_the_rows() -> None:
    steps = [step("mesh", "$(HEIGHT)"), step("row", "$(WIDTH) $(mesh.workspace)", "mesh")]
    assert before_rows(*steps, shared=["mesh"]) == ["mesh"]
    assert before_rows(step("mesh", "$(HEIGHT)"), step("end", "ls", "mesh"), shared=["mesh"]) == []


def test_a_workspace_that_is_used_is_not_waited_for() -> None:
    # Maestro sorts the steps so that `seen` comes first, and begins the row without waiting for its end.
    steps = [step("row", "$(HEIGHT) $(seen.workspace)"), step("seen")]
    assert before_rows(*steps) == []
    assert before_rows(steps[1], step("row", "$(HEIGHT) $(seen.workspace)", "seen")) == ["seen"]


def test_a_plan() -> None:
    plan = checked(spec("echo $(WIDTH)", more=step("gather", "ls", "one_*"))).steps
    assert plan == [
        StepPlan(name="one", runs="row", funnel=False, mark=False, before_rows=False),
        StepPlan(name="gather", runs="batch", funnel=True, mark=False, before_rows=False),
    ]
    assert str(plan[1]) == "gather (batch)"
    assert (
        str(StepPlan(name="x", runs="row", funnel=False, mark=True, before_rows=True))
        == "x (row, done_mark())"
    )
