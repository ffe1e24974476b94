"""`genstudy why` of a large campaign, as a whole process: what it takes must grow with the rows at most."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, megabytes, program, take_turns, wall_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from timing import Bench

ROWS, LARGER, COLUMNS, BATCH_SIZE = 100_000, 10, 20, 100
LAWS = ("uniform(0, 1)", "normal(0, 1)", "uniform(1, 2)", "int(1, 9)", "choice(steel, brass, lead)")
MEMORY, TIME = 1.5, 10.0
ROUNDS = 3
DISK = 10**9


def measure(bench: Bench) -> Iterator[Result]:
    """Compare peak memory and wall time of ten times the rows with those of the rows."""
    bench.need(disk=DISK)
    rows = bench.size(ROWS)
    folders = [_campaign(bench, f"rows{count}", count) for count in (LARGER * rows, rows)]
    commands = [Command(argv=genstudy("why", folder, "--json"), folder=bench.folder) for folder in folders]
    rounds = take_turns(commands, bench.rounds(ROUNDS))
    for run, count in zip(rounds[0], (LARGER * rows, rows), strict=True):
        found = json.loads(run.output)["causes"]
        ended = found["done"] + found["failed"]
        check(ended == count - count // 10, f"{ended} of {count} rows ended")
        check(len(found["parameters"]) == COLUMNS, f"{len(found['parameters'])} parameters were tested")
    what = f"why, {LARGER * rows:,} against {rows:,} rows of {COLUMNS} parameters"
    peaks = [megabytes(max(runs[place].peak for runs in rounds)) for place in (0, 1)]
    yield Result(
        what=f"{what}: peak memory",
        detail=f"{peaks[0]} against {peaks[1]}",
        figures=[runs[0].peak / runs[1].peak for runs in rounds],
        limit=MEMORY,
    )
    yield Result(
        what=f"{what}: time",
        detail=wall_times(rounds),
        figures=[runs[0].wall / runs[1].wall for runs in rounds],
        limit=TIME,
    )


def _campaign(bench: Bench, name: str, rows: int) -> Path:
    """Make a campaign whose ledger tells what became of all but a tenth of its rows."""
    table, folder = bench.folder / f"{name}.csv", bench.folder / name
    words = [f"p{place}={LAWS[place % len(LAWS)]}" for place in range(COLUMNS)]
    for argv in (
        genstudy("csv", *words, "-n", str(rows), "--seed", "1", "-o", table),
        genstudy("specs", table, "-b", str(BATCH_SIZE), "-o", folder),
        program("write_ledger.py", folder),
    ):
        Command(argv=argv, folder=bench.folder).run()
    return folder
