"""Whether what was saved of a batch is whole, and each row that is done has its workspaces there."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from genstudy.archives.moving import LIST_SUFFIX, read_list
from genstudy.archives.trees import count_entries, shown
from genstudy.archives.verify import verify_archive
from genstudy.batches.rows import batch_rows
from genstudy.batches.stored import missing_folders, open_stored, workspaces
from genstudy.errors import GenstudyError, one_line
from genstudy.files import sha256_of
from genstudy.ledger.ranges import Rows
from genstudy.maestro.specs import folder_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genstudy.batches.known import Known
    from genstudy.batches.stored import Stored
    from genstudy.ledger.records import Saved
    from genstudy.ledger.state import BatchState

SHOWN = 10
"""So many files of a moved folder are named at most."""


def saved_problems(known: Known, batch: BatchState, *, quick: bool) -> Iterator[str]:
    """Yield what is wrong with the files of a batch, each problem with the batch's id before it."""
    try:
        for text in _problems(known, batch, quick=quick):
            yield f"batch {batch.entry.id}: {text}"
    except (GenstudyError, OSError) as problem:
        yield f"batch {batch.entry.id}: {one_line(problem)}"


def _problems(known: Known, batch: BatchState, *, quick: bool) -> Iterator[str]:
    if batch.saved is None and not batch.done:
        return
    with open_stored(known.folder, batch) as stored:
        if batch.saved is not None and batch.saved.mode != "keep":
            check = _archive if batch.saved.mode == "archive" else _moved
            yield from check(stored.path, batch.saved, quick)
        yield from _without_files(known, batch, stored)


def _archive(path: Path, saved: Saved, quick: bool) -> Iterator[str]:
    size = path.stat().st_size
    if size != saved.nbytes:
        yield f"{path}: it has {size:,} bytes, and had {saved.nbytes:,}"
    elif not quick:
        verify_archive(path, saved.sha256)


def _moved(path: Path, saved: Saved, quick: bool) -> Iterator[str]:
    listed = path.with_name(path.name + LIST_SUFFIX)
    if not listed.is_file():
        yield f"{listed}: the list of checksums is missing"
    elif sha256_of(listed) != saved.sha256:
        yield f"{listed}: it changed since it was made"
    elif not quick:
        wrong = _wrong_files(path, listed)
        yield from islice(wrong, SHOWN)
        if more := sum(1 for _ in wrong):
            yield f"{path}: {more:,} more of its files are missing, or not what was saved"
    _, content = count_entries(path)
    if content < saved.content:
        yield f"{path}: it has {content:,} bytes, and had {saved.content:,}"


def _wrong_files(folder: Path, listed: Path) -> Iterator[str]:
    with listed.open("rb") as stream:
        for sha256, name in read_list(stream):
            path = folder.parent / os.fsdecode(name)
            if path.is_symlink() or not path.is_file():
                yield f"{shown(str(path))}: the file is missing"
            elif sha256_of(path) != sha256:
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
