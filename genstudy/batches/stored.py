"""The files of a batch's studies, read where they are: as workspaces, in another folder, in an archive."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from genstudy.archives.format import Member
from genstudy.archives.read import Archive
from genstudy.archives.trees import CHUNK, KIND_OF_TYPE, READ, bytes_of, link_of, shown, text_of, walk
from genstudy.batches.places import BESIDE_STUDIES, RUNS
from genstudy.batches.rows import LABEL, RowFinder
from genstudy.errors import GenstudyError, UserError
from genstudy.ledger.state import Contradiction
from genstudy.maestro.specs import folder_name
from genstudy.maestro.status import STATUS, Status, read_status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from genstudy.batches.known import Known
    from genstudy.batches.rows import BatchRows
    from genstudy.ledger.state import BatchState


class Stored(Protocol):
    """A batch's files. Their paths begin with a study's name, or with that of its log."""

    path: Path
    """The archive, or the folder in which the studies are."""

    def members(self, prefix: str = "") -> Iterator[Member]:
        """Yield the member of that path and all below it, in order; all members without one."""

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield a file's content in pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A row's workspace of a step. step: that one's folder in the study; path: as members have it."""

    row: int
    step: str
    path: str


class StoredFolder:
    """A batch's files as they lie in a folder."""

    def __init__(self, path: Path, names: list[str]) -> None:
        """Take the folder, and the names in it that belong to the batch."""
        self.path, self._names = path, names

    def members(self, prefix: str = "") -> Iterator[Member]:
        """Yield the member of that path and all below it, in order; all members without one."""
        for name in [prefix.rstrip("/")] if prefix else self._names:
            place = self._place(name)
            above, slash, _ = bytes_of(name).rpartition(b"/")
            for path, full, state in walk(place) if os.path.lexists(place) else ():
                kind = KIND_OF_TYPE.get(stat.S_IFMT(state.st_mode))
                if kind is not None:
                    yield Member(
                        path=text_of(above + slash + path),
                        kind=kind,
                        mode=stat.S_IMODE(state.st_mode),
                        size=state.st_size if kind == "f" else 0,
                        mtime_ns=state.st_mtime_ns,
                        frame=0,
                        offset=0,
                        link=text_of(link_of(full)) if kind == "l" else "",
                    )

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield a file's content in pieces."""
        place = self._place(member.path)
        try:
            with os.fdopen(os.open(place, READ), "rb") as stream:
                while data := stream.read(CHUNK):
                    yield data
        except OSError as problem:
            raise UserError(
                f"cannot be read: {problem.strerror or problem}", where=shown(str(place))
            ) from problem

    def is_folder(self, name: str) -> bool:
        """Tell whether a member is there, and a folder."""
        place = self._place(name)
        return place.is_dir() and not place.is_symlink()

    def _place(self, name: str) -> Path:
        """Return where a member is; a GenstudyError where that leads out of the folder."""
        place = self.path
        for part in os.fsdecode(bytes_of(name)).split("/"):
            if part in {"", ".", ".."} or "\0" in part or place.is_symlink():
                raise GenstudyError(f"{shown(str(place))}: {shown(name)!r} leads out of this folder")
            place /= part
        return place


@contextmanager
def open_stored(folder: Path, batch: BatchState) -> Iterator[Stored]:
    """Give the files of a batch's studies, from where they were saved, or else from their workspaces.

    folder: the campaign's. Raises UserError where what was saved is missing, and ArchiveError where an
    archive is damaged.
    """
    for study in batch.studies:
        if "/" in study or "\0" in study or study in {"", ".", ".."}:
            raise Contradiction(f"the ledger names the study {study!r}, which is no folder's name")
    saved = batch.saved
    if saved is None or saved.mode == "keep":
        runs = folder / RUNS
        names = sorted(study + ending for study in batch.studies for ending in BESIDE_STUDIES)
        yield StoredFolder(runs, names)
        return
    path = folder / saved.path
    if not path.exists():
        word = "archive" if saved.mode == "archive" else "folder of files"
        raise UserError(
            f"the {word} of batch {batch.entry.id} is missing",
            where=str(path),
            hint="bring it back to that place" + _left_in(folder, batch),
        )
    if saved.mode == "archive":
        with Archive(path) as archive:
            yield archive
    else:
        yield StoredFolder(path, sorted(entry.name for entry in path.iterdir()))


def _left_in(folder: Path, batch: BatchState) -> str:
    """Say which workspaces are still where they were."""
    left = [study for study in batch.studies if (folder / RUNS / study).is_dir()]
    return f"; some of its workspaces are still in {folder / RUNS / left[-1]}" if left else ""


def workspaces(
    known: Known, stored: Stored, study: str, rows: BatchRows, wanted: Collection[int]
) -> Iterator[Workspace]:
    """Yield where the workspaces of wanted rows are, a step after the other.

    rows: the batch's. Inline, only those are known that Maestro recorded; the others are there or not.
    """
    folders = [folder_name(step.name) for step in known.manifest.steps if step.runs == "row"]
    if not rows.values:
        for folder in folders:
            for row in wanted:
                path = f"{study}/{folder}/{LABEL}{rows.id_of(row)}"
                yield Workspace(row=row, step=folder, path=path)
        return
    finder = RowFinder(rows)
    for run in _status_of(stored, study).runs:
        if run.folder in folders:
            for row in finder.find(run.label, run.params):
                if row in wanted:
                    yield Workspace(row=row, step=run.folder, path=f"{study}/{run.folder}/{run.label}")


def _status_of(stored: Stored, study: str) -> Status:
    """Return what Maestro recorded of a study."""
    with tempfile.TemporaryDirectory() as folder:
        for member in stored.members(f"{study}/{STATUS}"):
            with (Path(folder) / STATUS).open("wb") as stream:
                for data in stored.chunks(member):
                    stream.write(data)
        return read_status(Path(folder)) or Status(runs=(), whole=False)


def missing_folders(stored: Stored, paths: Collection[str]) -> set[str]:
    """Return those of these paths that are no folders among the members."""
    if isinstance(stored, StoredFolder):
        return {path for path in paths if not stored.is_folder(path)}
    missing = set(paths)
    for member in stored.members():
        if member.kind == "d":
            missing.discard(member.path)
    return missing
