"""How a run is told to end: first to finish what it has begun, then to stop at once."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any


class Stop:
    """Asks a run to end. Its methods may be called from signal handlers and other threads.

    finishing: no batch is started any more. now: what runs is ended too. out_of_time: as the time is up.
    leaves: nothing runs here, so to end is to leave jobs alone. reason: why, for people. wake: what the run
    waits for.
    """

    def __init__(self) -> None:
        self.finishing = False
        self.now = False
        self.out_of_time = False
        self.leaves = False
        self.reason = ""
        self.signal: int | None = None
        self.wake: SimpleQueue[Any] = SimpleQueue()

    def finish(self, reason: str) -> None:
        """Ask to finish what has begun; the first reason stays."""
        self.reason = self.reason or reason
        self.finishing = True
        self.wake.put(None)

    def at_once(self, reason: str) -> None:
        """Ask to stop what runs, judge it, record it, and end."""
        self.now = True
        self.finish(reason)

    def interrupt(self, number: int) -> None:
        """Take a signal: the first asks to finish, the second to stop at once."""
        self.signal = number
        if self.finishing:
            self.at_once("interrupted")
        else:
            self.finish("interrupted")
