"""Files and folders that appear whole or not at all, and their hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal. The file is streamed."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sibling(path: Path, word: str) -> Path:
    return path.with_name(f".{path.name}.{word}-{os.getpid()}")


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise UserError(
            f"the folder {path.parent} does not exist",
            where=str(path),
            hint=f"make it first: mkdir -p {path.parent}",
        )


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when the block ends well.

    The bytes go to a sibling and are synced before the name is taken, so a full disk or a crash leaves
    what stood there before. An existing file is a UserError unless `force` is set.
    """
    _check_parent(path)
    if path.is_dir():
        raise UserError("this is a folder, not a file", where=str(path))
    if path.exists() and not force:
        raise UserError(
            "the file exists already", where=str(path), hint="pass --force to replace it, or another -o"
        )
    part = _sibling(path, "part")
    try:
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_new_folder(path: Path, *, replace: bool = False) -> None:
    """Refuse a folder that exists (unless it may be replaced), or that has nowhere to be."""
    _check_parent(path)
    if (path.exists() or path.is_symlink()) and not replace:
        raise UserError(
            "the folder exists already", where=str(path), hint="pass --force to replace it, or another -o"
        )


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a new empty folder that takes its name `path` only when the block ends well.

    With `replace`, a folder that stands there is moved aside first and deleted last; whether it may be
    replaced is the caller's to decide.
    """
    check_new_folder(path, replace=replace)
    part, old = _sibling(path, "part"), _sibling(path, "old")
    part.mkdir()
    try:
        yield part
        if path.exists():
            path.rename(old)
        try:
            part.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if old.exists():
        shutil.rmtree(old)
