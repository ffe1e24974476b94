"""The rows of a campaign as a design: its table summed up."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genstudy.batches.slices import changed, check_there, read_slice, table_of
from genstudy.files import sha256_of
from genstudy.plots.coverage import coverage_lines, coverage_of
from genstudy.plots.summary import summarize, summarize_rows
from genstudy.tables.read import open_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from genstudy.batches.known import Known
    from genstudy.plots.summary import DesignSummary

COVERED = 40
"""Coverage is told of so many parameters: every pair of them is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Parameters summed up. coverage: in words, how well the rows fill their box; of `covered` of these."""

    summary: DesignSummary
    coverage: Sequence[str]
    covered: int


def design_of(known: Known) -> Design:
    """Sum up the rows of a campaign: those of its table that are in its batches.

    Raises UserError where the table is missing, or is not what it was when the campaign was made.
    """
    manifest = known.manifest
    path = table_of(known.folder, manifest, known.originals[0])
    check_there(path)
    names = [name for name in manifest.table.columns if name != manifest.table.index]
    laws = _laws(manifest.table.record or {})
    if manifest.settings.rows < manifest.table.rows:
        places = [manifest.table.columns.index(name) for name in names]
        return _covered(summarize_rows(lambda: _rows(known, places), names, laws=laws))
    if sha256_of(path) != manifest.table.sha256:
        found = f"the file has {path.stat().st_size:,} bytes, and had {manifest.table.nbytes:,}"
        raise changed(path, [found])
    return _covered(summarize(open_table(path), names, laws=laws))


def _covered(summary: DesignSummary) -> Design:
    names = summary.names[:COVERED]
    coverage = coverage_lines(coverage_of(summary, names), summary.rows)
    return Design(summary=summary, coverage=coverage, covered=len(names))


def _laws(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the laws that a table's record tells; it comes from a file, and is not checked."""
    items = record.get("parameters")
    pairs = [
        (item.get("name"), item.get("law"))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict)
    ]
    return {name: law for name, law in pairs if isinstance(name, str) and isinstance(law, str)}


def _rows(known: Known, places: Sequence[int]) -> Iterator[list[str]]:
    """Yield the values of the rows of all batches, in the table's order."""
    for batch in known.originals:
        _, data = read_slice(known.folder, known.manifest, batch)
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
        for cells in csv.reader(text, strict=True):
            if cells:
                yield [cells[place] for place in places]
