"""`genstudy report` of a large campaign with results, as a whole process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, megabytes, program, seconds, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from timing import Bench

ROWS, SMALLER, COLUMNS, BATCH_SIZE = 100_000, 10, 20, 1000
LONGEST, LARGEST, MEMORY = 20.0, 5.0, 2.0
ROUNDS = 3
DISK = 10**9


def measure(bench: Bench) -> Iterator[Result]:
    """Time the command, look at the size of the page, and compare peak memory with that of fewer rows."""
    bench.need(disk=DISK)
    rows = max(bench.size(ROWS), SMALLER * BATCH_SIZE)
    folders = [_campaign(bench, f"rows{count}", count) for count in (rows, rows // SMALLER)]
    pages = [folder.with_suffix(".html") for folder in folders]
    commands = [
        Command(argv=genstudy("report", folder, "-o", page), folder=bench.folder, makes=[page])
        for folder, page in zip(folders, pages, strict=True)
    ]
    rounds = take_turns(commands, bench.rounds(ROUNDS))
    page = pages[0].read_text(encoding="utf-8")
    check("The strongest pairs" in page, "the page tells of no results")
    what = f"report of {rows:,} rows of {COLUMNS} parameters and 3 results"
    yield Result(
        what=what,
        detail=f"{seconds(rounds[0][0].cpu)} of CPU in the first round",
        figures=[runs[0].wall for runs in rounds],
        limit=LONGEST,
        unit="s",
    )
    size = pages[0].stat().st_size / 1e6
    yield Result(what=f"{what}: the page", detail="its size", figures=[size], limit=LARGEST, unit="MB")
    peaks = [megabytes(max(runs[place].peak for runs in rounds)) for place in (0, 1)]
    yield Result(
        what=f"{what}: peak memory, against {rows // SMALLER:,} rows",
        detail=f"{peaks[0]} against {peaks[1]}",
        figures=[runs[0].peak / runs[1].peak for runs in rounds],
        limit=MEMORY,
    )


def _campaign(bench: Bench, name: str, rows: int) -> Path:
    """Make a campaign of which all but the last tenth ran, and results were collected."""
    table, folder = bench.folder / f"{name}.csv", bench.folder / name
    for argv in (
        genstudy("csv", "--params", str(COLUMNS), "-n", str(rows), "--seed", "1", "-o", table),
        genstudy("specs", table, "-b", str(BATCH_SIZE), "-o", folder),
        program("write_ledger.py", folder),
        program("write_results.py", folder),
    ):
        Command(argv=argv, folder=bench.folder).run()
    return folder
