"""Trees of files: walked in one fixed order, counted, read and synced. Names are bytes, as on disk."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import stat
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from genstudy.errors import GenstudyError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Entry = tuple[bytes, bytes, os.stat_result]
"""A path that begins with its tree's name, the path to open it by, and its own state, not its target's."""

Kind = Literal["f", "d", "l", "p"]
"""A file, folder, link or FIFO: what can be saved. Sockets and devices cannot."""

KIND_OF_TYPE: dict[int, Kind] = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFIFO: "p"}
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""How files are opened: a link or FIFO that took a file's place meanwhile is not followed, nor waited for."""

CHUNK = 1 << 22
"""Bytes that are read at a time at most."""

NAME = attrgetter("name")
GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Interrupted(GenstudyError):
    """Somebody asked to stop. Nothing half-done is left."""


class Changed(GenstudyError):
    """A file is not what it was a moment ago, or when it was saved."""


def never() -> bool:
    """Return False: nobody asks to stop."""
    return False


def text_of(path: bytes) -> str:
    """Return a path as text, from which `bytes_of` makes the same bytes again."""
    return path.decode("utf-8", "surrogateescape")


def bytes_of(path: str) -> bytes:
    """Return the bytes of a path."""
    return path.encode("utf-8", "surrogateescape")


def shown(path: bytes | str) -> str:
    """Return a path as people can read it, on one line, whatever its bytes are."""
    text = (path if isinstance(path, bytes) else bytes_of(path)).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def sort_key(path: bytes) -> bytes:
    """Return what paths are ordered by: a folder, all that is in it, then its next sibling by name."""
    return path.replace(b"/", b"\0")


def cannot_read(path: bytes | str, problem: OSError) -> GenstudyError:
    """Return what the file system refused as an error that names the file."""
    if problem.errno in GONE:
        return Changed(f"{shown(path)} changed while it was read; nothing is saved yet")
    return UserError(
        f"cannot be read: {problem.strerror or problem}",
        where=shown(path),
        hint="make it readable, or take it away; nothing is saved yet",
    )


def walk(root: Path) -> Iterator[Entry]:
    """Yield a file or folder and all that is in it, in the order of `sort_key`. Links are not followed.

    The state of each is taken when its turn comes. What cannot be read is an error that names it.
    """
    full, path = os.fsencode(root), os.fsencode(root.name)
    try:
        state = os.lstat(full)
        yield path, full, state
        folders = [(path + b"/", _listing(full))] if stat.S_ISDIR(state.st_mode) else []
        while folders:
            prefix, entries = folders[-1]
            while entries:
                entry = entries.pop()
                full, path = entry.path, prefix + entry.name
                state = entry.stat(follow_symlinks=False)
                yield path, full, state
                if stat.S_ISDIR(state.st_mode):
                    prefix, entries = path + b"/", _listing(full)
                    folders.append((prefix, entries))
            folders.pop()
    except OSError as problem:
        raise cannot_read(full, problem) from problem


def _listing(folder: bytes) -> list[os.DirEntry[bytes]]:
    """Return what is in a folder, the first name last."""
    with os.scandir(folder) as found:
        return sorted(found, key=NAME, reverse=True)


def savable(entries: Iterable[Entry], skipped: list[str]) -> Iterator[Entry]:
    """Yield entries without sockets and devices, whose paths go to `skipped`."""
    for entry in entries:
        if stat.S_IFMT(entry[2].st_mode) in KIND_OF_TYPE:
            yield entry
        else:
            skipped.append(text_of(entry[0]))


def count_entries(path: Path) -> tuple[int, int]:
    """Return how many files and folders there are, `path` itself among them, and the bytes of the files.

    What disappears meanwhile is not counted; (0, 0) where there is nothing.
    """
    try:
        state = path.lstat()
    except FileNotFoundError:
        return 0, 0
    entries, nbytes = 1, state.st_size if stat.S_ISREG(state.st_mode) else 0
    folders = [os.fsencode(path)] if stat.S_ISDIR(state.st_mode) else []
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as found:
            for entry in found:
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        nbytes += entry.stat(follow_symlinks=False).st_size
    return entries, nbytes


def read_small(path: bytes, size: int) -> bytes:
    """Return the content of a file of `size` bytes, at most CHUNK of them. Changed if it has another size.

    Its state was taken before. A change after that leaves a file that is newer than this state, and so is
    noticed before anything is deleted.
    """
    try:
        fd = os.open(path, READ)
        try:
            data = os.read(fd, size + 1)
            while 0 < len(data) < size and (more := os.read(fd, size + 1 - len(data))):
                data += more
        finally:
            os.close(fd)
    except OSError as problem:
        raise cannot_read(path, problem) from problem
    if len(data) != size:
        raise Changed(f"{shown(path)} changed while it was read; nothing is saved yet")
    return data


def read_chunks(path: bytes, state: os.stat_result) -> Iterator[bytes]:
    """Yield the content of a file in chunks. Changed, at the end, if it is not what its state said."""
    left = state.st_size
    try:
        fd = os.open(path, READ)
        try:
            while left and (data := os.read(fd, min(left, CHUNK))):
                left -= len(data)
                yield data
            longer = os.read(fd, 1)
            after = os.fstat(fd)
        finally:
            os.close(fd)
    except OSError as problem:
        raise cannot_read(path, problem) from problem
    if left or longer or (after.st_mtime_ns, after.st_ino) != (state.st_mtime_ns, state.st_ino):
        raise Changed(f"{shown(path)} changed while it was read; nothing is saved yet")


def hash_of(path: bytes, *, forget: bool = False) -> str:
    """Return the SHA-256 of a file. forget: read it from the disk, not from memory."""
    state = os.lstat(path)
    if forget:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            forget_cached(fd)
        finally:
            os.close(fd)
    digest = hashlib.sha256()
    for data in read_chunks(path, state):
        digest.update(data)
    return digest.hexdigest()


def link_of(path: bytes) -> bytes:
    """Return where a link leads."""
    try:
        return os.readlink(path)  # noqa: PTH115 - a name in bytes
    except OSError as problem:
        raise cannot_read(path, problem) from problem


def sync_folder(folder: Path) -> None:
    """Write a folder's names to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file_system(folder: Path) -> None:
    """Write all files of a folder's file system to the disk.

    One call, where a sync of each of many thousand small files would take minutes.
    """
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except AttributeError:  # It is Linux's own.
        os.sync()
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(fd):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(fd)


def forget_cached(fd: int) -> None:
    """Have the next reads of a file that was synced come from the disk, where the system can do so."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
