"""How an archive's index, directory and footer are laid out in bytes; docs/archive.md describes it.

The file is zstd frames of tar data, then frames that zstd decoders skip: blocks of the index, the directory
of frames and blocks, and the footer that says where the directory is.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import zstandard

from genstudy.archives.trees import Kind, bytes_of, shown, text_of
from genstudy.errors import GenstudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

Row = tuple[bytes, Kind, int, int, int, int, int, bytes]
"""A member's path, kind, mode, size, mtime_ns, frame and offset, and its hash or where it leads."""

KIND_OF: dict[str, Kind] = {"f": "f", "d": "d", "l": "l", "p": "p"}
FORMAT = 1
SUFFIX = ".tar.zst"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPED = struct.Struct("<II")
SKIPPED_MAGIC = 0x184D2A57
FOOTER = struct.Struct("<QQ32s16s")
FOOTER_SIZE = SKIPPED.size + FOOTER.size
FOOTER_MARK = b"genstudy archive"
LARGEST = 1 << 26
"""No frame and no block unpacks to more bytes than this."""


class ArchiveError(GenstudyError):
    """An archive is damaged, cut short, or none of ours."""

    def __init__(self, path: Path, text: str) -> None:
        """Name the archive, and say what is wrong where."""
        super().__init__(f"{path}: {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file, folder, link or FIFO in an archive.

    path: begins with the name of what was archived. mode: rights alone. frame, offset: where its content
    begins. sha256: of a file's content, else empty. link: where a link leads.
    """

    path: str
    kind: Kind
    mode: int
    size: int
    mtime_ns: int
    frame: int
    offset: int
    sha256: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of the file: the first byte, its size, the size unpacked, and the hash of its bytes.

    first: the first path in a block of the index.
    """

    offset: int
    size: int
    raw: int
    sha256: str
    first: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Where all of an archive is.

    members: how many; content: bytes of all its files.
    start: the directory's first byte; end: the file's size.
    """

    members: int
    content: int
    frames: tuple[Span, ...]
    blocks: tuple[Span, ...]
    start: int
    end: int


def pack_block(rows: Sequence[Row]) -> bytes:
    """Return a block of the index, unpacked: a column after the other, so that it compresses well.

    Numbers are little-endian, texts end with a zero byte.
    """
    paths, kinds, modes, sizes, mtimes, frames, offsets, lasts = zip(*rows, strict=True)
    count = len(rows)
    texts = [*paths, *(last for last, kind in zip(lasts, kinds, strict=True) if kind == "l"), b""]
    return b"".join(
        (
            struct.pack("<I", count),
            "".join(kinds).encode(),
            struct.pack(
                f"<{count}H{count}Q{count}q{count}I{count}I", *modes, *sizes, *mtimes, *frames, *offsets
            ),
            *(last for last, kind in zip(lasts, kinds, strict=True) if kind == "f"),
            b"\0".join(texts),
        )
    )


def parse_block(data: bytes) -> Iterator[Member]:
    """Yield the members of an unpacked block of the index. Raises ValueError where it makes no sense."""
    try:
        (count,) = struct.unpack_from("<I", data)
        kinds = data[4 : 4 + count].decode("ascii")
        columns = struct.Struct(f"<{count}H{count}Q{count}q{count}I{count}I")
        numbers = columns.unpack_from(data, 4 + count)
    except struct.error as problem:
        raise ValueError(str(problem)) from problem
    at = 4 + count + columns.size
    files, links = kinds.count("f"), kinds.count("l")
    digests = iter(range(at, at + 32 * files, 32))
    *texts, end = data[at + 32 * files :].split(b"\0")
    if len(texts) != count + links or end or set(kinds) - set("fdlp"):
        raise ValueError("its columns do not fit each other")
    targets = iter(texts[count:])
    for number, (kind, path) in enumerate(zip(kinds, texts, strict=False)):
        mode, size, mtime_ns, frame, offset = numbers[number::count]
        start = next(digests) if kind == "f" else 0
        yield Member(
            path=text_of(path),
            kind=KIND_OF[kind],
            mode=mode,
            size=size,
            mtime_ns=mtime_ns,
            frame=frame,
            offset=offset,
            sha256=data[start : start + 32].hex() if kind == "f" else "",
            link=text_of(next(targets)) if kind == "l" else "",
        )


def skipped(data: bytes) -> bytes:
    """Return bytes as a frame that zstd decoders skip."""
    return SKIPPED.pack(SKIPPED_MAGIC, len(data)) + data


def directory_bytes(members: int, content: int, frames: Iterable[Span], blocks: Iterable[Span]) -> bytes:
    """Return the directory as it stands in the file."""
    lines: list[Any] = [{"format": FORMAT, "members": members, "content": content}]
    lines += [["frame", span.size, span.raw, span.sha256] for span in frames]
    lines += [["block", span.size, span.raw, span.sha256, text_of(span.first)] for span in blocks]
    return "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines).encode()


def footer_bytes(offset: int, directory: bytes) -> bytes:
    """Return the footer of an archive whose directory stands at `offset`."""
    digest = hashlib.sha256(directory).digest()
    return skipped(FOOTER.pack(offset, len(directory), digest, FOOTER_MARK))


def parse_footer(data: bytes) -> tuple[int, int, bytes] | None:
    """Return the offset, size and hash of the directory; None where this is no footer."""
    if len(data) != FOOTER_SIZE or SKIPPED.unpack_from(data) != (SKIPPED_MAGIC, FOOTER.size):
        return None
    offset, size, digest, mark = FOOTER.unpack_from(data, SKIPPED.size)
    return (offset, size, digest) if mark == FOOTER_MARK else None


def parse_directory(data: bytes, start: int) -> Directory:
    """Return a directory that stands at `start`. Raises ValueError where it makes no sense."""
    head, *lines = map(json.loads, data.splitlines())
    if head["format"] != FORMAT:
        raise ValueError(f"format {head['format']} is not known, a newer genstudy may")
    frames: list[Span] = []
    blocks: list[Span] = []
    at = 0
    for word, size, raw, sha256, *first in lines:
        if word == "frame" and not blocks:
            frames.append(Span(offset=at, size=size, raw=raw, sha256=sha256))
        elif word == "block":
            at += SKIPPED.size
            blocks.append(Span(offset=at, size=size, raw=raw, sha256=sha256, first=bytes_of(first[0])))
        else:
            raise ValueError(f"{word!r} is out of its place")
        if size <= 0 or not 0 < raw <= LARGEST:
            raise ValueError(f"a {word} has {size} bytes, {raw} unpacked")
        at += size
    if at != start:
        raise ValueError(f"frames and blocks end at {at}, and not at {start}")
    return Directory(
        members=head["members"],
        content=head["content"],
        frames=tuple(frames),
        blocks=tuple(blocks),
        start=start + SKIPPED.size,
        end=start + SKIPPED.size + len(data) + FOOTER_SIZE,
    )


def unpack(data: bytes, span: Span) -> bytes:
    """Return a frame or block unpacked. Raises ValueError where it is not what its span says.

    No more memory is taken than the span says, whatever the data say.
    """
    if hashlib.sha256(data).hexdigest() != span.sha256:
        raise ValueError("its bytes are not those that were written")
    try:
        if zstandard.frame_content_size(data) != span.raw:
            raise ValueError(f"it does not unpack to {span.raw} bytes")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=span.raw, allow_extra_data=False)
    except zstandard.ZstdError as problem:
        raise ValueError(str(problem)) from problem


def damaged(path: Path, what: str, problem: Exception) -> ArchiveError:
    """Return an error that says what is damaged."""
    return ArchiveError(path, f"{what} is damaged: {shown(str(problem))}")
