"""The files of a campaign's ledger: a set of them for each owner, who are counted from 1."""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING, BinaryIO

from genstudy.errors import GenstudyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEDGER = "ledger"
OWNER, BEAT = "owner-{:06}.json", "owner-{:06}.beat"
RECORDS, CANCEL = "records-{:06}.jsonl", "cancel-{:06}"
NUMBER = re.compile(r"-(\d{6,18})", re.ASCII)

NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What file systems without hard links answer."""


TAIL = 4096
"""So many bytes at the end of a file are looked at first for its last line."""


class Generations:
    """The files in the ledger of a campaign. Whatever has no name of ours is left alone."""

    def __init__(self, campaign: Path, name: str = LEDGER) -> None:
        """Take the folder of a campaign, or of a wave's tasks; name: of the ledger in it."""
        self.folder = campaign / name

    def path(self, kind: str, generation: int) -> Path:
        """Return the place of a generation's file, whether it is there or not."""
        return self.folder / kind.format(generation)

    def numbers(self, kind: str) -> list[int]:
        """Return the generations that have such a file, in order.

        This asks the server itself: an NFS client may go on for a minute saying that a name is not there,
        but it looks anew at a folder that is opened.
        """
        try:
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return []
        try:
            with os.scandir(handle) as entries:
                names = {entry.name for entry in entries}
        finally:
            os.close(handle)
        numbers = {int(found[1]) for name in names if (found := NUMBER.search(name))}
        return sorted(number for number in numbers if kind.format(number) in names)

    def newest(self) -> int:
        """Return the number of the newest owner; 0: there was none yet."""
        return max(self.numbers(OWNER), default=0)

    def read(self, kind: str, generation: int) -> bytes | None:
        """Return what a file holds at this moment, or None where there is none."""
        stream = self._open(kind, generation)
        if stream is None:
            return None
        with stream:
            return stream.read()

    def lines(self, kind: str, generation: int) -> Iterator[bytes]:
        """Yield the lines that a file holds at this moment, without their ends; not one that has no end."""
        stream = self._open(kind, generation)
        if stream is None:
            return
        with stream:
            left = os.fstat(stream.fileno()).st_size
            while (line := stream.readline(left)).endswith(b"\n"):
                left -= len(line)
                yield line[:-1]

    def last_line(self, kind: str, generation: int) -> bytes | None:
        """Return the last of these lines, or None where there is none."""
        stream = self._open(kind, generation)
        if stream is None:
            return None
        with stream:
            size = stream.seek(0, os.SEEK_END)
            length = TAIL
            while True:
                stream.seek(max(size - length, 0))
                found = stream.read(length).rsplit(b"\n", 2)
                if len(found) > 2 or length >= size:
                    break
                length *= TAIL
        return found[-2] if len(found) > 1 else None

    def _open(self, kind: str, generation: int) -> BinaryIO | None:
        path = self.path(kind, generation)
        try:
            # Opened for each look: that is when NFS asks the server. A pipe must not hold us up.
            stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return stream
            stream.close()
        except FileNotFoundError:
            return None
        except OSError as problem:
            if problem.errno not in {errno.ELOOP, errno.EISDIR}:
                raise
        raise GenstudyError(f"{path}: not a plain file\n  the ledger has no others: put back what was there")

    def create_owner(self, generation: int, data: bytes) -> bool:
        """Make a generation's owner file; return False if another process has made it before.

        A link shows up whole: whoever is late reads who was first. A process that is killed midway leaves
        a hidden file and no owner.
        """
        self.folder.mkdir(exist_ok=True)
        path = self.path(OWNER, generation)
        part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
        try:
            _write_new(part, data)
            try:
                return _link(part, path, data)
            finally:
                part.unlink()
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, str(path)) from problem


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        try:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            path.unlink()
            raise


def _link(part: Path, path: Path, data: bytes) -> bool:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        # Over NFS the answer to a first try may get lost, and the second one then meets what the first made.
        return path.samefile(part)
    except OSError as problem:
        if problem.errno not in NO_LINKS:
            raise
        return _create(path, data)
    return True


def _create(path: Path, data: bytes) -> bool:
    """Make a file without a link. Until it is written, readers find nothing that they understand in it."""
    try:
        _write_new(path, data)
    except FileExistsError:
        return False
    return True
