"""Campaigns of small models, run by real Maestro, whose rows fail or give nothing if a file says so."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from genstudy.parameters.grammar import parse_parameter
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.specs.results import ResultsSettings
from genstudy.tables.make import make_table

PI = "3.141592653589793"
LAWS = tuple(f"x{place}=uniform(-{PI}, {PI})" for place in (1, 2, 3))
MODEL = """\
#!/bin/sh
# The row's number, the replicate, and three numbers; the name of a text comes last.
grep -qx -- "$1" {folder}/bad && exit 1
grep -qx -- "$1" {folder}/mute && exit 0
awk -v n="$1" -v r="$2" -v a="$3" -v b="$4" -v c="$5" 'BEGIN {{
  y = sin(a) + 7 * sin(b)^2 + 0.1 * c^4 * sin(a)
  printf "{{\\"y\\": %.17g, \\"sum\\": %.17g, ", y + r / 8, a + 2 * b
  printf "\\"flat\\": 2.5, \\"word\\": \\"w%s\\"}}", n
}}' > out.json
"""
RESULTS: list[dict[str, Any]] = [
    {"json": "out.json", "columns": {"y": None, "sum": None, "flat": None, "word": {"type": "text"}}}
]


def make_campaign(
    folder: Path,
    design: str,
    *,
    laws: tuple[str, ...] = LAWS,
    rows: int | None = None,
    batch_size: int = 10,
    replicates: int = 1,
    seed: int = 4,
    start: int = 0,
    **table: Any,
) -> Path:
    """Make the campaign `c` of a design's table; x1, x2 and x3 are what its model uses."""
    folder.mkdir(exist_ok=True)
    make_table(
        [parse_parameter(law) for law in laws],
        output=folder / "t.csv",
        design=design,
        rows=rows,
        seed=seed,
        replicates=replicates,
        **table,
    )
    script = folder / "model.sh"
    script.write_text(MODEL.format(folder=folder))
    script.chmod(0o755)
    say(folder)
    replicate = "$(REPLICATE)" if replicates > 1 else "0"
    command = f"{script} $(ROW_ID) {replicate} $(X1) $(X2) $(X3) #"
    options = Options(
        template="command",
        variables={"command": command},
        batch_size=batch_size,
        name="c",
        start=start,
        results=ResultsSettings.model_validate({"sources": RESULTS}),
    )
    return make_specs(folder / "t.csv", folder / "c", options).folder


def say(folder: Path, *, bad: tuple[int, ...] = (), mute: tuple[int, ...] = ()) -> None:
    """Say which rows fail from now on, and which end well without a result."""
    for name, rows in (("bad", bad), ("mute", mute)):
        (folder / name).write_text("".join(f"{row}\n" for row in rows))


def expected(folder: Path, block: int, *, replicates: int = 1) -> np.ndarray:
    """Return y of all rows of the table, its mean over replicates, shape (blocks, points of a block)."""
    with (folder / "t.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    a, b, c = (np.array([float(row[name]) for row in rows]) for name in ("x1", "x2", "x3"))
    more = np.array([float(row.get("replicate", 0)) for row in rows]) / 8
    y = np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a) + more
    mean: np.ndarray = y.reshape(-1, replicates).mean(axis=1).reshape(-1, block)
    return mean
