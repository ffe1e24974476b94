"""Files of a campaign written to another place, out of an archive or from workspaces."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genstudy.archives.extract import stays_inside
from genstudy.archives.trees import bytes_of, shown, text_of, walk
from genstudy.errors import GenstudyError, UserError
from genstudy.files import named_errors, whole_file, whole_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genstudy.archives.format import Member
    from genstudy.batches.stored import Stored

Item = tuple[str, "Member"]
"""The path that a member gets, and the member."""

SHOWN = 5


def write_file(stored: Stored, member: Member, target: Path | BinaryIO, *, force: bool) -> None:
    """Write one file's content to a new file, or to a stream. force: replace a file that exists."""
    if not isinstance(target, Path):
        for data in stored.chunks(member):
            target.write(data)
        target.flush()
        return
    with named_errors(target), whole_file(target, force=force) as stream:
        for data in stored.chunks(member):
            stream.write(data)
    if member.mode & 0o100:
        target.chmod(target.stat().st_mode | 0o100)


def write_folder(stored: Stored, items: Sequence[Item], target: Path, *, force: bool) -> tuple[str, ...]:
    """Write files and folders below a new folder, which appears once it is complete.

    Links are made as links, but for those that lead out of the folder; these and FIFOs are not made, and
    their paths are returned. force: replace a folder that holds nothing but what is written now.
    """
    paths = {bytes_of(path) for path, _ in items}
    paths |= {path[:end] for path in paths for end, mark in enumerate(path) if mark == ord("/")}

    def check_old(old: Path) -> None:
        _check_replaceable(old, paths)

    refused = []
    with whole_folder(target, may_replace=check_old if force else None) as folder:
        # Links come last, so that none can be on the way of what is written.
        for path, member in sorted(items, key=lambda item: item[1].kind == "l"):
            parts = _parts(stored, path)
            place = folder.joinpath(*map(os.fsdecode, parts))
            place.parent.mkdir(parents=True, exist_ok=True)
            if member.kind == "d":
                place.mkdir(exist_ok=True)
            elif member.kind == "f":
                _write_new(stored, member, place)
            elif member.kind == "l" and stays_inside(parts, member.link):
                place.symlink_to(os.fsdecode(bytes_of(member.link)))
            else:
                refused.append(path)
    return tuple(sorted(refused))


def _write_new(stored: Stored, member: Member, place: Path) -> None:
    with place.open("xb") as stream:
        for data in stored.chunks(member):
            stream.write(data)
    place.chmod((member.mode & 0o755) | 0o600)
    os.utime(place, ns=(member.mtime_ns, member.mtime_ns))


def _parts(stored: Stored, path: str) -> list[bytes]:
    parts = bytes_of(path).split(b"/")
    if any(part in {b"", b".", b".."} or b"\0" in part for part in parts):
        raise GenstudyError(f"{stored.path}: {shown(path)} leads elsewhere; nothing was written")
    return parts


def _check_replaceable(folder: Path, paths: Iterable[bytes]) -> None:
    """Refuse to replace what is no folder, or holds something else than these paths."""
    if folder.is_symlink() or not folder.is_dir():
        raise UserError("this is not a folder", where=str(folder), hint="choose another -o")
    known = set(paths)
    above = len(os.fsencode(folder.name)) + 1
    others = [
        text_of(path[above:]) for path, *_ in walk(folder) if path[above:] and path[above:] not in known
    ]
    if others:
        raise UserError(
            f"the folder holds what is not fetched now: {', '.join(map(shown, others[:SHOWN]))}",
            where=str(folder),
            hint="choose another -o: --force replaces only what was fetched before",
        )
