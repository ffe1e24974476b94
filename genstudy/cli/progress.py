"""The progress bar of long commands: on a terminal, and only once it is worth one."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

LONG = 1_000_000
PATIENCE = 1.0
"""A bar appears for this many steps or more, or after this many seconds."""


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream is a terminal; Python has None for one that was closed from the start."""
    return stream is not None and stream.isatty()


class Progress:
    """Shows on stderr how far a command is, if that is a terminal. rich is imported when a bar appears."""

    def __init__(self, *, shown: bool = True) -> None:
        """Take the time; `shown` may be False where a bar would disturb other output."""
        screen = is_terminal(sys.stderr)
        self.possible = shown and screen and os.environ.get("TERM") not in {"dumb", "unknown"}
        self._start = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin; nothing is shown yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, also after an error."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """Show that `done` of `total` steps are behind."""
        if self._bar is None and (total >= LONG or time.monotonic() - self._start > PATIENCE):
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("rows", total=total)
            self._bar.start()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
