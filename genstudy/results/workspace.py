"""Files of a workspace, found and read: never one outside of it, and none that is no plain file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from genstudy.results.values import Missing
from genstudy.specs.result_keys import is_pattern, segment_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY
FIRST = 2**15
"""Bytes that are read at once: most files of results are smaller, and need one call."""

BLOCK = 2**20
MOST = 64 * 2**20
"""Bytes of a file that is read whole."""

LINKS = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR})
"""What opening says of a link, which it does not follow."""

NOT_THERE = LINKS | {errno.ENOENT, errno.ENAMETOOLONG}
NOT_A_FILE = frozenset(
    {errno.ESPIPE, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EINVAL, errno.EAGAIN, errno.EOPNOTSUPP}
)
REFUSED = frozenset({errno.EACCES, errno.EPERM})


class LargeFile:
    """An open file that was not read yet. Its user closes it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._whole: bytes | None = None
        status = os.fstat(handle)
        self.is_plain = stat.S_ISREG(status.st_mode)
        self.size = status.st_size

    def whole(self) -> bytes:
        """Return all of it; Missing for more than 64 MiB."""
        if self.size > MOST:
            raise Missing("larger than 64 MiB")
        if self._whole is None:
            self._whole = b"".join(self.blocks())
        return self._whole

    def tail(self) -> bytes:
        """Return the last MiB, or all."""
        return os.pread(self._handle, BLOCK, max(0, self.size - BLOCK))

    def blocks(self) -> Iterator[bytes]:
        """Yield all of it, in blocks of one MiB."""
        place = 0
        while block := os.pread(self._handle, BLOCK, place):
            yield block
            place += len(block)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


Content = bytes | LargeFile


def whole(content: Content) -> bytes:
    """Return all that a file holds; Missing for more than 64 MiB."""
    return content if isinstance(content, bytes) else content.whole()


class WorkspaceFile:
    """A file that each row's workspace has: a path in it, or a pattern that one of its files shall match."""

    def __init__(self, target: str) -> None:
        self.target = str(PurePosixPath(target))
        self._parts = self.target.split("/")
        self.is_pattern = is_pattern(target)
        self._quick = not self.is_pattern and len(self._parts) == 1
        self._below = f"/{self.target}"

    def matches(self, path: str) -> bool:
        """Tell whether a path in the workspace is one that this file may be read from."""
        if not self.is_pattern:
            return path == self.target
        parts = path.split("/")
        return len(parts) == len(self._parts) and all(map(_is_meant, self._parts, parts))

    def read(self, workspace: str) -> Content:
        """Return the file's bytes, or the open file where it is large.

        workspace: a real folder's path. Raises Missing for what is wrong with the file, and OSError for what
        no file can help: a disk that cannot be read, too many open files.
        """
        handle = -1
        if self._quick:
            try:
                handle = os.open(workspace + self._below, FILE)
            except OSError:
                handle = -1
        if handle < 0:
            handle = self._reach(workspace, _open)
        try:
            data = os.pread(handle, FIRST, 0)
            if 0 < len(data) < FIRST:
                os.close(handle)
                return data
            large = LargeFile(handle)
        except OSError as problem:
            os.close(handle)
            raise self._told(problem) from None
        if large.is_plain and data:
            return large
        large.close()
        if large.is_plain:
            return b""
        raise Missing(f"not a file: {self.target}")

    def size(self, workspace: str) -> int:
        """Return the file's size in bytes; it need not be readable. Raises as `read` does."""
        status = self._reach(workspace, _status)
        if not stat.S_ISREG(status.st_mode):
            raise Missing(f"not a file: {self.target}")
        return status.st_size

    def _reach(self, workspace: str, act: Callable[[str, int | None], T]) -> T:
        """Do something with the file, links followed only as long as they stay in the workspace."""
        try:
            relative = self._found(workspace) if self.is_pattern else self.target
            try:
                return _inside(workspace, relative, act)
            except OSError as problem:
                if problem.errno not in LINKS:
                    raise
            root = os.path.realpath(workspace)
            real = os.path.realpath(f"{workspace}/{relative}")
            if not real.startswith(f"{root}/"):
                raise Missing(f"a link that leads out of the workspace: {self.target}")
            return _inside(root, real[len(root) + 1 :], act)
        except OSError as problem:
            raise self._told(problem) from None

    def _found(self, workspace: str) -> str:
        """Return the path of the one file that the pattern means. Folders that are links are passed over."""
        folders = [""]
        for part in self._parts[:-1]:
            folders = [
                f"{folder}{entry.name}/"
                for folder in folders
                for entry in os.scandir(f"{workspace}/{folder}")
                if _is_meant(part, entry.name) and entry.is_dir(follow_symlinks=False)
            ]
        files = [
            f"{folder}{entry.name}"
            for folder in folders
            for entry in os.scandir(f"{workspace}/{folder}")
            if _is_meant(self._parts[-1], entry.name) and not entry.is_dir(follow_symlinks=False)
        ]
        if len(files) == 1:
            return files[0]
        raise Missing(f"{len(files)} files match {self.target}" if files else f"no file {self.target}")

    def _told(self, problem: OSError) -> Exception:
        """Return the reason that an error is for the row, or the error where it is none."""
        if problem.errno in NOT_THERE:
            return Missing(f"no file {self.target}")
        if problem.errno in REFUSED:
            return Missing(f"cannot be read, permission denied: {self.target}")
        if problem.errno in NOT_A_FILE:
            return Missing(f"not a file: {self.target}")
        return problem


def _is_meant(pattern: str, name: str) -> bool:
    return segment_form(pattern).match(name) is not None


def _inside(folder: str, relative: str, act: Callable[[str, int | None], T]) -> T:
    """Do something with a file of a folder, by its name and its own folder's handle; no link is followed."""
    *between, name = relative.split("/")
    if not between:
        return act(f"{folder}/{name}", None)
    here = os.open(folder, FOLDER & ~os.O_NOFOLLOW)
    try:
        for part in between:
            below = os.open(part, FOLDER, dir_fd=here)
            os.close(here)
            here = below
        return act(name, here)
    finally:
        os.close(here)


def _open(name: str, folder: int | None) -> int:
    return os.open(name, FILE, dir_fd=folder)


def _status(name: str, folder: int | None) -> os.stat_result:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "a link")
    return status
