"""The workspaces of a batch's rows where they are real folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

ROWS = 10_000
"""Rows that are looked at in one piece, where their workspaces are folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlaces:
    """Where the workspaces of a step are. name, folder: the step's and its folder's.

    labels: of each row the name of its workspace, empty where that is the step's folder, None for none.
    of_rows: whether each row has one of its own, which is named `row_<id>`.
    """

    name: str
    folder: str
    labels: Sequence[str | None]
    of_rows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some rows of a study. places: of these in the lists of labels. paths: of each step their workspaces."""

    places: Sequence[int]
    paths: Sequence[Sequence[str | None]]


class Workspaces(Protocol):
    """The files of a batch's studies."""

    def has(self, study: str) -> bool:
        """Tell whether there is a study of that name."""

    def record(self, study: str) -> Path:
        """Return a folder with the study's status.csv, if there is one."""

    def pieces(self, study: str, steps: Sequence[StepPlaces], rows: Sequence[int]) -> Iterator[Piece]:
        """Yield the rows with these places, some at a time; the paths of a piece hold until the next one."""


class Folders:
    """Workspaces in a folder of studies."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, study: str) -> bool:
        """Tell whether there is a study of that name."""
        return (self._root / study).is_dir()

    def record(self, study: str) -> Path:
        """Return a folder with the study's status.csv, if there is one."""
        return self._root / study

    def pieces(self, study: str, steps: Sequence[StepPlaces], rows: Sequence[int]) -> Iterator[Piece]:
        """Yield the rows with these places, some at a time."""
        there = [_folders_in(self._root / study / step.folder) for step in steps]
        root = str(self._root / study)
        for start in range(0, len(rows), ROWS):
            places = rows[start : start + ROWS]
            paths = [paths_in(root, step, found, places) for step, found in zip(steps, there, strict=True)]
            yield Piece(places=places, paths=paths)


def _folders_in(folder: Path) -> Collection[str]:
    """Return the names of the folders in a folder, and the empty name for itself; no links."""
    if folder.is_symlink() or not folder.is_dir():
        return ()
    with os.scandir(folder) as entries:
        return {"", *(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))}


def paths_in(
    root: str, step: StepPlaces, there: Collection[str], places: Sequence[int]
) -> Sequence[str | None]:
    """Return the full paths of a step's workspaces for rows in these places, None for one that is not there.

    root: the study's folder. there: the names of those that are.
    """
    folder = f"{root}/{step.folder}"
    labels = (step.labels[place] for place in places)
    return [
        (f"{folder}/{label}" if label else folder) if label in there and label is not None else None
        for label in labels
    ]
