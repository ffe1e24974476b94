"""A campaign of 5,000 one-command rows in batches of 500: what running it costs besides Maestro itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, script, seconds, take_turns, wall_ratios, wall_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from timing import Bench

ROWS, BATCH_SIZE = 5000, 500
ROUNDS = 3


def _campaign(bench: Bench, rows: int, batch_size: int, name: str) -> Path:
    """Make a campaign whose rows print two values each; the same call makes it anew."""
    table, folder = bench.folder / "table.csv", bench.folder / name
    made = genstudy("csv", "a", "b", "-n", str(rows), "--seed", "1", "-o", table, "--force")
    Command(argv=made, folder=bench.folder).run()
    cut = genstudy("specs", table, "-b", str(batch_size), "-o", folder)
    Command(argv=cut, folder=bench.folder, makes=[folder]).run()
    return folder


def _run_command(folder: Path, jobs: int, save: str = "archive") -> Command:
    """Return the command that runs all batches; what an earlier run left is removed before it."""
    left = [folder / name for name in ("ledger", "runs", "archive")]
    argv = genstudy("run", folder, "--jobs", str(jobs), "--save", save)
    return Command(argv=argv, folder=folder.parent, makes=left)


def _maestro_seconds(folder: Path) -> float:
    """Return how long the Maestro processes of a campaign ran, all together."""
    records = [
        json.loads(line)
        for path in sorted((folder / "ledger").glob("records-*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return sum(float(record["seconds"]) for record in records if record["event"] == "end")


def _check_done(folder: Path, rows: int, bench: Bench) -> None:
    shown = Command(argv=genstudy("status", folder, "--json"), folder=bench.folder).run().output
    found = json.loads(shown)["rows"]
    check(found["done"] == rows == found["total"], f"{folder.name}: {found}")


def measure_overhead(bench: Bench) -> Iterator[Result]:
    """Compare a run's wall time with the sum of the times of its Maestro processes."""
    rows = bench.size(ROWS, by=10)
    folder = _campaign(bench, rows, bench.size(BATCH_SIZE, by=10), "one")
    command = _run_command(folder, 1)
    figures, walls, owns = [], [], []
    for _ in range(bench.rounds(ROUNDS)):
        walls.append(command.run().wall)
        owns.append(_maestro_seconds(folder))
        figures.append(walls[-1] / owns[-1])
        _check_done(folder, rows, bench)
    yield Result(
        what=f"genstudy run --jobs 1, {rows:,} rows, archived, against the sum of Maestro's own times",
        detail=f"{seconds(sorted(walls)[len(walls) // 2])} against {seconds(sorted(owns)[len(owns) // 2])}",
        figures=figures,
        limit=1.1,
    )


def measure_jobs(bench: Bench) -> Iterator[Result]:
    """Compare a run of two batches at a time with one stock study of all rows."""
    rows = bench.size(ROWS, by=10)
    folder = _campaign(bench, rows, bench.size(BATCH_SIZE, by=10), "two")
    whole = _campaign(bench, rows, rows, "whole")
    spec, out = next(whole.glob("*.yaml")), bench.folder / "stock"
    argv = [script("maestro"), "run", "-fg", "-y", "-s", "0", "-o", out, spec, "--pgen", whole / "pgen.py"]
    stock = Command(argv=list(map(str, argv)), folder=bench.folder, makes=[out])
    for save in ("archive", "keep"):
        found = take_turns([stock, _run_command(folder, 2, save)], bench.rounds(ROUNDS))
        _check_done(folder, rows, bench)
        finished = (out / "status.csv").read_text(encoding="utf-8").count(",FINISHED,")
        check(finished == rows, f"the stock study has {finished} finished rows")
        yield Result(
            what=f"one stock maestro run of {rows:,} rows, against genstudy run --jobs 2 --save {save}",
            detail=wall_times(found),
            figures=wall_ratios(found),
            limit=1.6,
            least=True,
        )
