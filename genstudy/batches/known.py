"""What is known of a campaign at a moment, read from its folder by anybody, with nothing touched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.batches.rows import batch_rows
from genstudy.batches.slices import own_table
from genstudy.errors import UserError, near
from genstudy.ledger.reading import read_state
from genstudy.tables.rowids import ids_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from genstudy.ledger.state import BatchState, CampaignState
    from genstudy.specs.manifest import BatchEntry, Manifest
    from genstudy.tables.read import Table

NUMBER = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
DIGITS = re.compile(r"\d{1,18}", re.ASCII)
COMPARED = 2000
"""So many ids at most are compared with one that is not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A campaign's manifest and the state that its ledger tells. folder: the campaign's, a full path."""

    folder: Path
    manifest: Manifest
    state: CampaignState

    @property
    def originals(self) -> list[BatchEntry]:
        """The batches that each row was in at first, in the table's order."""
        return [batch for batch in self.manifest.batches if batch.attempt == 1]

    @property
    def whole(self) -> bool:
        """Whether a batch that was cut short is run again as a whole."""
        return self.manifest.whole_batches

    def batches_of(self, number: int) -> list[BatchState]:
        """Return the batches that a row was put into, the first attempt first."""
        found = [batch for batch in self.state.batches.values() if number in batch.rows]
        return sorted(found, key=lambda batch: batch.entry.attempt)


def read_campaign(folder: Path) -> Known:
    """Return what is known of a campaign. Raises UserError where the folder is none."""
    folder = folder.absolute()
    manifest, state = read_state(folder)
    return Known(folder=folder, manifest=manifest, state=state)


def find_rows(known: Known, ids: Collection[str]) -> dict[str, int]:
    """Return {id: number} for rows of a campaign. Without an index column an id is the row's number.

    Raises UserError for an id that no row has, or a row that is in no batch.
    """
    settings = known.manifest.settings
    if known.manifest.table.index is None:
        found = {row_id: int(row_id) for row_id in ids if NUMBER.fullmatch(row_id)}
        rows = known.manifest.table.rows
        found = {row_id: number for row_id, number in found.items() if number < rows}
    else:
        table = own_table(known.folder, known.manifest)
        found = _looked_up(table, known.manifest.table.index, set(ids))
    for row_id in ids:
        if row_id not in found:
            raise _unknown(known, row_id)
        if not settings.start <= found[row_id] < settings.start + settings.rows:
            raise UserError(
                f"row {row_id} is in the table, and in no batch: the campaign has rows {settings.start} to "
                f"{settings.start + settings.rows - 1}",
                where=str(known.folder),
            )
    return found


def _looked_up(table: Table, index: str, wanted: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    needles = [row_id.encode("utf-8", "surrogateescape") for row_id in wanted]
    for block in table.blocks():
        text = b"".join(block.lines)
        if any(needle in text for needle in needles):
            places = enumerate(ids_of(table, block, index), block.first_row)
            found.update((row_id, number) for number, row_id in places if row_id in wanted)
        if len(found) == len(wanted):
            break
    return found


def _unknown(known: Known, row_id: str) -> UserError:
    originals = known.originals
    first, last = (
        batch_rows(known.folder, known.manifest, batch).ids for batch in (originals[0], originals[-1])
    )
    plain = row_id.removeprefix("row_")
    if known.manifest.table.index is None:
        number = int(plain) if DIGITS.fullmatch(plain) else known.manifest.table.rows
        alike = f" (did you mean '{number}'?)" if number < known.manifest.table.rows else ""
        hint = "ids are the rows' numbers, from 0"
    else:
        alike = near(plain, _candidates(known, plain))
        hint = f"ids stand in the column {known.manifest.table.index}"
    return UserError(
        f"there is no row '{row_id}'{alike}",
        where=str(known.folder),
        hint=f"{hint}: the first is {first[0]}, the last {last[-1]}",
    )


def _candidates(known: Known, wanted: str) -> Iterator[str]:
    """Yield ids that look like one, some of them at most."""
    table, index = own_table(known.folder, known.manifest), known.manifest.table.index
    count = 0
    for block in table.blocks():
        for row_id in ids_of(table, block, index):
            if abs(len(row_id) - len(wanted)) <= 1 and row_id[:1].casefold() == wanted[:1].casefold():
                yield row_id
                count += 1
                if count == COMPARED:
                    return
