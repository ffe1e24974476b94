"""Collect a campaign's results again and again, in turns with a bare loop that loads the same JSON files.

python collect_runs.py CAMPAIGN ROUNDS sqlite|postgresql

Into the campaign's results.db, or into a PostgreSQL server that it starts. Prints JSON: the seconds of each
round of both, and how many rows the table has and the sum of a column; null where there is no PostgreSQL.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.places import RESULTS_FILE
from genstudy.results.collect import collect_results
from genstudy.results.query import open_results

if TYPE_CHECKING:
    from collections.abc import Iterator


def bare(files: list[str]) -> float:
    """Load all files, and return the seconds that it took."""
    began = time.perf_counter()
    for file in files:
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - what is compared with is bare
            json.load(stream)
    return time.perf_counter() - began


def collected(folder: Path, url: str | None, table: str | None) -> float:
    """Collect into a new table, and return the seconds that it took."""
    if url is None:
        with suppress(FileNotFoundError):
            (folder / RESULTS_FILE).unlink()
    os.sync()
    began = time.perf_counter()
    report = collect_results(folder, into=url, table=table)
    seconds = time.perf_counter() - began
    if report.faulty or report.problems:
        raise SystemExit(f"{report}")
    return seconds


@contextmanager
def server() -> Iterator[str | None]:
    """Give the URL of an empty database on a server of its own; None where PostgreSQL is not installed."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.databases.postgres import PostgresServer, find_program

    initdb, pg_ctl = find_program("initdb"), find_program("pg_ctl")
    if initdb is None or pg_ctl is None:
        yield None
        return
    running = PostgresServer(initdb, pg_ctl)
    try:
        yield running.url
    finally:
        running.close()


def measure(folder: Path, rounds: int, url: str | None) -> dict[str, object]:
    """Measure, and return what was found. A first round is not counted."""
    files = [str(path) for path in folder.glob("runs/*/*/row_*/out.json")]
    tables = [f"round{number}" if url is not None else None for number in range(rounds + 1)]
    found = [(bare(files), collected(folder, url, table)) for table in tables]
    with open_results(folder, db=url, table=tables[-1]) as results, results.engine.connect() as connection:
        query = f"SELECT count(*), sum(k3) FROM {results.view}"
        count, total = connection.exec_driver_sql(query).one()
    return {"rounds": found[1:], "rows": count, "sum": total}


def main() -> None:
    """Measure, and print what was found."""
    folder, rounds, system = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if system == "sqlite":
        found: dict[str, object] | None = measure(folder, rounds, None)
    else:
        with server() as url:
            found = measure(folder, rounds, url) if url is not None else None
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
