"""The pgen loading the last batch of a long table, against the first: rows before a batch cost nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, median, program, seconds, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from timing import Bench, Run

ROWS, BATCH_SIZE, COLUMNS = 10_000_000, 1000, 10
MOST = 1.2
ROUNDS = 15
BYTES_A_ROW, LONGEST_ROW = 50, 60
"""On disk: the mean at most, and one row's."""


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the times of the generator's call, each in a process of its own that loads the spec first."""
    rows = bench.size(ROWS)
    bench.need(disk=2 * rows * BYTES_A_ROW)
    table, campaign = bench.folder / "table.csv", bench.folder / "specs"
    made = genstudy("csv", "--params", str(COLUMNS), "-n", str(rows), "-i", "row", "-o", table)
    Command(argv=made, folder=bench.folder).run()
    cut = genstudy("specs", table, "--reference", "-b", str(BATCH_SIZE), "-o", campaign)
    Command(argv=cut, folder=bench.folder).run()
    specs = sorted(campaign.glob("*.yaml"))
    commands = [_load(spec, campaign, bench) for spec in (specs[-1], specs[0])]
    found = take_turns(commands, bench.rounds(ROUNDS))
    _check_rows(found[-1], table, rows)
    yield Result(
        what=f"pgen, the last {BATCH_SIZE:,} of {rows:,} rows against the first",
        detail=f"{seconds(median(found, _last))} against {seconds(median(found, _first))}",
        figures=[_last(runs) / _first(runs) for runs in found],
        limit=MOST,
    )


def _load(spec: Path, campaign: Path, bench: Bench) -> Command:
    return Command(argv=program("load_pgen.py", spec, campaign / "pgen.py"), folder=bench.folder)


def _last(runs: Sequence[Run]) -> float:
    return float(json.loads(runs[0].output)["seconds"])


def _first(runs: Sequence[Run]) -> float:
    return float(json.loads(runs[1].output)["seconds"])


def _check_rows(runs: Sequence[Run], table: Path, rows: int) -> None:
    """Compare what the generators hold at both ends with the table's lines."""
    last, first = (json.loads(run.output) for run in runs)
    with table.open("rb") as stream:
        stream.readline()
        top = stream.readline().decode().rstrip().split(",")
        stream.seek(-LONGEST_ROW, 2)
        bottom = stream.read().decode().splitlines()[-1].split(",")
    check(first["first"] == [*top[1:], "0"], "the first row is not the table's first")
    check(last["last"] == [*bottom[1:], str(rows - 1)], "the last row is not the table's last")
    check(first["rows"] == last["rows"] == BATCH_SIZE, "a batch has not all its rows")
