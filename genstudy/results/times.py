"""When the rows of a study were at work, as Maestro recorded it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from genstudy.batches.rows import LABEL, RowFinder, batch_rows
from genstudy.maestro.status import read_spans, read_status
from genstudy.parameters.names import ROW_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genstudy.specs.manifest import BatchEntry, Manifest

Times = tuple[str | None, str | None, float | None]
"""When the first step of a row began and the last one ended, and the seconds between."""

NO_TIMES: Times = (None, None, None)


def row_times(folder: Path, manifest: Manifest, batch: BatchEntry, record: Path) -> Mapping[str, Times]:
    """Return {row id: times} of the rows that Maestro recorded.

    folder: the campaign's. record: one with the study's status. Steps that rows share do not count.
    """
    if manifest.settings.mode != "inline":
        spans = read_spans(record, ROW_ID, LABEL)
        # Many rows have the same times: Maestro writes whole seconds.
        known = {span: _times(*span) for span in set(spans.values())}
        return {row_id: known[span] for row_id, span in spans.items()}
    found: dict[str, Times] = {}
    status = read_status(record)
    rows = batch_rows(folder, manifest, batch)
    finder = RowFinder(rows)
    for run in status.runs if status else ():
        numbers = finder.find(run.label, run.params)
        if len(numbers) == 1:
            row_id = rows.id_of(numbers[0])
            began, ended, _ = found.get(row_id, NO_TIMES)
            first = min(filter(None, (began, run.began)), default="")
            found[row_id] = _times(first, max(filter(None, (ended, run.ended)), default=""))
    return found


def _times(began: str, ended: str) -> Times:
    """Return two times as they are written, and the seconds between them; None for what is no time."""
    first, last = _parsed(began), _parsed(ended)
    seconds = (last - first).total_seconds() if first is not None and last is not None else None
    return (began if first is not None else None, ended if last is not None else None, seconds)


def _parsed(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else None
