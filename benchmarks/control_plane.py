"""A whole campaign looked at without running it: 100,000 batches of 1,000 rows; 1 % of them failed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from timing import Command, Result, genstudy, megabytes, program, seconds, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from timing import Bench, Run

BATCHES, BATCH_SIZE = 100_000, 1000
LONGEST, LONGEST_RETRY, LONGEST_SPECS = 10.0, 100.0, 20.0
STEEPEST = 12
LARGEST = 1000.0
ROUNDS = 2
DISK = 4 * 10**9

MEASURED: dict[str, Callable[[Path, str], Sequence[str]]] = {
    "reading the manifest": lambda folder, _: program("manifest_call.py", "read", folder),
    "reading and writing the manifest": lambda folder, _: program("manifest_call.py", "write", folder),
    "folding the ledger": lambda folder, _: program("manifest_call.py", "fold", folder),
    "status": lambda folder, _: genstudy("status", folder),
    "status --json": lambda folder, _: genstudy("status", folder, "--json"),
    "plan": lambda folder, _: genstudy("plan", folder, "--max-files", "1000000"),
    "run --dry-run": lambda folder, _: genstudy("run", folder, "--dry-run"),
    "submit --dry-run": lambda folder, _: genstudy("submit", folder, "--scheduler", "slurm", "--dry-run"),
    # A row in an archive of 1,000 workspaces.
    "fetch --list of a row": lambda folder, row: genstudy("fetch", folder, row, "--list"),
    "retry --dry-run": lambda folder, _: genstudy("retry", folder, "--dry-run"),
}


def measure(bench: Bench) -> Iterator[Result]:
    """Time each operation on a large campaign, and on one of a tenth of its batches.

    It is the CPU's time that counts: what these processes wait for, on a busy machine, is none of theirs.
    """
    bench.need(disk=DISK)
    batches = bench.size(BATCHES)
    sizes = (batches, batches // 10)
    made = [_campaign(bench, count) for count in sizes]
    what = f"{batches:,} batches of {BATCH_SIZE:,} rows"
    largest = 0
    for name, argv_of in MEASURED.items():
        commands = [
            Command(argv=argv_of(bench.folder / f"c{count}", str(found["row"])), folder=bench.folder)
            for count, found in zip(sizes, made, strict=True)
        ]
        runs = take_turns(commands, bench.rounds(ROUNDS) if name != "retry --dry-run" else 1)
        limit = LONGEST_RETRY if name == "retry --dry-run" else LONGEST
        yield from _results(f"{name}, {what}", runs, limit)
        largest = max([largest, *(run.peak for pair in runs for run in pair)])
    yield from _results(f"specs, {batches:,} batches of a row", _specs(bench, sizes), LONGEST_SPECS)
    yield Result(
        what=f"the largest process of these but specs, {what}",
        detail=f"manifest {megabytes(made[0]['manifest'])}, ledger {megabytes(made[0]['ledger'])}",
        figures=[largest / 1e6],
        limit=LARGEST,
        unit="MB",
    )


def _campaign(bench: Bench, batches: int) -> Any:
    folder = bench.folder / f"c{batches}"
    argv = program("make_campaign.py", folder, str(batches), str(BATCH_SIZE))
    return json.loads(Command(argv=argv, folder=bench.folder).run().output)


def _specs(bench: Bench, sizes: Sequence[int]) -> list[list[Run]]:
    """Time the making of campaigns whose batches are small, so that it is theirs alone."""
    commands = []
    for count in sizes:
        table, folder = bench.folder / f"t{count}.csv", bench.folder / f"s{count}"
        made = genstudy("csv", "a", "b", "-n", str(count), "--seed", "1", "-o", table)
        Command(argv=made, folder=bench.folder).run()
        argv = genstudy("specs", table, "-b", "1", "-o", folder)
        commands.append(Command(argv=argv, folder=bench.folder, makes=[folder]))
    return take_turns(commands, 1)


def _results(what: str, runs: Sequence[Sequence[Run]], limit: float) -> Iterator[Result]:
    """Yield the CPU's time for the first command, and its ratio to that for the second."""
    first, second = runs[-1]
    yield Result(
        what=what,
        detail=f"{seconds(first.wall)} of wall clock, {megabytes(first.peak)} in the last round",
        figures=[pair[0].cpu for pair in runs],
        limit=limit,
        unit="s",
    )
    yield Result(
        what=f"{what}, against a tenth of these",
        detail=f"{seconds(first.cpu)} against {seconds(second.cpu)}",
        figures=[pair[0].cpu / pair[1].cpu for pair in runs],
        limit=STEEPEST,
    )
