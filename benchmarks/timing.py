"""Whole processes measured, and compared in rounds.

Machines are noisy, so what is compared runs in turns (A B A B ...), every round gives a ratio of its own,
and the median of these ratios is what counts. This module and its users import nothing large: a child's peak
memory starts out as that of the process that starts it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAMS = Path(__file__).with_name("programs")
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
SHOWN = 2000


class Failed(Exception):
    """A command ended with an error, or made something wrong."""


class Skipped(Exception):
    """This machine is too small for the benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a process took: wall clock and CPU in seconds, peak memory in bytes. output: what it printed."""

    wall: float
    cpu: float
    peak: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that runs in a folder. makes: files and folders that it makes, removed before it runs."""

    argv: Sequence[str]
    folder: Path
    makes: Sequence[Path] = ()

    def run(self) -> Run:
        """Run the command to its end. Raises Failed where its exit code is not 0."""
        for path in self.makes:
            remove(path)
        os.sync()  # What was written before is not written back while this one is timed.
        log = self.folder / "output.txt"
        with log.open("wb") as stream:
            start = time.perf_counter()
            process = subprocess.Popen(
                self.argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output = log.read_text(encoding="utf-8", errors="replace")
        if process.returncode:
            shown = " ".join(self.argv[:8])
            raise Failed(f"{shown} ...: exit code {process.returncode}\n{output[-SHOWN:]}")
        return Run(
            wall=wall,
            cpu=usage.ru_utime + usage.ru_stime,
            peak=usage.ru_maxrss * PEAK_UNIT,
            output=output,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A figure of each round, and the limit for their median. least: the limit is a minimum.

    what: what was measured; detail: the figures that the ratios came from.
    """

    what: str
    detail: str
    figures: Sequence[float]
    limit: float
    least: bool = False
    unit: str = "x"

    @property
    def reached(self) -> bool:
        """Whether the median keeps to the limit."""
        figure = statistics.median(self.figures)
        return figure >= self.limit if self.least else figure <= self.limit

    def line(self, *, verdict: bool) -> str:
        """Return the result as a line of text, with a verdict or without."""
        figure = f"{statistics.median(self.figures):.3g} {self.unit}"
        if len(self.figures) > 1:
            figure += f" ({min(self.figures):.3g} to {max(self.figures):.3g} in {len(self.figures)} rounds)"
        target = f"{'at least' if self.least else 'at most'} {self.limit:g} {self.unit}"
        end = f": {'reached' if self.reached else 'MISSED'}" if verdict else ""
        return f"{self.what}: {self.detail}: {figure}, target {target}{end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a benchmark works, and whether it is a quick one, of small sizes and few rounds."""

    folder: Path
    quick: bool

    def size(self, full: int, *, by: int = 100) -> int:
        """Return a size, divided in a quick run."""
        return full // by if self.quick else full

    def rounds(self, full: int) -> int:
        """Return how many rounds to run."""
        return 1 if self.quick else full

    def need(self, *, disk: int = 0, memory: int = 0) -> None:
        """Raise Skipped where less than that many bytes are free on disk, or there as memory."""
        if self.quick:
            return
        free = shutil.disk_usage(self.folder).free
        if free < disk:
            raise Skipped(f"{gigabytes(disk)} of disk are needed, {gigabytes(free)} are free (see TMPDIR)")
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if size < memory:
            raise Skipped(f"{gigabytes(memory)} of memory are needed, the machine has {gigabytes(size)}")


def take_turns(commands: Sequence[Command], rounds: int) -> list[list[Run]]:
    """Run the commands one after the other, that many times over; a first round is not counted.

    With a single round there is none but that one.
    """
    found = [[command.run() for command in commands] for _ in range(rounds + (rounds > 1))]
    return found[-rounds:]


def median(rounds: Sequence[Sequence[Run]], figure: Callable[[Sequence[Run]], float]) -> float:
    """Return the median of a figure of each round."""
    return statistics.median(map(figure, rounds))


def wall_times(rounds: Sequence[Sequence[Run]]) -> str:
    """Return the median wall times of each command as text."""
    times = (statistics.median(run.wall for run in runs) for runs in zip(*rounds, strict=True))
    return " against ".join(map(seconds, times))


def wall_ratios(rounds: Sequence[Sequence[Run]]) -> list[float]:
    """Return the first command's wall time over the second's, for every round."""
    return [runs[0].wall / runs[1].wall for runs in rounds]


def script(name: str) -> str:
    """Return the path of a command that is installed with this Python."""
    return str(Path(sysconfig.get_path("scripts")) / name)


def genstudy(*arguments: str | Path) -> list[str]:
    """Return the genstudy command with these arguments."""
    return [script("genstudy"), *map(str, arguments)]


def program(name: str, *arguments: str | Path) -> list[str]:
    """Return the command of one of the programs here."""
    return [sys.executable, str(PROGRAMS / name), *map(str, arguments)]


def remove(path: Path) -> None:
    """Remove a file or folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check(holds: bool, problem: str) -> None:
    """Raise Failed with the problem unless the condition holds."""
    if not holds:
        raise Failed(problem)


def check_table(path: Path, rows: int, columns: int) -> None:
    """Raise Failed unless the CSV file has that many rows and columns."""
    with path.open("rb") as stream:
        header = stream.readline()
        lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    found = header.count(b",") + 1
    check((lines, found) == (rows, columns), f"{path.name} has {lines} rows and {found} columns")


def seconds(duration: float) -> str:
    """Return a duration as text."""
    if duration >= 10:
        return f"{duration:.1f} s"
    return f"{duration:.2f} s" if duration >= 0.1 else f"{1000 * duration:.3g} ms"


def megabytes(size: float) -> str:
    """Return a size as text."""
    return f"{size / 1e6:.0f} MB"


def gigabytes(size: float) -> str:
    """Return a large size as text."""
    return f"{size / 1e9:.1f} GB"
