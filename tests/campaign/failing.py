"""Campaigns with rows that fail: run by real Maestro, or recorded as if."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Failure, Started
from genstudy.ledger.state import CampaignState
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import Manifest, read_manifest
from genstudy.specs.options import Options
from tests.ledger.owners import NEVER, no_news
from tests.maestro.conftest import write_table

COLUMNS = ["number", "text"]
TEXTS = ["x, y", 'say "é"', "it's $(A)", " plain ", "#"]
STEP = """\
#!/bin/sh
printf '%s\\0' "$@" > values.bin
! grep -qx -- "$1" {bad}
"""


def rows_of_numbers(count: int) -> list[list[str]]:
    """Return rows: a number, and a text that is hard on CSV and shells."""
    return [[str(row), TEXTS[row % len(TEXTS)]] for row in range(count)]


def failing_campaign(
    folder: Path,
    bad: Sequence[int] = (),
    *,
    rows: int = 9,
    batch_size: int = 3,
    template: str = "command",
    **options: Any,
) -> Path:
    """Make the campaign `c` of rows that fail if their number stands in the file `bad`."""
    table = folder / "t.csv"
    if not table.exists():
        write_table(table, COLUMNS, rows_of_numbers(rows))
    script = folder / "step.sh"
    script.write_text(STEP.format(bad=folder / "bad"))
    script.chmod(0o755)
    fail(folder, bad)
    if "variables" not in options and template == "command":
        options["variables"] = {"command": f"{script} $(NUMBER.quoted) $(TEXT.quoted) #"}
    return make_specs(
        table, folder / "c", Options(template=template, batch_size=batch_size, name="c", **options)
    ).folder


def fail(folder: Path, bad: Sequence[int]) -> None:
    """Have these rows fail from now on, and no others."""
    (folder / "bad").write_text("".join(f"{number}\n" for number in bad))


def state_of(campaign: Path) -> CampaignState:
    """Return what the ledger tells."""
    return CampaignState(read_manifest(campaign), Ledger(campaign).records())


def pretend(campaign: Path, bad: Collection[int], batches: Collection[str] | None = None) -> None:
    """Record that pending batches ran, and which of their rows failed. batches: only these."""
    manifest = read_manifest(campaign)
    with Ledger(campaign, beat=NEVER).own({}, no_news) as owner:
        for batch in state_of(campaign).batches.values():
            if batch.ended or (batches is not None and batch.entry.id not in batches):
                continue
            study = f"{batch.entry.spec.removesuffix('.yaml')}.{len(batch.studies) + 1}"
            owner.add(
                Started(
                    t=time.time(), batch=batch.entry.id, study=study, rows=str(batch.pending), whole=False
                )
            )
            failed = batch.pending & Rows.of(bad)
            owner.add(
                Ended(
                    t=time.time(),
                    batch=batch.entry.id,
                    study=study,
                    how="ended",
                    code=0,
                    done=str(batch.pending - failed),
                    failed=(Failure(step=manifest.steps[0].name, state="FAILED", rows=str(failed)),)
                    if failed
                    else (),
                    seconds=1.0,
                )
            )


def last_failed(campaign: Path) -> set[int]:
    """Return the rows whose last try failed, worked out row by row."""
    found: dict[int, bool] = {}
    for batch in state_of(campaign).batches.values():
        for row in batch.rows:
            found[row] = row in batch.failed
    return {row for row, failed in found.items() if failed}


def manifest_of(campaign: Path) -> Manifest:
    """Return the manifest."""
    return read_manifest(campaign)
