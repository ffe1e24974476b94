"""Studies copied to another place, usually another file system: hashed on the way, and read back there."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.campaign.archive_tar import form_of
from genstudy.campaign.clearing import check_saved, facts_of
from genstudy.campaign.trees import (
    Changed,
    Interrupted,
    forget_cached,
    link_of,
    read_chunks,
    shown,
    sync_file_system,
    sync_folder,
    walk,
)
from genstudy.errors import UserError
from genstudy.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was copied. sha256: of the list of checksums; entries: files and folders; content: bytes."""

    sha256: str
    entries: int
    content: int


def list_of(folder: Path) -> Path:
    """Return the list of checksums of a folder of copies; it stands beside it, for `sha256sum -c`."""
    return folder.with_name(folder.name + ".sha256")


def copy_studies(parts: Sequence[Path], folder: Path, *, stop: Callable[[], bool]) -> Moved:
    """Copy files and folders into a new folder, which appears once all was read back and matched.

    A folder that is there already, of an earlier try, is taken if it holds just what is to be copied, and
    refused otherwise. Links are copied as links; sockets and devices are not.
    """
    if os.path.lexists(folder):
        return _accept(parts, folder)
    hidden = folder.with_name(f".{folder.name}.part-{os.getpid()}-{os.urandom(4).hex()}")
    hidden.mkdir()
    try:
        lines, entries, content = _copy(parts, hidden, folder.name, stop)
        sync_file_system(hidden)
        _read_back(hidden, lines, stop)
        text = b"".join(line for line, _, _ in lines)
        with whole_file(list_of(folder), force=True) as stream:
            stream.write(text)
        hidden.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return Moved(sha256=hashlib.sha256(text).hexdigest(), entries=entries, content=content)


Line = tuple[bytes, bytes, str]
"""A line of the list of checksums, the path below the folder of copies, the hash."""


def _copy(
    parts: Sequence[Path], hidden: Path, name: str, stop: Callable[[], bool]
) -> tuple[list[Line], int, int]:
    lines: list[Line] = []
    folders: list[tuple[bytes, os.stat_result]] = []
    entries = content = 0
    root = os.fsencode(hidden)
    for part in parts:
        for path, full, state in walk(part):
            if stop():
                raise Interrupted(f"{part} was not moved: asked to stop")
            form = form_of(state.st_mode, 0, 0)
            if form is None:
                continue
            target = root + b"/" + path
            entries += 1
            if form.kind == "d":
                os.mkdir(target, 0o700)  # noqa: PTH102 - a name in bytes
                folders.append((target, state))
            elif form.kind == "l":
                os.symlink(link_of(full), target)  # noqa: PTH211 - names in bytes
            elif form.kind == "f":
                digest = _copy_file(full, target, state)
                content += state.st_size
                lines.append((_line(digest, os.fsencode(name) + b"/" + path), path, digest))
            else:
                os.mkfifo(target, form.mode)
    for target, state in reversed(folders):
        _take_over(target, state)
    return lines, entries, content


def _copy_file(source: bytes, target: bytes, state: os.stat_result) -> str:
    digest = hashlib.sha256()
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        for data in read_chunks(source, state):
            digest.update(data)
            stream.write(data)
    _take_over(target, state)
    return digest.hexdigest()


def _take_over(target: bytes, state: os.stat_result) -> None:
    os.chmod(target, state.st_mode & 0o777)  # noqa: PTH101 - a name in bytes
    os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))


def _line(digest: str, path: bytes) -> bytes:
    """Return a line as sha256sum writes it: a path with a newline or backslash is escaped and marked."""
    escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != path else b"") + digest.encode() + b"  " + escaped + b"\n"


def _read_back(folder: Path, lines: Sequence[Line], stop: Callable[[], bool]) -> None:
    root = os.fsencode(folder)
    for _, path, digest in lines:
        if stop():
            raise Interrupted(f"{folder} was not moved: asked to stop")
        if _hash_of(root + b"/" + path) != digest:
            raise Changed(f"{shown(path)} reads differently at its new place; nothing is deleted")


def _hash_of(path: bytes) -> str:
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        forget_cached(stream.fileno())
        while data := stream.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()


def _accept(parts: Sequence[Path], folder: Path) -> Moved:
    """Take the copies of an earlier try, if they are what is to be copied."""
    try:
        check_saved(parts, facts_of(sorted(folder.iterdir())), gone_is_fine=False)
        text = list_of(folder).read_bytes()
        lines = checksums(text, folder.name)
        _read_back(folder, lines, lambda: False)
        found = {path for path, kind, *_ in facts_of(parts) if kind == "f"}
        if found != {path for _, path, _ in lines}:
            raise Changed(f"{list_of(folder)} lists other files")
    except (Changed, OSError, ValueError) as problem:
        raise UserError(
            f"something of that name is there already, and is not what is to be moved: {problem}",
            where=str(folder),
            hint="move it away, or give another --to",
        ) from problem
    facts = list(facts_of(parts))
    content = sum(size for _, _, size, _, _ in facts)
    return Moved(sha256=hashlib.sha256(text).hexdigest(), entries=len(facts), content=content)


def checksums(text: bytes, name: str) -> list[Line]:
    """Return the lines of a list of checksums for the folder `name`. Raises ValueError for others."""
    lines = []
    prefix = os.fsencode(name) + b"/"
    for line in text.splitlines(keepends=True):
        marked = line.startswith(b"\\")
        digest, _, path = line.removeprefix(b"\\").rstrip(b"\n").partition(b"  ")
        if marked:
            path = _unescaped(path)
        parts = path.removeprefix(prefix).split(b"/")
        if not path.startswith(prefix) or any(part in {b"", b".", b".."} for part in parts):
            raise ValueError(f"{shown(path)} is not in {name}")
        lines.append((line, path.removeprefix(prefix), digest.decode("ascii")))
    return lines


def _unescaped(path: bytes) -> bytes:
    pieces = path.split(b"\\\\")
    return b"\\".join(piece.replace(b"\\n", b"\n").replace(b"\\r", b"\r") for piece in pieces)
