"""The workspaces of a batch's rows, from wherever its files are by now."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.archives.read import Archive
from genstudy.batches.places import RUNS
from genstudy.batches.stored import open_stored
from genstudy.results.archived_rows import Archived
from genstudy.results.row_folders import Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genstudy.ledger.state import BatchState
    from genstudy.results.row_folders import Workspaces


@contextmanager
def open_workspaces(
    folder: Path, batch: BatchState, wants: Callable[[str, str], bool], *, owned: bool
) -> Iterator[Workspaces]:
    """Give the workspaces of a batch.

    folder: the campaign's. owned: this process owns the campaign, so what is not cleared yet is there.
    Otherwise what was saved counts as soon as that is recorded: its workspaces may be about to go.
    """
    if owned and batch.cleared is None:
        yield Folders(folder / RUNS)
        return
    with open_stored(folder, batch) as stored:
        if not isinstance(stored, Archive):
            yield Folders(stored.path)
            return
        with tempfile.TemporaryDirectory(prefix="genstudy-") as copies:
            yield Archived(stored, Path(copies), wants)
