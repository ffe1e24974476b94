"""`genstudy plot` of a large table: its time, and its peak memory for ten times the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timing import Command, Result, genstudy, megabytes, seconds, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timing import Bench

ROWS, COLUMNS = 1_000_000, 10
LONGEST, MOST = 10.0, 1.2
BYTES_A_ROW = 200


def measure(bench: Bench) -> Iterator[Result]:
    """Draw both tables once, and compare."""
    rows = bench.size(ROWS)
    bench.need(disk=2 * rows * BYTES_A_ROW)
    columns = [f"p{number}=uniform(0, 1)" for number in range(COLUMNS)]
    commands = []
    for size in (rows, rows // 10):
        table, picture = bench.folder / f"t{size}.csv", bench.folder / f"t{size}.png"
        argv = genstudy("csv", *columns, "-n", str(size), "-o", table)
        Command(argv=argv, folder=bench.folder, makes=[table]).run()
        argv = genstudy("plot", table, "-o", picture)
        commands.append(Command(argv=argv, folder=bench.folder, makes=[picture]))
    ((large, small),) = take_turns(commands, 1)
    what = f"plot, {rows:,} rows of {COLUMNS} columns"
    yield Result(
        what=what, detail=f"{seconds(large.cpu)} of CPU", figures=[large.wall], limit=LONGEST, unit="s"
    )
    yield Result(
        what=f"{what}, peak memory against {rows // 10:,} rows",
        detail=f"{megabytes(large.peak)} against {megabytes(small.peak)}",
        figures=[large.peak / small.peak],
        limit=MOST,
    )
