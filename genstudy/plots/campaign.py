"""The rows of a campaign as a design: its table summed up."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from genstudy.batches.slices import read_slice, whole_table
from genstudy.plots.summary import DesignSummary, column_places, summarize, summarize_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from genstudy.specs.manifest import Manifest


def summarize_campaign(
    folder: Path,
    manifest: Manifest,
    columns: Sequence[str] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> DesignSummary:
    """Sum up the rows of a campaign: those of its table that are in its batches, by the laws of its record.

    columns: all but the index if not given. progress: see summarize. Raises UserError for a column that the
    table does not have, and where the table is missing, or is not what it was when the campaign was made.
    """
    table = whole_table(folder, manifest)
    chosen = [name for name in table.columns if name != manifest.table.index] if columns is None else columns
    laws = laws_of(manifest.table.record or {})
    if manifest.settings.rows == manifest.table.rows:
        return summarize(table, chosen, laws=laws, progress=progress)
    places = list(column_places(table, chosen).values())
    return summarize_rows(lambda: _rows(folder, manifest, places), chosen, laws=laws)


def laws_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the laws that a table's record tells; it comes from a file, and is not checked."""
    items = record.get("parameters")
    pairs = [
        (item.get("name"), item.get("law"))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict)
    ]
    return {name: law for name, law in pairs if isinstance(name, str) and isinstance(law, str)}


def _rows(folder: Path, manifest: Manifest, places: Sequence[int]) -> Iterator[list[str]]:
    """Yield the values of the rows of all batches, in the table's order."""
    for batch in manifest.batches:
        if batch.attempt == 1:
            _, data = read_slice(folder, manifest, batch)
            text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
            for cells in csv.reader(text, strict=True):
                if cells:
                    yield [cells[place] for place in places]
