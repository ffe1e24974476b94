"""The studies of a batch saved: left where they are, archived, or moved; and cleared once that is proven."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.campaign.archive import write_archive
from genstudy.campaign.archive_format import ArchiveError, Member
from genstudy.campaign.archive_read import Archive
from genstudy.campaign.archive_verify import verify_archive
from genstudy.campaign.clearing import Facts, check_saved, delete, facts_of
from genstudy.campaign.moving import copy_studies
from genstudy.campaign.trees import Changed, bytes_of, count_entries, sync_folder
from genstudy.errors import RunError, UserError
from genstudy.files import cannot_write, named_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from genstudy.campaign.records import Save

ARCHIVE_ENDING = ".tar.zst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was saved, and where. path: None where it stays. nbytes: of the archive, or of the files.

    sha256: of the archive, or of the list of checksums. entries, content: files and folders, and the bytes of
    the files, as they were.
    """

    path: Path | None
    sha256: str | None
    nbytes: int
    entries: int
    content: int


def save(
    parts: Sequence[Path], *, mode: Save, target: Path, name: str, own: bool, stop: Callable[[], bool]
) -> Stored:
    """Save the studies of a batch and prove it.

    parts: folders and files. target: the folder of archives, or of what is moved; it is made if only it is
    missing. name: the batch's. own: nobody else writes to `target`, so that what is there of this batch is
    from a try that was cut short. stop: asked again and again; Interrupted where it says so.

    What is saved is on disk and was read back once this returns; nothing was deleted. Raises UserError,
    RunError or Changed where it could not be saved, and then nothing half-done is left.
    """
    if mode == "keep":
        counted = [count_entries(part) for part in parts]
        content = sum(nbytes for _, nbytes in counted)
        entries = sum(count for count, _ in counted)
        return Stored(path=None, sha256=None, nbytes=content, entries=entries, content=content)
    for part in parts:
        if target.resolve().is_relative_to(part.resolve()):
            raise UserError("a study cannot be saved inside of itself", where=str(target))
    _make_folder(target)
    if mode == "move":
        folder = target / name
        with named_errors(target):
            moved = copy_studies(parts, folder, stop=stop)
        return Stored(
            path=folder,
            sha256=moved.sha256,
            nbytes=moved.content,
            entries=moved.entries,
            content=moved.content,
        )
    return _archive(parts, target / f"{name}{ARCHIVE_ENDING}", own=own, stop=stop)


def clear(runs: Path, parts: Sequence[Path], *, mode: Save, saved: Path, keep: Collection[str]) -> int:
    """Delete the studies of a batch that were saved; return how many files and folders are left of them.

    runs: the folder that all of them are in. saved: the archive, or the folder with the copies. keep: paths
    below `runs` that stay. Raises Changed where a file appeared or changed since, and then nothing is
    deleted. An earlier call that was cut short is continued.
    """
    if runs.is_symlink():
        raise RunError(f"{runs} is a symbolic link: nothing is deleted")
    if mode == "archive":
        with Archive(saved) as archive:
            check_saved(parts, map(_facts, archive.members()), gone_is_fine=True)
    else:
        check_saved(parts, facts_of(list(saved.iterdir())), gone_is_fine=True)
    return delete(runs, parts, keep)


def _archive(parts: Sequence[Path], path: Path, *, own: bool, stop: Callable[[], bool]) -> Stored:
    if os.path.lexists(path):
        _make_way(parts, path, own=own)
    if not os.path.lexists(path):
        write_archive(parts, path, stop=stop)
    try:
        found = verify_archive(path, stop=stop)
        with Archive(path) as archive:
            check_saved(parts, map(_facts, archive.members()), gone_is_fine=False)
    except ArchiveError as problem:
        raise RunError(
            f"an archive reads differently than it was written: {problem}\n"
            "  is the disk in order? the workspaces are all there, and the archive is left to look at"
        ) from problem
    return Stored(
        path=path, sha256=found.sha256, nbytes=found.nbytes, entries=found.entries, content=found.content
    )


def _make_way(parts: Sequence[Path], path: Path, *, own: bool) -> None:
    """Keep an archive of an earlier try that holds these files; delete one that does not, if it is ours."""
    try:
        with Archive(path) as archive:
            check_saved(parts, map(_facts, archive.members()), gone_is_fine=False)
    except (ArchiveError, Changed, UserError) as problem:
        if not own:
            raise UserError(
                f"something of that name is there already: {problem}",
                where=str(path),
                hint="move it away, or give another --to",
            ) from problem
        path.unlink()


def _make_folder(target: Path) -> None:
    try:
        target.mkdir(exist_ok=True)
        sync_folder(target.parent)
    except FileExistsError:
        raise UserError("this is not a folder", where=str(target), hint="give another --to") from None
    except FileNotFoundError:
        raise UserError(
            f"the folder {target.parent} does not exist",
            where=str(target),
            hint="make it, or give another --to",
        ) from None
    except OSError as problem:
        raise cannot_write(target, problem) from problem


def _facts(member: Member) -> Facts:
    is_file = member.kind == "f"
    return (
        bytes_of(member.path),
        member.kind,
        member.size if is_file else 0,
        member.mtime_ns if is_file else 0,
        bytes_of(member.link),
    )
