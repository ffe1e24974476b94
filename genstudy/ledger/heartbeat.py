"""A sign of life for processes that cannot look at this one: a counter in a file."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Heartbeat:
    """Counts up in a file, in a thread, until it is stopped or `going` says no.

    trouble: why the last try failed, if it did. It is tried again: a full disk must not end a campaign.
    """

    def __init__(self, path: Path, seconds: float, going: Callable[[], bool]) -> None:
        self.trouble: OSError | None = None
        self._path, self._seconds, self._going = path, seconds, going
        self._count = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Make the file, and begin. Raises OSError if the file cannot be made."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the file stays as it is."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                if not self._going():
                    return
                self._beat()
                self.trouble = None
            except OSError as problem:
                self.trouble = problem

    def _beat(self) -> None:
        # In place and always of one length, so it needs no room; closed, so that NFS shows it to others.
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            os.write(handle, b"%020d\n" % self._count)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._count += 1
