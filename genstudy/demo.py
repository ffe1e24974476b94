"""The main job, whole and at small size: a table, batch specs, and the campaign run by Maestro here."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.places import RUNS
from genstudy.campaign.run import run_campaign
from genstudy.errors import RunError
from genstudy.files import whole_folder
from genstudy.parameters.grammar import parse_parameter
from genstudy.specs.make import Campaign, make_specs
from genstudy.specs.options import Options
from genstudy.specs.writer import TABLE_NAME
from genstudy.tables.make import make_table

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMETERS = ("width=uniform(1, 2)", "height=int(1, 10)", "material=choice(steel, brass)")
ROWS = 12
BATCH_SIZE = 4
SEED = 1
DIGITS = 3
STEP = "echo-params"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRun:
    """A row that ran: its id, its batch, its workspace and what its step printed there."""

    row_id: str
    batch: str
    workspace: Path
    printed: tuple[str, ...]


def run_demo(folder: str | Path, tell: Callable[[str], None]) -> list[RowRun]:
    """Make a table of 12 rows, specs for 3 batches, run them all with Maestro, and return every row's run.

    folder: where all of it goes; it must not exist. tell: gets a line for each thing done.
    Raises RunError where a row failed, or did not print the values that the table has for it.
    """
    folder = Path(folder)
    with whole_folder(folder):
        pass
    table = folder / "params.csv"
    record = make_table(
        [parse_parameter(text) for text in PARAMETERS],
        output=table,
        rows=ROWS,
        design="lhs",
        seed=SEED,
        digits=DIGITS,
    )
    tell(f"table    {table}: {record.rows} rows of {', '.join(record.columns)}")
    campaign = make_specs(table, folder / "specs", Options(batch_size=BATCH_SIZE, name="demo"))
    tell(f"specs    {campaign.folder}: {len(campaign.manifest.batches)} batches, template echo")
    tell(f"run      genstudy run {campaign.folder} --save keep")
    report = run_campaign(campaign.folder, {"save": "keep"}, tell=lambda line: tell(f"         {line}"))
    if report.rows.done != record.rows:
        raise RunError(
            f"{report.rows.failed} of {record.rows} rows failed\n"
            f"  genstudy status {campaign.folder} --failed shows why"
        )
    return _rows_run(campaign)


def _rows_run(campaign: Campaign) -> list[RowRun]:
    with (campaign.folder / TABLE_NAME).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    runs = []
    for batch in campaign.manifest.batches:
        name = batch.spec.removesuffix(".yaml")
        for row in range(batch.start, batch.start + batch.nrows):
            workspace = campaign.folder / RUNS / f"{name}.1" / STEP / f"row_{row}"
            printed = tuple(line for out in workspace.glob("*.out") for line in out.read_text().splitlines())
            expected = tuple(f"{column.upper()}: {value}" for column, value in rows[row].items())
            if printed != expected:
                raise RunError(f"row {row} printed {printed}, and the table has {expected}: see {workspace}")
            runs.append(RowRun(row_id=str(row), batch=batch.id, workspace=workspace, printed=printed))
    return runs
