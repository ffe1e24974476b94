"""What `genstudy run` shows: a few lines that change on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

from genstudy.batches.showing import visible
from genstudy.cli.progress import is_terminal
from genstudy.errors import RunError
from genstudy.units import counted, time_text

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from genstudy.campaign.progress import Progress, Running

SHOWN = 8
"""Running batches that are shown, of all."""

QUIET = 300.0
"""Seconds of a run after which a pipe gets a line, if nothing else was printed."""


class Display:
    """Shows a run's progress on stdout."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._held = ""
        self._now = self._last = 0.0

    def __enter__(self) -> Self:
        """Begin the live lines, if there is a terminal for them."""
        if is_terminal(sys.stdout) and os.environ.get("TERM") not in {"dumb", "unknown"}:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(highlight=False), transient=True, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the live lines away; what was told stays."""
        if self._live is not None:
            self._live.stop()

    def tell(self, line: str) -> None:
        """Print a line that stays."""
        if self._live is not None:
            self._live.console.print(visible(line), markup=False, soft_wrap=True)
        else:
            self._print(line)

    def show(self, progress: Progress) -> None:
        """Show the present state."""
        if self._live is not None:
            self._live.update(_picture(progress))
            return
        self._now = progress.seconds
        if progress.held != self._held:
            self._held = progress.held
            if progress.held:
                self._print(f"held: {progress.held}")
        elif progress.running and self._now - self._last >= QUIET:
            self._print(_sign_of_life(progress))

    def _print(self, line: str) -> None:
        self._last = self._now
        try:
            print(visible(line), flush=True)
        except BrokenPipeError:
            raise
        except OSError as problem:
            raise RunError(f"standard output: {problem.strerror or problem}") from problem


def _sign_of_life(progress: Progress) -> str:
    """Return where a run is, in one line."""
    at_work = [f"{run.batch} ({_rows(run)})" for run in progress.running]
    more = f" and {len(at_work) - SHOWN:,} more" if len(at_work) > SHOWN else ""
    left = f", about {time_text(progress.left)} left" if progress.left is not None else ""
    ended = f"{_ended(progress):,} of {progress.rows.total:,} in all"
    return f"running: {', '.join(at_work[:SHOWN])}{more}; {ended}{left}"


def _rows(run: Running) -> str:
    return counted(run.rows, "row") if run.seen is None else f"{run.seen:,} of {run.rows:,} rows"


def _ended(progress: Progress) -> int:
    rows = progress.rows
    return rows.done + rows.failed + sum(run.seen or 0 for run in progress.running)


def _picture(progress: Progress) -> Group:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    rows, batches = progress.rows, progress.batches
    ended = _ended(progress)
    top = Table.grid(padding=(0, 1))
    rate = f"{progress.ended_rows / progress.seconds:.1f} rows/s" if progress.seconds > 1 else ""
    left = f"about {time_text(progress.left)} left" if progress.left is not None and rows.pending else ""
    bar = ProgressBar(total=rows.total, completed=ended, width=30)
    top.add_row(bar, Text(f"{ended / rows.total:.1%}"), Text(rate), Text(left))
    queued = "" if progress.queued is None else f"{progress.queued:,} queued, "
    now = f"{queued}{len(progress.running):,} running, {progress.saving} being saved"
    lines = [
        f"rows     {rows.done:,} done, {rows.failed:,} failed, {rows.pending:,} pending of {rows.total:,}",
        f"batches  {batches.done:,} done, {batches.failed:,} with failures, {now}, of {batches.total:,}",
    ]
    if progress.files is not None:
        lines.append(f"files    {progress.files:,} in use")
    lines += [
        f"  {run.batch}   {_rows(run)}, for {time_text(run.seconds)}" for run in progress.running[:SHOWN]
    ]
    if progress.held:
        lines.append(f"held: {progress.held}")
    return Group(top, *(Text(visible(line), no_wrap=True, overflow="ellipsis") for line in lines))
