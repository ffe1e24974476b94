"""Members of an archive put on disk, and never anywhere but below the folder that was given."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.archives.format import ArchiveError
from genstudy.archives.trees import Interrupted, bytes_of, never, shown
from genstudy.errors import UserError
from genstudy.files import cannot_write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genstudy.archives.format import Member
    from genstudy.archives.read import Archive

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What was put on disk. refused: links that lead out of the folder, and FIFOs; these were not made."""

    entries: int
    content: int
    refused: tuple[str, ...]


def extract(archive: Archive, prefix: str, folder: Path, *, stop: Callable[[], bool] = never) -> Extracted:
    """Put the member `prefix` and all below it into a folder that exists, under the paths of the archive.

    No link is followed on the way, and no file replaced: UserError where one exists. Rights are those of
    tar's `data` filter: no setuid, nothing for others to write. A path that leads elsewhere: ArchiveError.
    """
    entries = content = 0
    refused = []
    with _Fence(folder) as fence:
        for member in archive.members(prefix):
            if stop():
                raise Interrupted(f"not all of {archive.path} was extracted: asked to stop")
            parts = _parts(archive, member)
            if member.kind == "p" or (member.kind == "l" and not stays_inside(parts, member.link)):
                refused.append(member.path)
                continue
            fence.put(archive, member, parts)
            entries, content = entries + 1, content + member.size
    if not entries and not refused:
        raise UserError(f"there is no {shown(prefix)} in it", where=str(archive.path))
    return Extracted(entries=entries, content=content, refused=tuple(refused))


def stays_inside(parts: list[bytes], link: str) -> bool:
    """Tell whether a link at this path cannot lead out of the folder that the path begins in.

    It may go up at its beginning only, and no further than it is deep. Folders on its own path are real ones,
    so that is exact; and any link that it passes later on its way down is of the same kind.
    """
    steps = bytes_of(link).split(b"/")
    if not link or steps[0] == b"":
        return False
    ups = 0
    while ups < len(steps) and steps[ups] in {b"..", b"."}:
        ups += 1
    return steps[:ups].count(b"..") < len(parts) and b".." not in steps[ups:]


def _parts(archive: Archive, member: Member) -> list[bytes]:
    parts = bytes_of(member.path).split(b"/")
    if any(part in {b"", b".", b".."} or b"\0" in part for part in parts):
        raise ArchiveError(
            archive.path, f"{shown(member.path)} leads elsewhere; nothing of that name is made"
        )
    return parts


class _Fence:
    """Makes files below one folder, whose parents are opened one by one without following a link."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> _Fence:
        try:
            self._top = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as problem:
            raise cannot_write(self._folder, problem) from problem
        self._parent: tuple[list[bytes], int] = ([], os.dup(self._top))
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._parent[1])
        os.close(self._top)

    def put(self, archive: Archive, member: Member, parts: list[bytes]) -> None:
        """Make one member."""
        place = self._folder / os.fsdecode(b"/".join(parts))
        try:
            parent = self._open(parts[:-1])
            if member.kind == "f":
                self._file(archive, member, parent, parts[-1])
            elif member.kind == "l":
                os.symlink(bytes_of(member.link), parts[-1], dir_fd=parent)
            else:
                _make_folder(parts[-1], parent)
        except FileExistsError:
            raise UserError(
                "exists already", where=shown(str(place)), hint="choose an empty folder"
            ) from None
        except OSError as problem:
            raise cannot_write(place, problem) from problem

    def _open(self, parts: list[bytes]) -> int:
        """Return a folder, made where it is missing. The last one asked for is kept open."""
        if parts != self._parent[0]:
            fd = os.dup(self._top)
            try:
                for part in parts:
                    _make_folder(part, fd)
                    fd, old = os.open(part, FOLDER, dir_fd=fd), fd
                    os.close(old)
            except BaseException:
                os.close(fd)
                raise
            os.close(self._parent[1])
            self._parent = (parts, fd)
        return self._parent[1]

    @staticmethod
    def _file(archive: Archive, member: Member, parent: int, name: bytes) -> None:
        fd = os.open(name, NEW_FILE, 0o600, dir_fd=parent)
        try:
            with os.fdopen(fd, "wb", closefd=False) as stream:
                for data in archive.chunks(member):
                    stream.write(data)
            os.fchmod(fd, _rights(member.mode))
            os.utime(fd, ns=(member.mtime_ns, member.mtime_ns))
        except BaseException:
            os.unlink(name, dir_fd=parent)
            raise
        finally:
            os.close(fd)


def _make_folder(name: bytes, parent: int) -> None:
    """Make a folder unless it is there. A file or a link of that name is a FileExistsError."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise


def _rights(mode: int) -> int:
    """Return a file's rights as tar's `data` filter has them."""
    rights = (mode & 0o755) | 0o600
    return rights if rights & 0o100 else rights & ~0o111
