"""Peak memory of `genstudy csv` for ten times the rows, for every design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timing import Command, Result, check_table, genstudy, megabytes, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timing import Bench

COLUMNS = 10
DIGITS = 7
"""The larger table has 10 to the power of this many rows."""
DESIGNS = ("random", "sobol", "halton", "lhs", "grid")
MOST = 1.3
NUMBER = 8
"""Bytes of a number: lhs may hold one column at a time."""
BYTES_A_ROW = 150


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the peak memory of both sizes for each design."""
    digits = DIGITS - 2 * bench.quick
    bench.need(disk=10**digits * BYTES_A_ROW)
    for design in DESIGNS:
        commands = [_csv(bench, design, digits), _csv(bench, design, digits - 1)]
        (runs,) = take_turns(commands, 1)
        for command, power in zip(commands, (digits, digits - 1), strict=True):
            check_table(command.makes[0], 10**power, COLUMNS)
        column = NUMBER if design == "lhs" else 0
        peaks = [run.peak - column * 10**power for run, power in zip(runs, (digits, digits - 1), strict=True)]
        yield Result(
            what=f"csv, peak memory, {design}, {10**digits:,} rows against {10 ** (digits - 1):,}",
            detail=f"{megabytes(runs[0].peak)} against {megabytes(runs[1].peak)}"
            + (", a column taken off each" if column else ""),
            figures=[peaks[0] / peaks[1]],
            limit=MOST,
        )


def _csv(bench: Bench, design: str, digits: int) -> Command:
    table = bench.folder / f"table{digits}.csv"
    if design == "grid":
        columns = [f"p{n}=int(0, 9)" if n < digits else f"p{n}=const({n})" for n in range(COLUMNS)]
    else:
        columns = ["--params", str(COLUMNS), "-n", str(10**digits)]
    return Command(
        argv=genstudy("csv", "--design", design, *columns, "-o", table),
        folder=bench.folder,
        makes=[table, table.with_suffix(".json")],
    )
