"""The pgen loading one batch, against one that reads the whole table first and then takes its rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from timing import PROGRAMS, Command, Result, check, genstudy, median, program, seconds, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from timing import Bench, Run

ROWS, BATCH_SIZE, COLUMNS = 1_000_000, 1000, 10
LEAST = 100
ROUNDS = 5
DISK = 10**9
MEMORY = 2 * 10**9


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the times of the generator's call for a batch in the middle of the table."""
    bench.need(disk=DISK, memory=MEMORY)
    rows = bench.size(ROWS)
    start = rows // 2
    table, campaign = bench.folder / "table.csv", bench.folder / "specs"
    made = genstudy("csv", "--params", str(COLUMNS), "-n", str(rows), "-i", "row", "-o", table)
    Command(argv=made, folder=bench.folder).run()
    cut = genstudy("specs", table, "-b", str(BATCH_SIZE), "-o", campaign)
    Command(argv=cut, folder=bench.folder).run()
    spec = sorted(campaign.glob("*.yaml"))[start // BATCH_SIZE]
    pargs = [f"CSV:{table}", f"START:{start}", f"NROWS:{BATCH_SIZE}", "INDEX:row"]
    commands = [
        Command(argv=program("load_pgen.py", spec, PROGRAMS / "howto_pgen.py", *pargs), folder=bench.folder),
        Command(argv=program("load_pgen.py", spec, campaign / "pgen.py"), folder=bench.folder),
    ]
    found = take_turns(commands, bench.rounds(ROUNDS))
    _check_rows(found[-1])
    yield Result(
        what=f"pgen, {BATCH_SIZE:,} of {rows:,} rows x {COLUMNS}, times faster than reading them all",
        detail=f"{seconds(median(found, _theirs))} against {seconds(median(found, _ours))}",
        figures=[_theirs(runs) / _ours(runs) for runs in found],
        limit=LEAST,
        least=True,
    )


def _theirs(runs: Sequence[Run]) -> float:
    return float(json.loads(runs[0].output)["seconds"])


def _ours(runs: Sequence[Run]) -> float:
    return float(json.loads(runs[1].output)["seconds"])


def _check_rows(runs: Sequence[Run]) -> None:
    """Check that both generators hold the same rows; ours has the row id besides."""
    theirs, ours = (json.loads(run.output) for run in runs)
    check(theirs["rows"] == ours["rows"] == BATCH_SIZE, "a batch has not all its rows")
    for place in ("first", "last"):
        check(theirs[place] == ours[place][:-1], f"the {place} rows differ")
