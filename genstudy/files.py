"""Files and folders that appear whole or not at all, and their hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
BLOCK_BYTES = 1 << 20


def sha256_of(path: Path, nbytes: int | None = None) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal. The file is streamed.

    nbytes: only of so many, the first ones.
    """
    with path.open("rb") as stream:
        if nbytes is None:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        digest = hashlib.sha256()
        while nbytes and (data := stream.read(min(nbytes, BLOCK_BYTES))):
            digest.update(data)
            nbytes -= len(data)
        return digest.hexdigest()


def _sibling(path: Path, word: str) -> Path:
    """Return a hidden name beside `path` that no other process has, on this machine or another."""
    return path.with_name(f".{path.name}.{word}-{os.getpid()}-{os.urandom(4).hex()}")


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise UserError(
            f"the folder {path.parent} does not exist",
            where=str(path),
            hint=f"make it first: {shlex.join(['mkdir', '-p', str(path.parent)])}",
        )


def cannot_write(path: Path, problem: OSError) -> UserError:
    """Return what the file system refused as a mistake that names `path`, with the way out."""
    if problem.errno in FULL:
        hint = "make room there, or choose another place; nothing was left there"
    elif problem.errno in FORBIDDEN:
        hint = "choose a folder that you may write to"
    else:
        hint = "choose another place"
    return UserError(f"cannot be written: {problem.strerror or problem}", where=str(path), hint=hint)


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what the file system refuses at `path`, or inside of it, into a UserError that names it."""
    try:
        yield
    except OSError as problem:
        if not _concerns(problem, path):
            raise
        raise cannot_write(path, problem) from problem


def _concerns(problem: OSError, path: Path) -> bool:
    """Tell whether an error is about a path; one of an open stream has no name, only a reason."""
    if problem.filename is None:
        return problem.errno in FULL
    return str(problem.filename) == str(path) or str(problem.filename).startswith(f"{path}{os.sep}")


def _check_file(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise UserError("this is a folder, not a file", where=str(path))
    if path.exists() and not force:
        raise UserError(
            "the file exists already", where=str(path), hint="pass --force to replace it, or another -o"
        )


@contextmanager
def whole_file(path: Path, *, force: bool = False, sync: bool = True) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when the block ends well.

    The bytes go to a sibling and are synced before the name is taken, so a full disk or a crash leaves
    what stood there before. An existing file is a UserError unless `force` is set. An OSError names `path`.
    sync: not set where many files are written, and synced together before anything tells of them.
    """
    _check_parent(path)
    _check_file(path, force=force)
    part = _sibling(path, "part")
    try:
        stream = part.open("xb")
        try:
            with stream:
                yield stream
                stream.flush()
                if sync:
                    os.fsync(stream.fileno())
            _check_file(path, force=force)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        if _concerns(problem, part):
            problem.filename, problem.filename2 = str(path), None
        raise


def check_new_folder(path: Path, *, replace: bool = False) -> None:
    """Refuse a folder that exists (unless it may be replaced), or that has nowhere to be."""
    _check_parent(path)
    if _is_there(path) and not replace:
        if not path.is_dir():
            raise UserError(
                "it exists already, and is not a folder", where=str(path), hint="choose another -o"
            )
        raise UserError(
            "the folder exists already", where=str(path), hint="pass --force to replace it, or another -o"
        )
    if path.name in {"", ".."}:
        raise UserError("this folder cannot be replaced", where=str(path), hint="call it by its name")


@contextmanager
def whole_folder(path: Path, *, may_replace: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Give a new empty folder that takes its name `path` only when the block ends well.

    may_replace: what stands there at the end is moved aside, given to this, which raises UserError if it is
    to stay, and deleted last. With None, nothing is replaced, whenever it appeared.
    """
    check_new_folder(path, replace=may_replace is not None)
    part, old = _sibling(path, "part"), _sibling(path, "old")
    with named_errors(path), _renamed_errors(part, path):
        part.mkdir()
        try:
            yield part
            _take_name(part, path, old, may_replace)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    if _is_there(old):
        shutil.rmtree(old)


@contextmanager
def _renamed_errors(part: Path, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.filename is not None and _concerns(problem, part):
            problem.filename = str(path)
        raise


def _take_name(part: Path, path: Path, old: Path, may_replace: Callable[[Path], None] | None) -> None:
    """Rename `part` to `path`; what stands there goes to `old`, or is back at its place after an error."""
    if _is_there(path):
        if may_replace is None:
            raise UserError("the folder has appeared meanwhile", where=str(path), hint="choose another -o")
        path.rename(old)
    try:
        if may_replace is not None and _is_there(old):
            may_replace(old)
        part.rename(path)
    except BaseException as problem:
        if _is_there(old) and not _is_there(path):
            old.rename(path)
        if isinstance(problem, UserError) and problem.where:
            problem.where = problem.where.replace(str(old), str(path))
        raise
