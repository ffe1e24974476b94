"""`genstudy specs` for many batches: its time, and that it grows with them and no faster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, seconds, take_turns, wall_ratios, wall_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from timing import Bench

BATCHES, BATCH_SIZE, COLUMNS = 10_000, 100, 10
LONGEST = 15.0
STEEPEST = 11
ROUNDS = 3
DISK = 10**9


def measure(bench: Bench) -> Iterator[Result]:
    """Time many batches, and a tenth of them."""
    bench.need(disk=DISK)
    batches = bench.size(BATCHES)
    found = take_turns([_specs(bench, batches), _specs(bench, batches // 10)], bench.rounds(ROUNDS))
    for count in (batches, batches // 10):
        _check_campaign(_folder(bench, count), count)
    rows = f"{batches * BATCH_SIZE:,} rows x {COLUMNS} in {batches:,} batches"
    yield Result(
        what=f"specs, {rows}",
        detail=f"{seconds(found[0][0].cpu)} of CPU in the first round",
        figures=[runs[0].wall for runs in found],
        limit=LONGEST,
        unit="s",
    )
    yield Result(
        what=f"specs, {rows}, against a tenth of that",
        detail=wall_times(found),
        figures=wall_ratios(found),
        limit=STEEPEST,
    )


def _folder(bench: Bench, batches: int) -> Path:
    return bench.folder / f"specs{batches}"


def _specs(bench: Bench, batches: int) -> Command:
    """Make a table, and return the command that makes its campaign."""
    table = bench.folder / f"table{batches}.csv"
    rows = str(batches * BATCH_SIZE)
    csv = genstudy("csv", "--params", str(COLUMNS), "-n", rows, "-i", "row", "-o", table)
    Command(argv=csv, folder=bench.folder).run()
    folder = _folder(bench, batches)
    return Command(
        argv=genstudy("specs", table, "-b", str(BATCH_SIZE), "-o", folder),
        folder=bench.folder,
        makes=[folder],
    )


def _check_campaign(folder: Path, batches: int) -> None:
    specs = sum(1 for path in folder.iterdir() if path.suffix == ".yaml")
    check(specs == batches, f"{specs} specs for {batches} batches")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    rows = sum(batch["nrows"] for batch in manifest["batches"])
    check(rows == batches * BATCH_SIZE, f"the manifest's batches have {rows} rows")
