"""A campaign some rows of which have no results, or none that make sense, and what its files say, naively."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genstudy.databases.url import parse_url
from genstudy.results.query import open_results
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.specs.results import ResultsSettings
from tests.maestro.conftest import write_table

HOSTILE = ("'); DROP TABLE results; --", "<script>alert(1)</script>", "plain", '"; x', "50% of :it")
SCRIPT = """#!/bin/sh
# What a row writes goes by the last digits of its number.
case $1 in
  *07) exit 0 ;;
  *13) printf '{"energy": %s.5, "dr' "$1" > out.json ;;
  *21) printf '{"energy": "high", "drag": %s, "name": "n%s"}' "$1" "$1" > out.json ;;
  *34) printf '{"drag": null, "energy": %s.5, "name": "n%s"}' "$1" "$1" > out.json ;;
  *55) printf '{"energy": NaN, "drag": 1e999, "name": 5}' > out.json ;;
  *66) echo broken >&2; exit 1 ;;
  *) name=$(printf %s "$2" | sed 's/"/\\\\"/g')
     printf '{"energy": %s.5, "drag": %s, "name": "%s"}' "$1" "$1" "$name" > out.json ;;
esac
"""
SOURCES: list[dict[str, Any]] = [
    {"json": "out.json", "columns": {"energy": None, "drag": None, "label": {"key": "name", "type": "text"}}}
]
RESULTS = ("energy", "drag", "label")


def make_lab(
    place: Path,
    *,
    rows: int = 40,
    batch_size: int = 10,
    results: dict[str, Any] | None = None,
    inline: bool = False,
    template: str | Path = "command",
    name: str = "lab",
) -> Path:
    """Make a campaign. results: as under `results:`; None: SOURCES into the campaign's own database."""
    place.mkdir(exist_ok=True)
    notes = ["plain"] if inline else HOSTILE
    cells = [[str(n), repr(1 + n / 7), notes[n % len(notes)], str(n % 3)] for n in range(rows)]
    table = write_table(place / "numbers.csv", ["number", "width", "note", "group"], cells)
    script = place / "step.sh"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    form = "$(NUMBER) $(NOTE)" if inline else "$(NUMBER.quoted) $(NOTE.quoted)"
    options = Options(
        template=template,
        batch_size=batch_size,
        variables={"command": f"{script} {form} #"},
        inline=inline,
        name=name,
        results=ResultsSettings.model_validate({"sources": SOURCES} if results is None else results),
    )
    return make_specs(table, place / name, options).folder


def naive(runs: Path) -> dict[str, tuple[Any, ...]]:
    """Return {row id: energy, drag, label} of kept workspaces, one file after the other.

    Of rows that ran more than once it is the last study that counts.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for workspace in sorted(runs.glob("*/*/row_*")):
        file = workspace / "out.json"
        values: Any = {}
        if file.exists():
            try:
                values = json.loads(file.read_text())
            except ValueError:
                values = {}
        energy, drag, label = (values.get(key) for key in ("energy", "drag", "name"))
        found[workspace.name.removeprefix("row_")] = (
            number(energy),
            number(drag),
            label if isinstance(label, str) else None,
        )
    return found


def number(value: Any) -> float | None:
    """Return a finite number as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def collected(
    campaign: Path, *, db: str | None = None, table: str | None = None
) -> dict[str, tuple[Any, ...]]:
    """Return {row id: its results} of the view."""
    with open_results(campaign, db=db, table=table) as results, results.engine.connect() as connection:
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("row_id", *RESULTS)]
        query = sa.select(*columns).select_from(sa.table(results.view))
        rows = connection.execute(query.where(sa.column("campaign") == results.campaign)).all()
    found = {row[0]: tuple(row[1:]) for row in rows}
    assert len(found) == len(rows)
    return found


def attempts(campaign: Path, *, db: str | None = None, table: str | None = None) -> list[tuple[Any, ...]]:
    """Return all attempts, as they are in the table, times as text, ordered by row and attempt."""
    with open_results(campaign, db=db, table=table) as results, results.engine.connect() as connection:
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in results.columns]
        query = sa.select(*columns).select_from(sa.table(results.attempts))
        query = query.where(sa.column("campaign") == results.campaign)
        rows = connection.execute(query.order_by(sa.column("row_number"), sa.column("attempt"))).all()
        times = {place for place, kind in enumerate(results.columns.values()) if kind == "time"}
    return [
        tuple(str(value) if at in times and value is not None else value for at, value in enumerate(row))
        for row in rows
    ]


def table_rows(campaign: Path) -> dict[str, list[str]]:
    """Return {row id: cells} of the campaign's table, whose rows are numbered."""
    with (campaign / "table.csv").open(newline="") as stream:
        return {str(place): cells for place, cells in enumerate(list(csv.reader(stream))[1:])}


def copy_of(campaign: Path, target: Path, *without: str) -> Path:
    """Copy a campaign of that nobody runs, without its results and without these records of the ledger."""
    shutil.copytree(campaign, target, symlinks=True)
    (target / "results.db").unlink(missing_ok=True)
    for file in (target / "ledger").glob("record*"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if json.loads(line)["event"] not in without))
    return target


def execute(url: str, *statements: str) -> None:
    """Run statements in a database of the tests' own."""
    engine = sa.create_engine(parse_url(url).url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
