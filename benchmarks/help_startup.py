"""`genstudy --help` against the least that a Typer program can do: import typer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from timing import Command, Result, check, genstudy, take_turns, wall_ratios, wall_times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timing import Bench

MOST = 2
ROUNDS = 25


def measure(bench: Bench) -> Iterator[Result]:
    """Compare the wall times of both."""
    commands = [
        Command(argv=genstudy("--help"), folder=bench.folder),
        Command(argv=[sys.executable, "-c", "import typer"], folder=bench.folder),
    ]
    found = take_turns(commands, bench.rounds(ROUNDS))
    check("specs" in found[0][0].output, "the help names no specs")
    yield Result(
        what="genstudy --help against import typer",
        detail=wall_times(found),
        figures=wall_ratios(found),
        limit=MOST,
    )
