"""The right to write a campaign's ledger: one process has it, and loses it when another takes over."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from genstudy.errors import GenstudyError
from genstudy.ledger.generations import BEAT, CANCEL, OWNER, RECORDS, Generations
from genstudy.ledger.heartbeat import Heartbeat
from genstudy.ledger.records import Stopped

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from genstudy.ledger.records import Owned, Record


OWN: list[Owned] = []
"""What this process owns at present. One that could not record its end is not among them."""


class Fenced(GenstudyError):
    """Another process took the campaign over, so this one must not write any more."""


class RecordsFile:
    """A file of records that is appended to: each is there whole and on disk, or not at all."""

    def __init__(self, path: Path) -> None:
        """Open a file, which may be there. A torn last line is cut off."""
        self._path = path
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        self._stream = os.fdopen(handle, "r+b", buffering=0)
        self._size = self._stream.read().rfind(b"\n") + 1
        self._torn = True

    def append(self, *records: Record) -> None:
        """Write records. Raises OSError, and the file is as it was, or will be before the next one.

        Where the process is killed, the first of several may be there without the others.
        """
        lines = b"".join(record.model_dump_json().encode() + b"\n" for record in records)
        try:
            self._cut()
            self._torn = True
            self._write(lines)
            os.fsync(self._stream.fileno())
        except OSError as problem:
            # Where this fails too, the next record does it first.
            with suppress(OSError):
                self._cut()
            problem.filename = str(self._path)
            raise
        self._size += len(lines)
        self._torn = False

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _write(self, line: bytes) -> None:
        # Short where the disk gets full; the next write then says why.
        while line:
            line = line[os.write(self._stream.fileno(), line) :]

    def _cut(self) -> None:
        if self._torn:
            self._stream.truncate(self._size)
            self._torn = False


class Ownership:
    """A process owns the campaign, until this context is left or another takes over.

    generation: this owner's number. reason: why the campaign is given up; it is recorded on leaving.
    """

    def __init__(self, files: Generations, owned: Owned, *, beat: float) -> None:
        """Begin to write a generation whose owner file was made; beat: seconds between signs of life."""
        self.generation = owned.generation
        self.reason = ""
        self._owned = owned
        self._files = files
        self._heartbeat = Heartbeat(files.path(BEAT, self.generation), beat, self._is_newest)
        self._records = RecordsFile(files.path(RECORDS, self.generation))
        try:
            self._records.append(owned)
            self._heartbeat.start()
        except BaseException:
            self._heartbeat.stop()
            self._records.close()
            raise
        OWN.append(owned)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        self._heartbeat.stop()
        try:
            if not isinstance(problem, Fenced):
                reason = self.reason.encode("utf-8", "backslashreplace").decode()
                self.check()
                self._records.append(Stopped(t=time.time(), reason=reason))
        except (Fenced, OSError) as other:
            if problem is None:
                raise
            problem.add_note(f"and the ledger could not be closed: {other}")
        finally:
            self._records.close()
            if self._owned in OWN:
                OWN.remove(self._owned)

    @property
    def trouble(self) -> OSError | None:
        """Why no sign of life can be given at the moment, if so: others may take this process for dead."""
        return self._heartbeat.trouble

    def add(self, *records: Record) -> None:
        """Record something for good. Raises Fenced, or OSError if nothing could be recorded.

        Once this returns, the records count, and who takes over from now on sees them. After Fenced they may
        count too.
        """
        self.check()
        self._records.append(*records)
        self.check()

    def check(self) -> None:
        """Raise Fenced if another process has taken over."""
        newest = self._files.newest()
        if newest > self.generation:
            raise Fenced(
                f"{self._files.folder.parent}: another process has taken the campaign over: this one "
                "showed no sign of life, and has written nothing since\n"
                f"  {self._files.path(OWNER, newest)} tells which"
            )
        if newest < self.generation and not self._files.path(OWNER, self.generation).exists():
            raise Fenced(
                f"{self._files.folder}: the ledger was taken away while the campaign ran\n"
                "  put it back, and run the campaign again"
            )

    def cancelled(self) -> bool:
        """Tell whether this owner was asked to stop at once."""
        return self.generation in self._files.numbers(CANCEL)

    def _is_newest(self) -> bool:
        return self._files.newest() <= self.generation
