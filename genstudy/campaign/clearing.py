"""What was saved is deleted: after one more look that every file is as it was then, and never elsewhere."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from genstudy.campaign.archive_tar import form_of
from genstudy.campaign.trees import Changed, bytes_of, link_of, shown, sort_key, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

Facts = tuple[bytes, str, int, int, bytes]
"""A path, its kind, a file's size and mtime (ns), and where a link leads; else 0 or empty."""


def facts_of(parts: Sequence[Path]) -> Iterator[Facts]:
    """Yield the facts of all files, folders, links and FIFOs at or below some paths, in archives' order."""
    for part in sorted(parts, key=lambda path: sort_key(os.fsencode(path.name))):
        for path, full, state in walk(part):
            form = form_of(state.st_mode, 0, 0)
            if form is None:
                continue  # A socket or device holds nothing that could be saved.
            link = link_of(full) if form.kind == "l" else b""
            size, mtime = (state.st_size, state.st_mtime_ns) if form.kind == "f" else (0, 0)
            yield path, form.kind, size, mtime, link


def check_saved(parts: Sequence[Path], saved: Iterable[Facts], *, gone_is_fine: bool) -> None:
    """Compare what there is with what was saved, in one pass.

    Raises Changed, naming it, for the first file that was not saved or has changed since. gone_is_fine:
    whether files that were saved may be missing, as an earlier deletion was cut short.
    """
    stored = iter(saved)
    known = next(stored, None)
    for facts in facts_of(parts):
        while known is not None and known[0] != facts[0] and sort_key(known[0]) < sort_key(facts[0]):
            _check_gone(known, gone_is_fine=gone_is_fine)
            known = next(stored, None)
        if known is None or known[0] != facts[0]:
            raise Changed(f"{shown(facts[0])} appeared after its batch was saved; nothing is deleted")
        if known != facts:
            raise Changed(f"{shown(facts[0])} changed after its batch was saved; nothing is deleted")
        known = next(stored, None)
    while known is not None:
        _check_gone(known, gone_is_fine=gone_is_fine)
        known = next(stored, None)


def _check_gone(known: Facts, *, gone_is_fine: bool) -> None:
    if not gone_is_fine:
        raise Changed(f"{shown(known[0])} was saved, and is not there any more")


def delete(runs: Path, parts: Sequence[Path], keep: Collection[str]) -> int:
    """Delete files and folders in the folder of a campaign's studies; return how many entries are left.

    keep: paths below `runs` that stay with all that is in them, and with the folders on the way there. No
    link is followed: each folder is opened from the one that it is in.
    """
    kept = {bytes_of(path) for path in keep}
    handle = _open_folder(runs, None)
    try:
        return sum(
            _delete(handle, os.fsencode(part.name), os.fsencode(part.name), kept)
            for part in parts
            if part.parent == runs
        )
    finally:
        os.close(handle)


def _open_folder(path: Path | bytes, within: int | None) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)


def _delete(within: int, name: bytes, path: bytes, kept: set[bytes]) -> int:
    try:
        state = os.stat(name, dir_fd=within, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    if not stat.S_ISDIR(state.st_mode):
        if path in kept:
            return 1
        os.unlink(name, dir_fd=within)
        return 0
    if path in kept:
        return 1 + _count(within, name)
    if state.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(name, stat.S_IMODE(state.st_mode) | stat.S_IRWXU, dir_fd=within)
    handle = _open_folder(name, within)
    try:
        with os.scandir(handle) as found:
            names = [os.fsencode(entry.name) for entry in found]
        left = sum(_delete(handle, child, path + b"/" + child, kept) for child in names)
    finally:
        os.close(handle)
    if left:
        return left + 1
    os.rmdir(name, dir_fd=within)
    return 0


def _count(within: int, name: bytes) -> int:
    handle = _open_folder(name, within)
    try:
        with os.scandir(handle) as found:
            entries = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in found]
        return len(entries) + sum(_count(handle, child) for child, is_folder in entries if is_folder)
    finally:
        os.close(handle)
