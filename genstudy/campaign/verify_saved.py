"""Whether what was saved of a batch is whole, and each row that is done has its workspaces there."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from genstudy.campaign.archive_verify import verify_archive
from genstudy.campaign.ranges import Rows
from genstudy.campaign.rows import batch_rows
from genstudy.campaign.stored import missing_folders, open_stored, workspaces
from genstudy.campaign.trees import shown
from genstudy.campaign.verify_made import one_line
from genstudy.errors import GenstudyError
from genstudy.files import sha256_of
from genstudy.maestro import folder_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genstudy.campaign.known import Known
    from genstudy.campaign.records import Saved
    from genstudy.campaign.state import BatchState
    from genstudy.campaign.stored import Stored

LINE = re.compile(rb"(\\?)([0-9a-f]{64}) [ *](.+)\n", re.DOTALL)
ESCAPE = re.compile(rb"\\([\\nr])")
ESCAPED = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}
LIST = ".sha256"
"""What the list of checksums of a moved folder is called, besides the folder's own name."""


def saved_problems(known: Known, batch: BatchState, *, quick: bool) -> Iterator[str]:
    """Yield what is wrong with the files of a batch, each problem with the batch's id before it."""
    saved = batch.saved
    try:
        if saved is not None and saved.mode != "keep":
            check = _archive if saved.mode == "archive" else _moved
            yield from (
                f"batch {batch.entry.id}: {text}" for text in check(known.folder / saved.path, saved, quick)
            )
        if batch.done:
            with open_stored(known.folder, batch) as stored:
                yield from (
                    f"batch {batch.entry.id}: {text}" for text in _without_files(known, batch, stored)
                )
    except GenstudyError as problem:
        yield f"batch {batch.entry.id}: {one_line(problem)}"


def _archive(path: Path, saved: Saved, quick: bool) -> Iterator[str]:
    if path.is_file() and (size := path.stat().st_size) != saved.nbytes:
        yield f"{path}: it has {size:,} bytes, and had {saved.nbytes:,}"
    elif path.exists() and not quick:
        verify_archive(path, saved.sha256)


def _moved(path: Path, saved: Saved, quick: bool) -> Iterator[str]:
    listed = path.with_name(path.name + LIST)
    if not listed.is_file():
        yield f"{listed}: the list of checksums is missing"
    elif sha256_of(listed) != saved.sha256:
        yield f"{listed}: it changed since it was made"
    elif not quick:
        with listed.open("rb") as stream:
            for line in stream:
                yield from _line_problem(path.parent, listed, line)


def _line_problem(folder: Path, listed: Path, line: bytes) -> Iterator[str]:
    """Check one line of a list of checksums, as sha256sum does."""
    found = LINE.fullmatch(line)
    if found is None:
        yield f"{listed}: not a line of checksums: {shown(line)}"
        return
    escaped, sha256, name = found.groups()
    if escaped:
        name = ESCAPE.sub(lambda mark: ESCAPED[mark[1]], name)
    parts = name.split(b"/")
    if not set(parts).isdisjoint({b"", b".", b".."}):
        yield f"{listed}: {shown(name)} leads elsewhere"
        return
    path = folder / os.fsdecode(name)
    if path.is_symlink() or not path.is_file():
        yield f"{shown(str(path))}: the file is missing"
    elif sha256_of(path) != sha256.decode():
        yield f"{shown(str(path))}: it is not what was saved"


def _without_files(known: Known, batch: BatchState, stored: Stored) -> Iterator[str]:
    """Yield the rows that are done and lack a workspace of a step that runs once a row."""
    rows = batch_rows(known.folder, known.manifest, batch.entry)
    places = [
        place
        for study, ran in batch.study_of
        for place in workspaces(known, stored, study, rows, set(batch.done & ran))
    ]
    missing = missing_folders(stored, {place.path for place in places})
    by_step: dict[str, set[int]] = defaultdict(set)
    for place in places:
        if place.path not in missing:
            by_step[place.step].add(place.row)
    for step in known.manifest.steps:
        if step.runs == "row" and (lost := batch.done - Rows.of(by_step[folder_name(step.name)])):
            yield f"rows {lost} are done, and {stored.path} has no workspaces of step '{step.name}' for them"
