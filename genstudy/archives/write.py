"""Archives written: a .tar.zst in many frames, and behind the tar data an index of all members.

docs/archive.md describes the format. read.py reads it, verify.py checks it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import zstandard

from genstudy.archives.format import (
    Span,
    directory_bytes,
    footer_bytes,
    pack_block,
    skipped,
)
from genstudy.archives.tar import BLOCK, END, PADS, form_of, header
from genstudy.archives.trees import (
    CHUNK,
    Interrupted,
    link_of,
    never,
    read_chunks,
    read_small,
    shown,
    sync_folder,
    text_of,
    walk,
)
from genstudy.errors import UserError
from genstudy.files import cannot_write, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from typing import BinaryIO

    from genstudy.archives.format import Row

FRAME = 1 << 19
"""A frame is ended once it holds so many bytes of tar data."""

BLOCK_MEMBERS = 512
"""Members that one block of the index describes."""

LEVEL = 3
"""As `tar --zstd` has it."""

THREADS = 2
LARGE = 1 << 21
"""A frame of so many bytes is packed in a thread."""

MOST_PACKING = 4
"""Frames that wait for a thread, or for their turn. A frame has FRAME + CHUNK bytes at most."""

SECOND = 1_000_000_000
NO_CONTENT = hashlib.sha256().digest()
SPOOLED = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An archive that was written. sha256, nbytes: of its bytes. entries: its members.

    content: bytes of all its files. skipped: sockets and devices, which no archive can hold.
    """

    sha256: str
    nbytes: int
    entries: int
    content: int
    skipped: tuple[str, ...]


def write_archive(
    sources: Sequence[Path],
    target: Path,
    *,
    stop: Callable[[], bool] = never,
    check: Callable[[Path, Written], None] = lambda *_: None,
) -> Written:
    """Write files and folders into a new archive that is on the disk under its name once this returns.

    Members begin with the name of their source, and stand in one order whatever the file system's is. Links
    are stored as links, files with several names once for each. Memory does not grow with what is archived.
    stop: asked before each member; Interrupted where it says so. check: gets the file, which is on the disk
    and has not its name yet, and what it raises leaves no file: one that has its name may be another's.

    UserError: the target exists or cannot be written, or a source cannot be read. Changed: a file was written
    to meanwhile. In any of these cases no file is left.
    """
    ordered = sorted(sources, key=lambda source: os.fsencode(source.name))
    check_names(ordered)
    if os.path.lexists(target):
        raise UserError("the archive exists already", where=str(target), hint="take it away, or give another")
    try:
        with (
            whole_file(target) as stream,
            tempfile.SpooledTemporaryFile(SPOOLED, dir=str(target.parent)) as spool,
        ):
            output = _Output(stream, spool)
            try:
                members = _Members(output, stop)
                for source in ordered:
                    members.add_tree(source)
                written = members.end()
            finally:
                output.close()
            stream.flush()
            os.fsync(stream.fileno())
            check(Path(stream.name), written)
        sync_folder(target.parent)
    except OSError as problem:  # What concerns the sources has become another error where it arose.
        raise cannot_write(target, problem) from problem
    return written


def check_names(sources: Sequence[Path]) -> None:
    """Refuse sources that would be one in an archive."""
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1 or name in {"", "..", "."}:
            raise UserError(f"'{shown(name)}' cannot be the name of one source among {len(names)}")


class _Members:
    """Turns files and folders into tar data and rows of the index."""

    def __init__(self, output: _Output, stop: Callable[[], bool]) -> None:
        self._output, self._stop = output, stop
        self._parts: list[bytes] = []
        self._filled = self._frame = 0
        self._rows: list[Row] = []
        self._entries = self._content = 0
        self._skipped: list[str] = []

    def add_tree(self, source: Path) -> None:
        """Add a file or folder, and all that is in it."""
        rows, parts, stop = self._rows, self._parts, self._stop
        for path, full, state in walk(source):
            if stop():
                raise Interrupted(f"{source} was not archived: asked to stop")
            form = form_of(state.st_mode, state.st_uid, state.st_gid)
            if form is None:
                self._skipped.append(text_of(path))
                continue
            # All of it in one function: a call for each of so many members would be felt.
            kind, mode, mtime_ns = form.kind, form.mode, state.st_mtime_ns
            name, size, last = path, 0, b""
            if kind == "f":
                size = state.st_size
            elif kind == "d":
                name = path + b"/"
            elif kind == "l":
                last = link_of(full)
            head = header(name, form, size, mtime_ns // SECOND, last)
            frame, offset = self._frame, self._filled + len(head)
            parts.append(head)
            self._filled = offset
            if kind == "f":
                last = self._add_content(full, size, state) if size else NO_CONTENT
            rows.append((path, kind, mode, size, mtime_ns, frame, offset, last))
            self._content += size
            if len(rows) == BLOCK_MEMBERS:
                self._end_block()
            if self._filled >= FRAME:
                self._end_frame()

    def end(self) -> Written:
        """End the archive."""
        self._parts.append(END)
        self._filled += len(END)
        self._end_frame()
        if self._rows:
            self._end_block()
        sha256, nbytes = self._output.finish(self._entries, self._content)
        return Written(
            sha256=sha256,
            nbytes=nbytes,
            entries=self._entries,
            content=self._content,
            skipped=tuple(self._skipped),
        )

    def _add_content(self, full: bytes, size: int, state: os.stat_result) -> bytes:
        """Add a file's content, and return its hash."""
        if size <= CHUNK:
            data = read_small(full, size)
            digest = hashlib.sha256(data)
            self._parts.append(data)
            self._filled += size
        else:
            digest = hashlib.sha256()
            for data in read_chunks(full, state):
                digest.update(data)
                self._parts.append(data)
                self._filled += len(data)
                self._end_frame()
        self._parts.append(PADS[size % BLOCK])
        self._filled += -size % BLOCK
        return digest.digest()

    def _end_frame(self) -> None:
        if self._filled:
            self._output.add_frame(b"".join(self._parts))
            self._frame += 1
            self._parts.clear()
            self._filled = 0

    def _end_block(self) -> None:
        self._output.add_block(pack_block(self._rows), self._rows[0][0])
        self._entries += len(self._rows)
        self._rows.clear()


class _Output:
    """The archive's file: frames and blocks are packed and come out in order.

    Frames go to the file at once, blocks to a spool, and from there behind the last frame. Frames of large
    files are packed in threads. Those of many small files are not: there Python is at work all the time,
    and the threads would only take its lock from each other.
    """

    def __init__(self, stream: BinaryIO, spool: IO[bytes]) -> None:
        self._stream, self._spool = stream, spool
        self._digest = hashlib.sha256()
        self._at = 0
        self._frames: list[Span] = []
        self._blocks: list[Span] = []
        self._packer = _packer()
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="archive")
        self._packing: deque[tuple[int, Future[tuple[bytes, str]]]] = deque()

    def add_frame(self, raw: bytes) -> None:
        """Add a frame of tar data."""
        if len(raw) >= LARGE:
            self._packing.append((len(raw), self._pool.submit(self._pack_in_thread, raw)))
            if len(self._packing) > MOST_PACKING:
                self._take()
        else:
            while self._packing:
                self._take()
            self._write_frame(*_packed(self._packer, raw), len(raw))

    def add_block(self, raw: bytes, first: bytes) -> None:
        """Add a block of the index. first: the first path in it."""
        data, sha256 = _packed(self._packer, raw)
        self._blocks.append(Span(offset=0, size=len(data), raw=len(raw), sha256=sha256, first=first))
        self._spool.write(skipped(data))

    def finish(self, members: int, content: int) -> tuple[str, int]:
        """Write what is behind the tar data; return the hash and size of the whole."""
        while self._packing:
            self._take()
        self._spool.seek(0)
        while data := self._spool.read(CHUNK):
            self._write(data)
        directory = directory_bytes(members, content, self._frames, self._blocks)
        offset = self._at
        self._write(skipped(directory))
        self._write(footer_bytes(offset, directory))
        return self._digest.hexdigest(), self._at

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _pack_in_thread(self, raw: bytes) -> tuple[bytes, str]:
        if not hasattr(self._local, "packer"):
            self._local.packer = _packer()
        return _packed(self._local.packer, raw)

    def _take(self) -> None:
        raw, future = self._packing.popleft()
        self._write_frame(*future.result(), raw)

    def _write_frame(self, data: bytes, sha256: str, raw: int) -> None:
        self._frames.append(Span(offset=self._at, size=len(data), raw=raw, sha256=sha256))
        self._write(data)

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._digest.update(data)
        self._at += len(data)


def _packer() -> zstandard.ZstdCompressor:
    """Return what makes zstd frames, for one thread."""
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)


def _packed(packer: zstandard.ZstdCompressor, raw: bytes) -> tuple[bytes, str]:
    """Return bytes as a zstd frame, and its hash."""
    data = packer.compress(raw)
    return data, hashlib.sha256(data).hexdigest()
