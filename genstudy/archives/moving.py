"""Copies of studies in another place, and the list of checksums that proves them: NAME/ and NAME.sha256.

`sha256sum -c` reads the list; it has the files. Folders, links and FIFOs are compared where they stand.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, BinaryIO

from genstudy.archives.format import Member
from genstudy.archives.trees import (
    KIND_OF_TYPE,
    Interrupted,
    hash_of,
    link_of,
    read_chunks,
    savable,
    shown,
    sync_file_system,
    text_of,
    walk,
)
from genstudy.errors import RunError
from genstudy.files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from genstudy.archives.trees import Entry

LIST_SUFFIX = ".sha256"
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
LINE = re.compile(rb"(\\?)([0-9a-f]{64})  (.+)\n", re.DOTALL)
ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
ESCAPED = re.compile(rb"\\[\\nr]")
UNESCAPED = {escape: char for char, escape in ESCAPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """Copies that are whole. sha256: of the list. nbytes, content: of the files. entries: files and folders.

    skipped: sockets and devices, which were not copied.
    """

    sha256: str
    nbytes: int
    entries: int
    content: int
    skipped: tuple[str, ...]


def list_of(folder: Path) -> Path:
    """Return the list of checksums of a folder of copies, which lies beside it."""
    return folder.with_name(folder.name + LIST_SUFFIX)


def list_line(sha256: str, path: bytes) -> bytes:
    """Return a line of the list, with names escaped as sha256sum does it."""
    escaped = re.sub(rb"[\\\n\r]", lambda found: ESCAPES[found[0]], path)
    mark = b"\\" if escaped != path else b""
    return b"%b%b  %b\n" % (mark, sha256.encode(), escaped)


def read_list(stream: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the hash and path of each line of a list. RunError for a line that is none."""
    for line in stream:
        found = LINE.fullmatch(line)
        if not found:
            raise RunError(f"{line!r} is no line of a list of checksums")
        mark, sha256, path = found.groups()
        if mark:
            path = ESCAPED.sub(lambda escape: UNESCAPED[escape[0]], path)
        yield sha256.decode(), path


def copy_studies(sources: Sequence[Path], part: Path, final: Path, stop: Callable[[], bool]) -> Copied:
    """Copy sources into the new folder `part`, bring them to the disk, and read them back from there.

    final: what `part` will be called; the list, which lies beside `part`, has that name in it.
    """
    part.mkdir()
    with list_of(part).open("xb") as stream:
        copier = _Copier(part, os.fsencode(final.name), stream)
        for entry in savable(_entries(sources, stop), []):
            copier.copy(*entry)
        copier.end()
        stream.flush()
        os.fsync(stream.fileno())
    sync_file_system(part)
    return check_copies(sources, part, stop)


def check_copies(
    sources: Sequence[Path], folder: Path, stop: Callable[[], bool], *, again: bool = False
) -> Copied:
    """Read copies back and compare: names, types and links with the sources, content with the list.

    again: compare the sources' content with the list too; else it is known to be what the list says.
    RunError says what differs.
    """
    entries = content = 0
    skipped: list[str] = []
    ours = savable(_entries(sources, stop), skipped)
    with list_of(folder).open("rb") as stream:
        for entry, copy in zip_longest(ours, moved_members(folder, stream)):
            if entry is None or copy is None:
                raise RunError(f"{folder}: {shown(entry[0] if entry else copy[0].path)} is on one side only")
            (path, full, state), (member, copied) = entry, copy
            kind = KIND_OF_TYPE[stat.S_IFMT(state.st_mode)]
            if (text_of(path), kind) != (member.path, member.kind):
                raise RunError(f"{folder} has {shown(member.path)} where {shown(path)} belongs")
            if kind == "l" and text_of(link_of(full)) != member.link:
                raise RunError(f"{folder}: the link {shown(path)} leads elsewhere")
            if kind == "f":
                hashes = {member.sha256, hash_of(copied, forget=True)} | ({hash_of(full)} if again else set())
                if len(hashes) > 1:
                    raise RunError(f"{folder}: {shown(path)} is not what the list of checksums says")
            entries, content = entries + 1, content + member.size
    sha256 = sha256_of(list_of(folder))
    return Copied(sha256=sha256, nbytes=content, entries=entries, content=content, skipped=tuple(skipped))


def moved_members(folder: Path, list_stream: BinaryIO) -> Iterator[tuple[Member, bytes]]:
    """Yield what a folder of copies holds, with the hashes of the list, in order; and the path of each.

    RunError where the list and the folder differ. Nothing but the list is read.
    """
    lines = read_list(list_stream)
    top = os.fsencode(folder.name) + b"/"
    entries = walk(folder)
    next(entries)
    for their_path, full, state in entries:
        path = their_path.removeprefix(top)
        kind = KIND_OF_TYPE.get(stat.S_IFMT(state.st_mode))
        if kind is None:
            raise RunError(f"{shown(full)} was not put there by genstudy")
        sha256 = ""
        if kind == "f":
            sha256, listed = next(lines, ("", b""))
            if listed.partition(b"/")[2] != path:
                raise RunError(f"{shown(full)} and the list of checksums do not fit")
        member = Member(
            path=text_of(path),
            kind=kind,
            mode=stat.S_IMODE(state.st_mode),
            size=state.st_size if kind == "f" else 0,
            mtime_ns=state.st_mtime_ns,
            frame=0,
            offset=0,
            sha256=sha256,
            link=text_of(link_of(full)) if kind == "l" else "",
        )
        yield member, full
    if extra := next(lines, None):
        raise RunError(f"{shown(extra[1])} is in the list of checksums, and not in {folder}")


def discard(path: Path) -> None:
    """Delete a file or folder of ours, whatever rights its folders have got; nothing where there is none."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    for folder, _, _ in os.walk(path):
        os.chmod(folder, 0o700)  # noqa: PTH101 - a name in text
    shutil.rmtree(path)


def _entries(sources: Sequence[Path], stop: Callable[[], bool]) -> Iterator[Entry]:
    for source in sources:
        for entry in walk(source):
            if stop():
                raise Interrupted(f"{source} was not moved: asked to stop")
            yield entry


class _Copier:
    """Copies entries in the order of a walk, and writes the list."""

    def __init__(self, part: Path, name: bytes, stream: BinaryIO) -> None:
        self._top, self._name, self._stream = os.fsencode(part) + b"/", name + b"/", stream
        self._open: list[tuple[bytes, os.stat_result]] = []

    def copy(self, path: bytes, full: bytes, state: os.stat_result) -> None:
        place = self._top + path
        self._close_folders(place)
        form = stat.S_IFMT(state.st_mode)
        if form == stat.S_IFDIR:
            os.mkdir(place, 0o700)  # noqa: PTH102 - a name in bytes
            self._open.append((place, state))
        elif form == stat.S_IFREG:
            self._stream.write(list_line(_copy_file(full, place, state), self._name + path))
        elif form == stat.S_IFLNK:
            os.symlink(link_of(full), place)  # noqa: PTH211 - names in bytes
        else:
            os.mkfifo(place, stat.S_IMODE(state.st_mode) & 0o777)
            os.utime(place, ns=(state.st_atime_ns, state.st_mtime_ns))

    def end(self) -> None:
        """Give the last folders their rights."""
        self._close_folders(b"")

    def _close_folders(self, place: bytes) -> None:
        """Give rights and times to the folders that are complete: those that `place` is not in."""
        while self._open and not place.startswith(self._open[-1][0] + b"/"):
            folder, state = self._open.pop()
            os.chmod(folder, stat.S_IMODE(state.st_mode) & 0o777)  # noqa: PTH101 - a name in bytes
            os.utime(folder, ns=(state.st_atime_ns, state.st_mtime_ns))


def _copy_file(full: bytes, place: bytes, state: os.stat_result) -> str:
    """Copy a file, and return the hash of what was read. A copy is never setuid: its owner may be another."""
    digest = hashlib.sha256()
    fd = os.open(place, NEW_FILE, 0o600)
    try:
        for data in read_chunks(full, state):
            digest.update(data)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        os.fchmod(fd, stat.S_IMODE(state.st_mode) & 0o777)
        os.utime(fd, ns=(state.st_atime_ns, state.st_mtime_ns))
    finally:
        os.close(fd)
    return digest.hexdigest()
