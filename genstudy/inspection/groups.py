"""The failed rows of a campaign in groups that printed the same, but for what differs from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genstudy.batches.known import read_campaign
from genstudy.inspection.failures import FailedRows
from genstudy.inspection.likeness import last_lines, likeness
from genstudy.inspection.why_format import FailureGroup, FailureGroups
from genstudy.inspection.why_rows import Spans, ended_rows
from genstudy.ledger.ranges import Rows

if TYPE_CHECKING:
    from genstudy.batches.known import Known
    from genstudy.inspection.failures import FailedRow

READ = 2_000
"""Of so many rows at most is read what they printed."""

SHOWN = 10
SEED = 1


@dataclass(slots=True)
class _Group:
    """How many rows are in a group, the first of them, and its last lines."""

    first: FailedRow
    lines: str
    rows: int = 0


def group_failures(
    folder: str | Path, *, limit: int = SHOWN, step: str | None = None, state: str | None = None
) -> FailureGroups:
    """Return the failed rows of a campaign in groups that printed the same last lines, the largest first.

    Numbers, addresses, times, row ids and paths to workspaces may differ in a group. What at most 2,000 rows
    printed is read; of more rows these are chosen by chance out of equal parts, the same ones each time.
    limit: the most groups to return. step, state: only rows that failed like that. Raises UserError where the
    folder is no campaign.
    """
    return groups_of(read_campaign(Path(folder)), limit=limit, step=step, state=state)


def groups_of(
    known: Known, *, limit: int = SHOWN, step: str | None = None, state: str | None = None
) -> FailureGroups:
    """Return the same of a campaign that was read already."""
    failed = Spans(ended_rows(known, step=step, state=state).failed)
    wanted = Rows.of(failed.chosen(READ, np.random.default_rng(SEED)).tolist())
    groups: dict[tuple[str, str, str], _Group] = {}
    for row in FailedRows(known).among(wanted):
        lines = last_lines(row.stderr)
        key = (row.step, row.state, likeness(lines, row_id=row.id, study=row.study))
        groups.setdefault(key, _Group(row, lines)).rows += 1
    found = sorted(groups.items(), key=lambda item: -item[1].rows)
    return FailureGroups(
        failed=failed.count,
        read=len(wanted),
        groups=tuple(_group(key[2], group, len(wanted)) for key, group in found[:limit]),
        others=len(found[limit:]),
        rows_in_others=sum(group.rows for _, group in found[limit:]),
    )


def _group(lines: str, group: _Group, read: int) -> FailureGroup:
    first = group.first
    return FailureGroup(
        step=first.step,
        state=first.state,
        rows=group.rows,
        share=group.rows / read,
        lines=lines,
        row=first.row,
        id=first.id,
        batch=first.batch,
        example=group.lines,
    )
