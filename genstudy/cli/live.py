"""What `genstudy run` shows: a few lines that change on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

from genstudy.cli.progress import is_terminal
from genstudy.units import time_text

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from genstudy.campaign.progress import Progress

SHOWN = 8
"""Running batches that are shown, of all."""


class Display:
    """Shows a run's progress on stdout."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._held = ""

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
            self._live.console.print(line, markup=False, soft_wrap=True)
        else:
            print(line, flush=True)

    def show(self, progress: Progress) -> None:
        """Show the present state."""
        if self._live is not None:
            self._live.update(_picture(progress))
        elif progress.held != self._held:
            self._held = progress.held
            if progress.held:
                print(f"held: {progress.held}", flush=True)


def _picture(progress: Progress) -> Group:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    rows, batches = progress.rows, progress.batches
    ended = rows.done + rows.failed + sum(run.seen for run in progress.running)
    top = Table.grid(padding=(0, 1))
    rate = f"{progress.ended_rows / progress.seconds:.1f} rows/s" if progress.seconds > 1 else ""
    left = f"about {time_text(progress.left)} left" if progress.left is not None and rows.pending else ""
    bar = ProgressBar(total=rows.total, completed=ended, width=30)
    top.add_row(bar, Text(f"{ended / rows.total:.1%}"), Text(rate), Text(left))
    now = f"{len(progress.running)} running, {progress.saving} being saved"
    lines = [
        f"rows     {rows.done:,} done, {rows.failed:,} failed, {rows.pending:,} pending of {rows.total:,}",
        f"batches  {batches.done:,} done, {batches.failed:,} with failures, {now}, of {batches.total:,}",
        f"files    {progress.files:,} in use",
    ]
    lines += [
        f"  {run.batch}   {run.seen:,} of {run.rows:,} rows, for {time_text(run.seconds)}"
        for run in progress.running[:SHOWN]
    ]
    if progress.held:
        lines.append(f"held: {progress.held}")
    return Group(top, *(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))
