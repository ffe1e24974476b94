"""What becomes of a batch's studies once it ended: kept where they are, archived, or moved; then cleared.

What an interrupted call left under its name is accepted where it is what would be made now. Unfinished files
have hidden names, and the next call removes them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.archives.clearing import clear
from genstudy.archives.format import SUFFIX, ArchiveError
from genstudy.archives.moving import LIST_SUFFIX, Copied, check_copies, copy_studies, discard, list_of
from genstudy.archives.read import Archive
from genstudy.archives.trees import (
    Changed,
    Interrupted,
    bytes_of,
    count_entries,
    never,
    sync_folder,
)
from genstudy.archives.verify import check_sources, verify_archive
from genstudy.archives.write import Written, check_names, write_archive
from genstudy.errors import RunError, UserError
from genstudy.files import cannot_write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from genstudy.ledger.records import Save

__all__ = ["Changed", "Interrupted", "Saving", "clear", "count_entries", "save"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What saving a batch came to, as the ledger records it. path: the archive or folder, if there is one.

    skipped: sockets and devices, which are neither saved nor cleared.
    """

    path: Path | None
    sha256: str | None
    nbytes: int
    entries: int
    content: int
    skipped: tuple[str, ...] = ()


def save(
    parts: Sequence[Path],
    *,
    mode: Save,
    target: Path,
    name: str,
    own: bool = False,
    stop: Callable[[], bool] = never,
) -> Saving:
    """Save the studies of a batch; nothing of them is deleted.

    parts: their folders, and the files beside them. target: the folder of archives or copies, made if its
    parent exists. name: the archive is target/name.tar.zst, the copies target/name with target/name.sha256.
    own: nobody else writes to `target`, so an archive there that has files of `parts` only is one of a call
    that was interrupted, and is made anew where they changed since. stop: asked between members.

    What returns is on the disk, and was read back from there and compared. UserError: the folder cannot be
    written, or something of that name is there and is not what would be written now. Changed: a file was
    written to meanwhile. Interrupted: `stop` said so. In each case nothing unfinished is left.
    """
    if mode == "keep":
        counts = [count_entries(part) for part in parts]
        entries, content = (sum(count[column] for count in counts) for column in (0, 1))
        return Saving(path=None, sha256=None, nbytes=content, entries=entries, content=content)
    sources = sorted(parts, key=lambda part: os.fsencode(part.name))
    _check_sources(sources)
    _prepare(target, sources)
    _remove_unfinished(target, name)
    facts: Written | Copied
    if mode == "archive":
        path = target / f"{name}{SUFFIX}"
        facts = _archived(sources, path, own, stop)
    else:
        path = target / name
        facts = _moved(sources, path, stop)
    return Saving(
        path=path,
        sha256=facts.sha256,
        nbytes=facts.nbytes,
        entries=facts.entries + len(facts.skipped),
        content=facts.content,
        skipped=facts.skipped,
    )


def _check_sources(sources: Sequence[Path]) -> None:
    """Refuse what could be saved, but never be cleared."""
    check_names(sources)
    for source in sources:
        for path in (source, source.parent):
            if path.is_symlink():
                raise UserError(
                    "this is a link: nothing is saved or deleted through it",
                    where=str(path),
                    hint="put the folder itself in its place",
                )


def _prepare(folder: Path, sources: Sequence[Path]) -> None:
    """Make the folder that takes archives or copies, unless it is there."""
    place = folder.resolve()
    for source in sources:
        if place.is_relative_to(source.resolve()):
            raise UserError(f"it lies in {source}, which is to be saved", where=str(folder))
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        raise UserError(
            f"the folder {folder.parent} does not exist",
            where=str(folder),
            hint="make it, or mount what belongs there",
        )
    try:
        folder.mkdir()
        sync_folder(folder.parent)
    except OSError as problem:
        raise cannot_write(folder, problem) from problem


def _remove_unfinished(folder: Path, name: str) -> None:
    """Remove what calls for the same name left that were killed."""
    ours = re.compile(rf"\.{re.escape(name)}({re.escape(SUFFIX)})?\.part-\d+-[0-9a-f]{{8}}({LIST_SUFFIX})?")
    try:
        for entry in list(folder.iterdir()):
            if ours.fullmatch(entry.name):
                discard(entry)
    except OSError as problem:
        raise cannot_write(folder, problem) from problem


def _refused(path: Path, problem: Exception) -> UserError:
    return UserError(
        f"something of this name is there, and is not what would be saved: {problem}",
        where=str(path),
        hint="see what it is, and move it away; the studies are where they were",
    )


# Archives


def _archived(sources: Sequence[Path], path: Path, own: bool, stop: Callable[[], bool]) -> Written:
    if os.path.lexists(path):
        try:
            return _accepted_archive(sources, path, stop)
        except (ArchiveError, RunError, OSError) as problem:
            if not (own and _has_nothing_else(path, sources)):
                raise _refused(path, problem) from problem
        path.unlink()

    def check(part: Path, written: Written) -> None:
        found = verify_archive(part, written.sha256, stop=stop)
        if (found.entries, found.content) != (written.entries, written.content):
            raise ArchiveError(path, f"{found.entries} members were read back, {written.entries} written")

    return write_archive(sources, path, stop=stop, check=check)


def _accepted_archive(sources: Sequence[Path], path: Path, stop: Callable[[], bool]) -> Written:
    """Accept an archive that is whole and holds just what is on disk: a crash came before it was recorded."""
    found = verify_archive(path, stop=stop)
    with Archive(path) as archive:
        skipped = check_sources(archive, sources, stop=stop)
    sync_folder(path.parent)
    return Written(
        sha256=found.sha256,
        nbytes=found.nbytes,
        entries=found.entries,
        content=found.content,
        skipped=skipped,
    )


def _has_nothing_else(path: Path, sources: Sequence[Path]) -> bool:
    """Tell whether all that is in an archive is on disk as well, if with other content."""
    folders = {source.name: source.parent for source in sources}
    try:
        with Archive(path) as archive:
            for member in archive.members():
                folder = folders.get(member.path.partition("/")[0])
                if folder is None or not os.path.lexists(folder / os.fsdecode(bytes_of(member.path))):
                    return False
    except (ArchiveError, UserError):
        return False
    return True


# Copies


def _moved(sources: Sequence[Path], path: Path, stop: Callable[[], bool]) -> Copied:
    if os.path.lexists(path):
        try:
            found = check_copies(sources, path, stop, again=True)
            sync_folder(path.parent)
        except (RunError, OSError) as problem:
            raise _refused(path, problem) from problem
        return found
    part = path.with_name(f".{path.name}.part-{os.getpid()}-{os.urandom(4).hex()}")
    place_of_list, list_part = list_of(path), list_of(part)
    try:
        copied = copy_studies(sources, part, path, stop)
        if os.path.lexists(place_of_list) and place_of_list.read_bytes() != list_part.read_bytes():
            raise _refused(place_of_list, RunError("it lists other files"))
        # In this order: a folder under its own name has its list beside it.
        list_part.replace(place_of_list)
        part.rename(path)
        sync_folder(path.parent)
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    finally:
        discard(part)
        discard(list_part)
    return copied
