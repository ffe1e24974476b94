"""The one thread that saves and clears ended batches while the next ones run."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Saver:
    """Does `save` for one batch after the other, in a thread. `post` gets (batch id, error or None).

    An error ends only that batch's saving: who gets it decides what comes next.
    """

    def __init__(
        self, save: Callable[[str], None], post: Callable[[tuple[str, Exception | None]], None]
    ) -> None:
        self._save, self._post = save, post
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self.waiting: set[str] = set()
        self.closed = False
        self._thread = threading.Thread(target=self._work, name="saver", daemon=True)
        self._thread.start()

    def add(self, batch: str) -> None:
        """Have a batch saved, after those that wait already."""
        if batch not in self.waiting:
            self.waiting.add(batch)
            self._queue.put(batch)

    def done(self, batch: str) -> None:
        """Take note that a batch's result was received."""
        self.waiting.discard(batch)

    def close(self) -> None:
        """Wait for the batch at work; what waits behind it is left."""
        self.closed = True
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None and not self.closed:
            problem = None
            try:
                self._save(batch)
            except Exception as error:  # noqa: BLE001 - told to whom it concerns
                problem = error
            self._post((batch, problem))
