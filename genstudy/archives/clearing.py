"""Saved studies deleted: what was compared with what was saved, and nothing else.

All of it goes through open folders, so no link is followed, whatever somebody puts in a folder's place.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genstudy.archives.moving import list_of, moved_members
from genstudy.archives.read import Archive
from genstudy.archives.trees import (
    CHUNK,
    KIND_OF_TYPE,
    READ,
    Changed,
    Interrupted,
    bytes_of,
    count_entries,
    never,
    shown,
    sort_key,
)
from genstudy.errors import GenstudyError, RunError, UserError
from genstudy.files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from genstudy.archives.format import Member
    from genstudy.archives.trees import Kind
    from genstudy.ledger.records import Save

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
DEEPEST = 300
"""Folders in one another that can be deleted; each is held open meanwhile."""


def clear(
    runs: Path,
    parts: Sequence[Path],
    *,
    mode: Save,
    saved: Path,
    keep: Collection[str],
    sha256: str | None = None,
    stop: Callable[[], bool] = never,
) -> int:
    """Delete the studies of a batch that was saved; return how many files and folders are left of them.

    runs: the folder of all studies, which must be no link. parts: what is in it of the batch's. saved: the
    archive, or the folder of copies. keep: paths below `runs` that stay, such as study/simulate/row_17;
    sockets and devices stay too. sha256: of the archive, or of the list of checksums, as it was recorded.

    First all of it is compared with what was saved, by name, type, size and time, and by content where the
    time is another. Changed: something is new or other than saved, and nothing was deleted. What is missing
    was deleted by an earlier call that was interrupted.
    """
    if mode == "keep":
        raise GenstudyError(f"{runs}: what is kept there may not be deleted")
    _check_proof(saved if mode == "archive" else list_of(saved), sha256)
    kept = {bytes_of(path.rstrip("/")) for path in keep}
    names = sorted(os.fsencode(part.name) for part in parts)
    left = 0
    with _open_runs(runs, parts) as handle:
        for delete in (False, True):
            with _saved_members(saved, mode) as members:
                sweep = _Sweep(runs, members, kept, stop, delete=delete)
                try:
                    left = sweep.entries(handle, names)
                except OSError as problem:
                    raise RunError(f"{sweep.at} cannot be deleted: {problem.strerror}") from problem
    return left


def _check_proof(proof: Path, sha256: str | None) -> None:
    """Check that what was saved is still there, byte for byte as recorded."""
    try:
        found = sha256_of(proof)
    except OSError as problem:
        raise UserError(
            f"what was saved cannot be read ({problem.strerror}); nothing was deleted",
            where=str(proof),
            hint="put it back",
        ) from problem
    if sha256 is not None and found != sha256:
        raise RunError(f"{proof}: its SHA-256 is {found}, and {sha256} was recorded; nothing was deleted")


@contextmanager
def _saved_members(saved: Path, mode: Save) -> Iterator[Iterator[Member]]:
    if mode == "archive":
        with Archive(saved) as archive:
            yield archive.members()
    else:
        with list_of(saved).open("rb") as stream:
            yield (member for member, _ in moved_members(saved, stream))


@contextmanager
def _open_runs(runs: Path, parts: Sequence[Path]) -> Iterator[int]:
    """Open the folder of all studies, which must be no link, and theirs."""
    for part in parts:
        if part.parent != runs or part.name in {"", ".."}:
            raise GenstudyError(f"{part} is not in {runs}: nothing was deleted")
    try:
        handle = os.open(runs, FOLDER)
    except OSError as problem:
        if problem.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise RunError(f"{runs} cannot be read: {problem.strerror}") from problem
        reason = "is not a folder of its own: nothing is deleted through a link"
        raise UserError(reason, where=str(runs)) from problem
    try:
        yield handle
    finally:
        os.close(handle)


class _Sweep:
    """Compares entries with saved members, which come in the same order, and deletes them if told to."""

    def __init__(
        self,
        runs: Path,
        members: Iterator[Member],
        kept: Collection[bytes],
        stop: Callable[[], bool],
        *,
        delete: bool,
    ) -> None:
        self._runs, self._members, self._kept, self._stop = runs, members, kept, stop
        self._delete = delete
        self._member = next(members, None)
        self._at = b""

    @property
    def at(self) -> Path:
        """The file or folder that it is at."""
        return self._runs / os.fsdecode(self._at)

    def entries(self, folder: int, names: Iterable[bytes], prefix: bytes = b"", depth: int = 0) -> int:
        """Go through entries of an open folder in order; return how many stay, with all below them."""
        left = 0
        for name in names:
            self._at = path = prefix + name
            if self._stop():
                raise Interrupted(f"{self._runs} was not cleared to the end: asked to stop")
            try:
                state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            kind = KIND_OF_TYPE.get(stat.S_IFMT(state.st_mode))
            if path in self._kept or kind is None:
                left += count_entries(self.at)[0]
                continue
            self._check(path, kind, state, folder, name)
            if kind == "d":
                left += self._folder(folder, name, path, state, depth)
            elif self._delete:
                os.unlink(name, dir_fd=folder)
        return left

    def _folder(self, parent: int, name: bytes, path: bytes, state: os.stat_result, depth: int) -> int:
        """Go through a folder; return what stays of it, itself counted if it does."""
        if depth == DEEPEST:
            raise GenstudyError(f"{self.at} lies {DEEPEST} folders deep: delete it by hand")
        inner = os.open(name, FOLDER, dir_fd=parent)
        try:
            if self._delete and state.st_mode & 0o700 != 0o700:
                os.fchmod(inner, stat.S_IMODE(state.st_mode) | 0o700)
            with os.scandir(inner) as found:
                names = sorted(os.fsencode(entry.name) for entry in found)
            left = self.entries(inner, names, path + b"/", depth + 1)
        finally:
            os.close(inner)
        self._at = path
        if not left and self._delete:
            os.rmdir(name, dir_fd=parent)
        return left + 1 if left else 0

    def _check(self, path: bytes, kind: Kind, state: os.stat_result, folder: int, name: bytes) -> None:
        """Raise Changed unless an entry is as it was saved."""
        key = sort_key(path)
        while self._member is not None and sort_key(bytes_of(self._member.path)) < key:
            self._member = next(self._members, None)
        member = self._member
        if member is None or bytes_of(member.path) != path:
            why = "was not saved with its batch"
        elif kind != member.kind:
            why = "has become something else since its batch was saved"
        elif not _is_same(member, state, folder, name):
            why = "has changed since its batch was saved"
        else:
            return
        done = "the rest was not deleted" if self._delete else "nothing was deleted"
        raise Changed(f"{shown(str(self.at))} {why}; {done}")


def _is_same(member: Member, state: os.stat_result, folder: int, name: bytes) -> bool:
    """Tell whether an entry of the member's type has its content."""
    if member.kind == "l":
        return os.readlink(name, dir_fd=folder) == bytes_of(member.link)
    if member.kind != "f":
        return True
    if state.st_size != member.size:
        return False
    return state.st_mtime_ns == member.mtime_ns or _hash(folder, name) == member.sha256


def _hash(folder: int, name: bytes) -> str:
    digest = hashlib.sha256()
    fd = os.open(name, READ, dir_fd=folder)
    try:
        while data := os.read(fd, CHUNK):
            digest.update(data)
    finally:
        os.close(fd)
    return digest.hexdigest()
