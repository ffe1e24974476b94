"""Peak memory of `genstudy specs --query` for ten times the rows."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from timing import Command, Failed, Result, genstudy, megabytes, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timing import Bench

ROWS = 1_000_000
BATCHES = 10
MOST = 1.3
SERIES = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {rows})"
QUERY = "SELECT n, width, name FROM rows WHERE n <= {rows}"
BYTES_A_ROW = 200


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the peak memory of a million rows out of SQLite with that of a tenth of them."""
    rows = ROWS // (10 if bench.quick else 1)
    bench.need(disk=rows * BYTES_A_ROW)
    database = bench.folder / "rows.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        series = SERIES.format(rows=rows)
        connection.execute(
            f"CREATE TABLE rows AS {series} SELECT n, n * 0.5 AS width, 'm' || n AS name FROM series"
        )
    commands = [_specs(bench, count) for count in (rows, rows // 10)]
    (runs,) = take_turns(commands, 1)
    for command, count in zip(commands, (rows, rows // 10), strict=True):
        with (command.makes[0] / "table.csv").open("rb") as table:
            if sum(1 for _ in table) != count + 1:
                raise Failed(f"{command.makes[0]} has not {count} rows")
        shutil.rmtree(command.makes[0])
    yield Result(
        what=f"specs --query, peak memory, {rows:,} rows against {rows // 10:,}",
        detail=f"{megabytes(runs[0].peak)} against {megabytes(runs[1].peak)}",
        figures=[runs[0].peak / runs[1].peak],
        limit=MOST,
    )


def _specs(bench: Bench, rows: int) -> Command:
    output = bench.folder / f"specs{rows}"
    query = ["--query", QUERY.format(rows=rows), "--db", f"sqlite:///{bench.folder / 'rows.db'}"]
    return Command(
        argv=genstudy("specs", *query, "--batches", str(BATCHES), "-o", output),
        folder=bench.folder,
        makes=[output],
    )
