"""Campaigns made from small tables, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genstudy.errors import UserError
from genstudy.specs.make import Campaign, make_specs
from genstudy.specs.options import Options

ROWS = "a,b\n1,2\n3,4\n5,6\n7,8\n"


def make(table: str = ROWS, *, template: str | None = None, **options: Any) -> Campaign:
    """Write t.csv (and x.yaml) here and make the campaign `out` of it."""
    Path("t.csv").write_bytes(table.encode())
    if template is not None:
        Path("x.yaml").write_bytes(template.encode())
        options["template"] = "x.yaml"
    arguments = {key: options.pop(key) for key in ("force", "dry_run") if key in options}
    return make_specs("t.csv", "out", Options(**options), **arguments)


def refusal(call: Callable[[], object]) -> str:
    """Return the whole text with which a call refuses."""
    with pytest.raises(UserError) as caught:
        call()
    return str(caught.value)


def names(folder: str | Path = ".") -> list[str]:
    """Return the names of all that is in a folder, hidden or not."""
    return sorted(path.name for path in Path(folder).iterdir())


def template(env: str, cmd: str = "echo $(A)") -> str:
    """Return a specification with this text before its study."""
    step = f"- name: one\n  description: x\n  run: {{cmd: '{cmd}'}}\n"
    return f"description: {{name: x, description: y}}\n{env}study:\n{step}"
