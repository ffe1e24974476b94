"""The workspaces of a batch's rows out of an archive: what is wanted of them, copied in pieces."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.archives.extract import stays_inside
from genstudy.archives.format import ArchiveError
from genstudy.archives.trees import bytes_of, shown
from genstudy.maestro.status import STATUS
from genstudy.results.row_folders import Piece, StepPlaces, paths_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from genstudy.archives.format import Member
    from genstudy.archives.read import Archive

COPIED_ROWS = 500
COPIED_BYTES = 1 << 28
"""Of an archive, no more rows or bytes are on the disk at a time, unless one row has more."""


class Archived:
    """Workspaces in an archive, read in its own order; what is wanted of them is copied below `folder`.

    wants: whether a step's file, by its path in the workspace, is needed. Links are made if they cannot lead
    out of their workspace, pipes never.
    """

    def __init__(self, archive: Archive, folder: Path, wants: Callable[[str, str], bool]) -> None:
        self._archive, self._folder, self._wants = archive, folder, wants

    def has(self, study: str) -> bool:
        """Tell whether there is a study of that name."""
        return next(self._archive.members(study), None) is not None

    def record(self, study: str) -> Path:
        """Return a folder with the study's status.csv, if there is one."""
        folder = self._folder / "records"
        for member in self._archive.members(f"{study}/{STATUS}"):
            if member.kind == "f" and not (folder / study / STATUS).exists():
                _write(self._archive, member, folder / study / STATUS)
        return folder / study

    def pieces(self, study: str, steps: Sequence[StepPlaces], rows: Sequence[int]) -> Iterator[Piece]:
        """Yield the rows with these places, some at a time; the paths of a piece hold until the next one."""
        with tempfile.TemporaryDirectory(dir=self._folder) as common:
            there = {
                step.name: self._copy_all(study, step, Path(common)) for step in steps if not step.of_rows
            }
            order = sorted(rows, key=next((_order(step) for step in steps if step.of_rows), None))
            cursors = {step.name: _Cursor(self._found(study, step)) for step in steps if step.of_rows}
            start = 0
            while start < len(order):
                wanted, stop = self._gather(steps, cursors, order, start)
                places, start = order[start:stop], stop
                with tempfile.TemporaryDirectory(dir=self._folder) as own:
                    paths: list[Sequence[str | None]] = []
                    for step in steps:
                        root = common
                        if step.of_rows:
                            there[step.name], root = self._copy(wanted[step.name], Path(own)), own
                        paths.append(paths_in(f"{root}/{study}", step, there[step.name], places))
                    yield Piece(places=places, paths=paths)

    def _found(self, study: str, step: StepPlaces) -> Iterator[_Found]:
        """Yield the workspaces of a step in the archive's order, each with what is wanted of it."""
        before = f"{study}/{step.folder}"
        in_folder = (member for member in self._archive.members(before) if member.path != before)
        start = len(before) + 1
        for label, members in groupby(in_folder, lambda member: member.path[start:].partition("/")[0]):
            yield self._of_workspace(step, f"{before}/{label}", label, members)

    def _of_workspace(self, step: StepPlaces, path: str, label: str, members: Iterable[Member]) -> _Found:
        found = _Found(label=label, path=path)
        for member in members:
            if member.path == path:
                found.there = member.kind == "d"
            elif self._wants(step.name, member.path[len(path) + 1 :]):
                found.members.append(member)
                found.nbytes += member.size
        return found

    def _gather(
        self, steps: Sequence[StepPlaces], cursors: Mapping[str, _Cursor], order: Sequence[int], start: int
    ) -> tuple[dict[str, list[_Found]], int]:
        """Return what is wanted of the next rows, by step, and the place behind the last of them."""
        wanted: dict[str, list[_Found]] = {name: [] for name in cursors}
        nbytes, stop = 0, start
        while stop < len(order) and stop - start < COPIED_ROWS and nbytes < COPIED_BYTES:
            for step in steps:
                label = step.labels[order[stop]]
                found = cursors[step.name].take(label) if step.of_rows and label else None
                if found is not None and found.there:
                    wanted[step.name].append(found)
                    nbytes += found.nbytes
            stop += 1
        return wanted, stop

    def _copy_all(self, study: str, step: StepPlaces, root: Path) -> Collection[str]:
        """Copy what is wanted of a step whose workspaces are not one a row."""
        if "" in step.labels:
            path = f"{study}/{step.folder}"
            return self._copy([self._of_workspace(step, path, "", self._archive.members(path))], root)
        labels = set(step.labels)
        return self._copy((found for found in self._found(study, step) if found.label in labels), root)

    def _copy(self, wanted: Iterable[_Found], root: Path) -> Collection[str]:
        """Copy what is wanted of workspaces, and return the labels of those that there are."""
        there = set()
        links = []
        for found in wanted:
            if not found.there:
                continue
            there.add(found.label)
            self._place(root, found.path).mkdir(parents=True, exist_ok=True)
            for member in found.members:
                place = self._place(root, member.path)
                if member.kind == "f":
                    _write(self._archive, member, place)
                elif member.kind == "d":
                    place.mkdir(parents=True, exist_ok=True)
                elif member.kind == "l":
                    links.append((found, member, place))
        for found, member, place in links:  # last, so that nothing is written through one
            inside = bytes_of(member.path[len(found.path) + 1 :]).split(b"/")
            if stays_inside(inside, member.link):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(os.fsdecode(bytes_of(member.link)))
        return there

    def _place(self, root: Path, path: str) -> Path:
        parts = os.fsdecode(bytes_of(path)).split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise ArchiveError(self._archive.path, f"{shown(path)} leads elsewhere")
        return root.joinpath(*parts)


@dataclass(slots=True, kw_only=True)
class _Found:
    """A workspace in an archive. there: whether it is a folder. members: what is wanted of it."""

    label: str
    path: str
    there: bool = False
    members: list[Member] = field(default_factory=list)
    nbytes: int = 0


class _Cursor:
    """Finds workspaces by their labels, which have to be asked for in the archive's order."""

    def __init__(self, found: Iterator[_Found]) -> None:
        self._found = found
        self._next = next(found, None)

    def take(self, label: str) -> _Found | None:
        """Return the workspace of this label, if there is one."""
        wanted = bytes_of(label)
        while self._next is not None and bytes_of(self._next.label) < wanted:
            self._next = next(self._found, None)
        return self._next if self._next is not None and self._next.label == label else None


def _order(step: StepPlaces) -> Callable[[int], bytes]:
    return lambda place: bytes_of(step.labels[place] or "")


def _write(archive: Archive, member: Member, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as stream:
        for data in archive.chunks(member):
            stream.write(data)
    os.utime(place, ns=(member.mtime_ns, member.mtime_ns))
