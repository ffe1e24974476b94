"""Archives checked: every byte of the file, and the tar data against the index, both ways."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from genstudy.archives.format import FOOTER_SIZE, SKIPPED, SKIPPED_MAGIC, ArchiveError
from genstudy.archives.read import Archive
from genstudy.archives.tar import (
    BLOCK,
    END,
    FLAGS,
    LONG_LINK,
    LONG_NAME,
    NotTar,
    parse_header,
)
from genstudy.archives.trees import (
    KIND_OF_TYPE,
    Interrupted,
    bytes_of,
    forget_cached,
    hash_of,
    link_of,
    never,
    savable,
    shown,
    sort_key,
    text_of,
    walk,
)
from genstudy.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from genstudy.archives.format import Member, Span
    from genstudy.archives.tar import Header

LONGEST_NAME = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An archive that is whole. sha256, nbytes: of the file; entries: members; content: bytes of files."""

    sha256: str
    nbytes: int
    entries: int
    content: int


def verify_archive(path: Path, sha256: str | None = None, *, stop: Callable[[], bool] = never) -> Verified:
    """Read a whole archive back and check it. sha256: what the file's hash must be, if it is known.

    Checked are the hash of every frame and block, the tar data member by member against the index, in number,
    order, name, type, size, rights, time and the hash of each content, and that nothing else is in the file.
    ArchiveError says what is wrong where. stop: asked before each frame. Memory does not grow with its size.
    """
    with Archive(path) as archive:
        forget_cached(archive.fileno())
        tar = _Tar(archive, stop)
        entries = content = 0
        last = b""
        for member in archive.members():
            key = sort_key(bytes_of(member.path))
            if key <= last:
                raise ArchiveError(path, f"{shown(member.path)} is out of order in the index")
            last = key
            tar.check(member)
            entries, content = entries + 1, content + member.size
        tar.end()
        for span in archive.directory.blocks:
            tar.hash_skipped(span)
        if (entries, content) != (archive.directory.members, archive.directory.content):
            raise ArchiveError(path, f"its index has {entries} members, and the directory says otherwise")
        found = tar.hash_rest()
        if sha256 is not None and found != sha256:
            raise ArchiveError(path, f"its SHA-256 is {found}, and {sha256} was recorded")
        return Verified(sha256=found, nbytes=archive.directory.end, entries=entries, content=content)


def check_sources(archive: Archive, sources: Sequence[Path], *, stop: Callable[[], bool]) -> tuple[str, ...]:
    """Compare an archive with files and folders on disk, both ways; RunError where anything differs.

    Files are compared by size and time, and by content where the time is another. Returns what an archive
    cannot hold: sockets and devices.
    """
    skipped: list[str] = []
    ours = savable((entry for source in sources for entry in walk(source)), skipped)
    for entry, member in zip_longest(ours, archive.members()):
        if stop():
            raise Interrupted(f"{archive.path} was not compared to its end: asked to stop")
        if entry is None or member is None:
            raise RunError(f"{shown(entry[0] if entry else member.path)} is on one side only")
        path, full, state = entry
        kind = KIND_OF_TYPE[stat.S_IFMT(state.st_mode)]
        same = (text_of(path), kind) == (member.path, member.kind)
        if kind == "l":
            same = same and text_of(link_of(full)) == member.link
        elif kind == "f" and (state.st_size, state.st_mtime_ns) != (member.size, member.mtime_ns):
            same = same and state.st_size == member.size and hash_of(full) == member.sha256
        if not same:
            raise RunError(f"{shown(path)} is not as it is in the archive")
    return tuple(skipped)


class _Tar:
    """The tar data of an archive, read once from the first frame to the last; every byte read is hashed."""

    def __init__(self, archive: Archive, stop: Callable[[], bool]) -> None:
        self._archive, self._stop = archive, stop
        self._digest = hashlib.sha256()
        self._number, self._data, self._at = -1, b"", 0

    def check(self, member: Member) -> None:
        """Check that the next member is this one."""
        name = shown(member.path)
        try:
            header = self._header()
        except NotTar as problem:
            raise self._wrong(f"{name} is in the index, and in the tar data {problem}") from problem
        path = bytes_of(member.path)
        expected = (
            path + b"/" if member.kind == "d" else path,
            FLAGS[member.kind],
            member.mode,
            member.size,
            member.mtime_ns // 10**9,
            bytes_of(member.link),
        )
        found = (header.path, header.flag, header.mode, header.size, header.mtime, header.link)
        if found != expected:
            raise self._wrong(f"{name} is in the index, and in the tar data {shown(repr(found))}")
        if (self._number, self._at) != (member.frame, member.offset):
            raise self._wrong(f"{name} is not where the index says")
        if member.kind == "f" and self._content(member.size) != member.sha256:
            raise self._wrong(f"{name} is not what was archived")

    def end(self) -> None:
        """Check that the tar data ends here, in the last frame."""
        if self._take(len(END)) != END:
            raise self._wrong("there is more tar data than the index says")
        if self._at < len(self._data) or self._number + 1 != len(self._archive.directory.frames):
            raise self._wrong("there is something behind the end of the tar data")

    def hash_skipped(self, span: Span) -> None:
        """Hash a block of the index, and check what stands before it."""
        start = span.offset - SKIPPED.size
        self._skip_header(start, span.size)
        self._digest.update(self._archive.bytes_at(span.offset, span.size))

    def hash_rest(self) -> str:
        """Hash what is left of the file, and return the hash of the whole."""
        directory = self._archive.directory
        size = directory.end - FOOTER_SIZE - directory.start
        self._skip_header(directory.start - SKIPPED.size, size)
        self._digest.update(self._archive.bytes_at(directory.start, directory.end - directory.start))
        return self._digest.hexdigest()

    def _skip_header(self, offset: int, size: int) -> None:
        data = self._archive.bytes_at(offset, SKIPPED.size)
        if data != SKIPPED.pack(SKIPPED_MAGIC, size):
            raise ArchiveError(self._archive.path, f"the bytes at {offset} are damaged")
        self._digest.update(data)

    def _header(self) -> Header:
        """Return the next header, with the long names that stand before it."""
        long: dict[bytes, bytes] = {}
        while (header := parse_header(self._take(BLOCK))).flag in {LONG_LINK, LONG_NAME}:
            if header.size > LONGEST_NAME or header.flag in long:
                raise NotTar("a name makes no sense")
            text = self._take(header.size)
            if text[-1:] != b"\0" or any(self._take(-header.size % BLOCK)):
                raise NotTar("a name is damaged")
            long[header.flag] = text[:-1]
        return header.renamed(long.get(LONG_NAME), long.get(LONG_LINK))

    def _content(self, size: int) -> str:
        digest = hashlib.sha256()
        for data in self._pieces(size):
            digest.update(data)
        if any(self._take(-size % BLOCK)):
            raise self._wrong("the bytes between two members are damaged")
        return digest.hexdigest()

    def _take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) == size:
            self._at += size
            return piece
        return b"".join(self._pieces(size))

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            if self._at == len(self._data):
                self._next_frame()
            piece = self._data[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def _next_frame(self) -> None:
        if self._stop():
            raise Interrupted(f"{self._archive.path} was not checked to its end: asked to stop")
        number = self._number + 1
        if number == len(self._archive.directory.frames):
            raise self._wrong("the tar data ends, and the index has more")
        span = self._archive.directory.frames[number]
        packed = self._archive.bytes_at(span.offset, span.size)
        self._digest.update(packed)
        self._data = self._archive.unpacked(packed, span, f"frame {number}")
        self._number, self._at = number, 0

    def _wrong(self, text: str) -> ArchiveError:
        return ArchiveError(self._archive.path, f"{text} (frame {self._number}, byte {self._at} of it)")
