"""`genstudy status` of a large campaign, as a whole process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, megabytes, program, seconds, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timing import Bench

BATCHES, BATCH_SIZE, COLUMNS = 10_000, 100, 3
LONGEST = 2.0
ROUNDS = 5
DISK = 10**9


def measure(bench: Bench) -> Iterator[Result]:
    """Time the command as text, as JSON, and with the failed rows."""
    bench.need(disk=DISK)
    batches = bench.size(BATCHES)
    table, folder = bench.folder / "table.csv", bench.folder / "campaign"
    rows = batches * BATCH_SIZE
    for argv in (
        genstudy("csv", "--params", str(COLUMNS), "-n", str(rows), "-o", table),
        genstudy("specs", table, "-b", str(BATCH_SIZE), "-o", folder),
        program("write_ledger.py", folder),
    ):
        Command(argv=argv, folder=bench.folder).run()
    options = ((), ("--json",), ("--failed", "--limit", "5"))
    commands = [Command(argv=genstudy("status", folder, *words), folder=bench.folder) for words in options]
    found = take_turns(commands, bench.rounds(ROUNDS))
    status = json.loads(found[0][1].output)
    done = status["batches"]["done"] + status["batches"]["failed"]
    check(status["rows"]["total"] == rows, f"the status has {status['rows']['total']} rows")
    check(done == batches - batches // 10, f"{done} batches ended")
    for words, runs in zip(options, zip(*found, strict=True), strict=True):
        yield Result(
            what=f"status {' '.join(words)}".strip() + f", {rows:,} rows in {batches:,} batches",
            detail=f"{seconds(runs[0].cpu)} of CPU and {megabytes(runs[0].peak)} in the first round",
            figures=[run.wall for run in runs],
            limit=LONGEST,
            unit="s",
        )
