"""`genstudy csv` against a script with randint and csv.DictWriter, both as whole processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timing import Command, Result, check_table, genstudy, program, take_turns, wall_ratios, wall_times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timing import Bench

COLUMNS = 10
NAMES = [f"param{number}" for number in range(1, COLUMNS + 1)]
CASES = ((1_000_000, 12, 7), (10_000_000, 18, 1))
"""Rows, how many times faster genstudy must be, and rounds."""
BYTES_A_ROW, MEMORY_A_ROW = 32, 500
"""What both take at most: bytes of a row on disk, and in the script's list of dictionaries."""


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the wall times of both."""
    for full_rows, least, rounds in CASES:
        rows = bench.size(full_rows)
        bench.need(disk=3 * rows * BYTES_A_ROW, memory=rows * MEMORY_A_ROW)
        theirs, ours = bench.folder / "script.csv", bench.folder / "genstudy.csv"
        commands = [
            Command(
                argv=program("howto_csv.py", theirs, "-n", str(rows), "-p", *NAMES),
                folder=bench.folder,
                makes=[theirs],
            ),
            Command(
                argv=genstudy("csv", "-n", str(rows), *NAMES, "-o", ours),
                folder=bench.folder,
                makes=[ours, ours.with_suffix(".json")],
            ),
        ]
        found = take_turns(commands, bench.rounds(rounds))
        for path in (theirs, ours):
            check_table(path, rows, COLUMNS)
        yield Result(
            what=f"csv, {rows:,} rows x {COLUMNS} integers, times faster than a csv.DictWriter script",
            detail=wall_times(found),
            figures=wall_ratios(found),
            limit=least,
            least=True,
        )
