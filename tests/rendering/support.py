"""A study template rendered and checked, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from genstudy.errors import UserError
from genstudy.rendering.checks import Checked, check_spec
from genstudy.rendering.context import BatchView, StudyView, TableView, parameter_views
from genstudy.rendering.engine import StudyTemplate
from genstudy.rendering.templates import find_template

NAMES = ("width", "height", "material")
ROWS = (("1.5", "10", "steel"), ("1.6", "20", "brass"), ("1.7", "30", "steel"))
STUDY = StudyView(name="beam", inline=False)
BATCH = BatchView(name="beam_0002", id="0002", number=2, count=7, start=20, nrows=10)
TABLE = TableView(rows=70, columns=("id", *NAMES), index="id")


def template(
    source: str | Path,
    *,
    names: Sequence[str] = NAMES,
    rows: Sequence[Sequence[str]] = ROWS,
    laws: Mapping[str, str] | None = None,
    **variables: Any,
) -> StudyTemplate:
    """Return a template by its name or path."""
    views = parameter_views(names, names, rows, laws or {"width": "uniform(1, 2)"})
    return StudyTemplate(find_template(source), views, variables)


def rendered(text: str, **options: Any) -> str:
    """Write a template's text to t.j2 in the working directory, and render it."""
    Path("t.j2").write_text(text, encoding="utf-8")
    return template("t.j2", **options).render(STUDY, BATCH, TABLE)


def refusal(call: Callable[[], object]) -> str:
    """Return the whole text with which a call refuses."""
    with pytest.raises(UserError) as caught:
        call()
    return str(caught.value)


def spec(cmd: str, *, variables: str = "", more: str = "", name: str = "study", step: str = "one") -> str:
    """Return a specification with one step that runs these lines."""
    lines = "".join(f"          {line}\n" for line in cmd.splitlines())
    return (
        f"description:\n  name: {name}\n  description: nothing\n"
        + (f"env:\n  variables:\n{variables}" if variables else "")
        + f"study:\n  - name: {step}\n    description: nothing\n    run:\n      cmd: |\n{lines}{more}"
    )


def checked(text: str, *, names: Sequence[str] = NAMES, shared: Sequence[str] = ()) -> Checked:
    """Check a specification against the parameters."""
    return check_spec(text, names, shared, where="spec")
