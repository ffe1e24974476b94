"""A campaign looked through: its own files, what was saved of its batches, where the rows' files are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.known import read_campaign
from genstudy.campaign.summary import Counts, count_rows
from genstudy.errors import GenstudyError, one_line
from genstudy.inspection.verify_made import batch_problems, made_problems, retry_problems, table_notes
from genstudy.inspection.verify_results import results_problems
from genstudy.inspection.verify_saved import saved_problems
from genstudy.inspection.verify_strays import stray_notes
from genstudy.ledger.ledger import Ledger
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genstudy.batches.known import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where rows that are done have their files: so many in archives, moved to folders, in workspaces.

    archives, folders: how many of these there are.
    """

    archived: int = 0
    archives: int = 0
    moved: int = 0
    folders: int = 0
    workspaces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found. quick: whether contents were not read. rows: None where the ledger makes no sense.

    problems: what is wrong; notes: what is only strange; a line each.
    """

    quick: bool
    rows: Counts | None
    places: Places
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify_campaign(
    folder: str | Path, *, quick: bool = False, progress: Callable[[int, int], None] = lambda *_: None
) -> Verification:
    """Look through a campaign, and say what is not as it should be.

    That is: its table, pgen and specifications are as they were made, its batches hold every row once, its
    ledger does not contradict itself, every archive and moved folder agrees with its checksums, and every row
    that is done has its workspaces, and that its results.db, if there is one, holds every row of each batch
    that was collected. quick: read sizes and the archives' indexes, but no contents. progress:
    gets the rows looked at, and how many there are.

    It only reads, and the campaign may be running meanwhile. Raises UserError where the folder is none.
    """
    folder = Path(folder).absolute()
    manifest = read_manifest(folder)
    problems = [*batch_problems(manifest), *made_problems(folder, manifest, quick=quick)]
    nothing = Verification(quick=quick, rows=None, places=Places(), problems=(), notes=())
    try:
        known = read_campaign(folder)
    except GenstudyError as problem:
        return replace(nothing, problems=(*problems, one_line(problem)))
    problems += retry_problems(known.state)
    problems += _saved_problems(known, quick=quick, progress=progress)
    problems += results_problems(known, quick=quick)
    return Verification(
        quick=quick,
        rows=count_rows(known.state.tally),
        places=_places(known),
        problems=tuple(problems),
        notes=(*_owner_note(known), *table_notes(folder, known.manifest), *stray_notes(known)),
    )


def _saved_problems(known: Known, *, quick: bool, progress: Callable[[int, int], None]) -> Iterator[str]:
    total, looked_at = sum(len(batch.rows) for batch in known.state.batches.values()), 0
    for batch_id, batch in known.state.batches.items():
        found = list(saved_problems(known, batch, quick=quick))
        if found:
            # A run that goes on meanwhile may have saved and cleared it since its state was read.
            fresh = read_campaign(known.folder)
            now = fresh.state.batches.get(batch_id)
            if now is not None and (now.saved, now.cleared, now.studies) != (
                batch.saved,
                batch.cleared,
                batch.studies,
            ):
                found = list(saved_problems(fresh, now, quick=quick))
        yield from found
        looked_at += len(batch.rows)
        progress(looked_at, total)


def _places(known: Known) -> Places:
    rows = {"archive": 0, "move": 0, "keep": 0}
    saved = {"archive": 0, "move": 0, "keep": 0}
    for batch in known.state.batches.values():
        mode = batch.saved.mode if batch.saved is not None else "keep"
        rows[mode] += len(batch.done)
        saved[mode] += 1
    return Places(
        archived=rows["archive"],
        archives=saved["archive"],
        moved=rows["move"],
        folders=saved["move"],
        workspaces=rows["keep"],
    )


def _owner_note(known: Known) -> Iterator[str]:
    owner = Ledger(known.folder).owner()
    if owner is not None:
        yield f"process {owner.pid} on {owner.host} runs the campaign: what it is at now is not looked at"
