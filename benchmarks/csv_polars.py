"""`genstudy csv`, its start-up taken off, against polars writing the same table from memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, median, program, seconds, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from timing import Bench, Run

COLUMNS = 10
CASES = ((1_000_000, 7), (10_000_000, 3))
"""Rows and rounds."""
MOST = 2.5
BYTES_A_ROW, MEMORY_A_ROW = 32, 300
BLOCK = 1 << 20


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the wall time of making and writing with that of writing alone."""
    for full_rows, rounds in CASES:
        rows = bench.size(full_rows)
        bench.need(disk=3 * rows * BYTES_A_ROW, memory=rows * MEMORY_A_ROW)
        table, copy = bench.folder / "table.csv", bench.folder / "copy.csv"
        commands = [
            _csv(table, rows),
            _csv(bench.folder / "one.csv", 1),
            Command(argv=program("polars_write.py", table, copy), folder=bench.folder, makes=[copy]),
        ]
        found = take_turns(commands, bench.rounds(rounds))
        check(_same(table, copy), "polars wrote other bytes than genstudy")
        yield Result(
            what=f"csv, {rows:,} rows x {COLUMNS} integers, start-up taken off, against polars writing them",
            detail=f"{seconds(median(found, _ours))} against {seconds(median(found, _theirs))}",
            figures=[_ours(runs) / _theirs(runs) for runs in found],
            limit=MOST,
        )


def _csv(table: Path, rows: int) -> Command:
    return Command(
        argv=genstudy("csv", "--params", str(COLUMNS), "-n", str(rows), "-o", table),
        folder=table.parent,
        makes=[table, table.with_suffix(".json")],
    )


def _ours(runs: Sequence[Run]) -> float:
    return runs[0].wall - runs[1].wall


def _theirs(runs: Sequence[Run]) -> float:
    return float(json.loads(runs[2].output)["seconds"])


def _same(table: Path, copy: Path) -> bool:
    with table.open("rb") as one, copy.open("rb") as other:
        while True:
            block = one.read(BLOCK)
            if block != other.read(BLOCK):
                return False
            if not block:
                return True
