"""Archives read: one member without unpacking the rest, or all that is below a folder."""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from typing import TYPE_CHECKING, Self

from genstudy.archives.format import (
    FOOTER_SIZE,
    SKIPPED,
    ZSTD_MAGIC,
    ArchiveError,
    Directory,
    Member,
    damaged,
    parse_block,
    parse_directory,
    parse_footer,
    unpack,
)
from genstudy.archives.trees import bytes_of, shown, sort_key
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from genstudy.archives.format import Span

NONSENSE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
"""What bytes raise that are whole, and yet were not written by us."""


class Archive:
    """An archive that is open for reading; of its file, footer and directory have been read and checked.

    Raises ArchiveError wherever the file is not as it was written, and UserError where it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Open an archive."""
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDONLY)
        except OSError as problem:
            raise UserError(f"cannot be read: {problem.strerror or problem}", where=str(path)) from problem
        try:
            self.directory = self._read_directory()
        except BaseException:
            os.close(self._fd)
            raise
        self._firsts = [sort_key(span.first) for span in self.directory.blocks]
        self._last_frame: tuple[int, bytes] = (-1, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def fileno(self) -> int:
        """Return the number of the open file."""
        return self._fd

    def members(self, prefix: str = "") -> Iterator[Member]:
        """Yield the member of that path and all below it, in order; all members without one."""
        wanted = sort_key(bytes_of(prefix.rstrip("/")))
        first = max(bisect_right(self._firsts, wanted) - 1, 0)
        for number in range(first, len(self.directory.blocks)):
            for member in self._block(number):
                key = sort_key(bytes_of(member.path))
                if not wanted or key == wanted or key.startswith(wanted + b"\0"):
                    yield member
                elif key > wanted:
                    return

    def member(self, path: str) -> Member:
        """Return the member of exactly that path; a UserError where there is none."""
        for member in self.members(path):
            return member
        raise UserError(f"there is no {shown(path)} in it", where=str(self.path))

    def read(self, path: str) -> bytes:
        """Return a file's content, checked against its hash. It is held in memory; `chunks` are not."""
        return b"".join(self.chunks(self.member(path)))

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield a file's content in pieces; after the last, ArchiveError where its hash is another."""
        if member.kind != "f":
            raise UserError(f"{shown(member.path)} is no file", where=str(self.path))
        digest = hashlib.sha256()
        number, offset, left = member.frame, member.offset, member.size
        while left:
            data = self.frame(number)[offset : offset + left]
            digest.update(data)
            yield data
            left -= len(data)
            number, offset = number + 1, 0
        if digest.hexdigest() != member.sha256:
            raise ArchiveError(self.path, f"{shown(member.path)} is not what was archived")

    def frame(self, number: int) -> bytes:
        """Return the tar data of a frame. The last one asked for is kept."""
        if number >= len(self.directory.frames):
            raise ArchiveError(self.path, f"the index names frame {number}, and there is none")
        if self._last_frame[0] != number:
            span = self.directory.frames[number]
            data = self.unpacked(self.bytes_at(span.offset, span.size), span, f"frame {number}")
            self._last_frame = (number, data)
        return self._last_frame[1]

    def unpacked(self, data: bytes, span: Span, what: str) -> bytes:
        """Return the unpacked bytes of a frame or block that was read."""
        try:
            return unpack(data, span)
        except ValueError as problem:
            place = f"{what} (bytes {span.offset} to {span.offset + span.size})"
            raise damaged(self.path, place, problem) from problem

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Return bytes of the file."""
        found = bytearray()
        while len(found) < size:
            try:
                data = os.pread(self._fd, min(size - len(found), 1 << 30), offset + len(found))
            except OSError as problem:
                reason = f"cannot be read: {problem.strerror or problem}"
                raise UserError(reason, where=str(self.path)) from problem
            if not data:
                raise ArchiveError(self.path, f"it ends at byte {offset + len(found)}: it was cut short")
            found += data
        return bytes(found)

    def _block(self, number: int) -> list[Member]:
        what, span = f"block {number} of the index", self.directory.blocks[number]
        data = self.unpacked(self.bytes_at(span.offset, span.size), span, what)
        try:
            return list(parse_block(data))
        except NONSENSE as problem:
            raise damaged(self.path, what, problem) from problem

    def _read_directory(self) -> Directory:
        end = os.fstat(self._fd).st_size
        footer = parse_footer(self.bytes_at(max(end - FOOTER_SIZE, 0), min(end, FOOTER_SIZE)))
        if footer is None:
            if self.bytes_at(0, min(end, 4)) != ZSTD_MAGIC:
                raise ArchiveError(self.path, "this is no archive")
            raise ArchiveError(
                self.path, "its end is missing: it was cut short, or is no archive of genstudy"
            )
        offset, size, digest = footer
        if offset + SKIPPED.size + size + FOOTER_SIZE != end:
            raise ArchiveError(self.path, "its footer does not fit its size: bytes are missing or damaged")
        data = self.bytes_at(offset + SKIPPED.size, size)
        if hashlib.sha256(data).digest() != digest:
            raise ArchiveError(self.path, "its directory is damaged")
        try:
            return parse_directory(data, offset)
        except NONSENSE as problem:
            raise damaged(self.path, "its directory", problem) from problem
