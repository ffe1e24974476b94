"""What the ledger is told of a study that is over: Maestro's words, and how the study came to its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from genstudy.batches.rows import LABEL
from genstudy.campaign.judge import judge
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Failure, How
from genstudy.ledger.state import LOST
from genstudy.maestro.status import TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from genstudy.batches.rows import BatchRows
    from genstudy.ledger.records import Started
    from genstudy.specs.manifest import StepEntry

WHOLE_STORY = frozenset({0, 2, 3})
"""Exit codes with which Maestro has brought its status up to date: all well, a step failed, cancelled."""


def record_of(
    study: Path,
    started: Started,
    rows: BatchRows,
    steps: Sequence[StepEntry],
    *,
    how: How,
    code: int | None = None,
    seconds: float | None = None,
    busy: Collection[str] = (),
) -> Ended:
    """Return the record of a study that is over.

    code: Maestro's exit code, where it is known. busy: workspaces that were at work when its time was up.
    Rows that did not come to an end are left for another study where that one can get further: after Maestro
    was killed, after some rows ended, or once the rows that used up the time are put aside.
    """
    if how == "ended" and code is not None and code < 0:
        how = "killed"
    by_itself = how == "ended" and code in WHOLE_STORY
    wanted = Rows.parse(started.rows)
    outcome = judge(study, steps=steps, rows=rows, wanted=wanted, ended=by_itself)
    failed = list(outcome.failed)
    unfinished = outcome.unfinished
    if how == "timeout":
        failed += _out_of_time(unfinished, rows, busy, whole=started.whole)
    elif how == "ended" and unfinished and (started.whole or not (outcome.done or failed)):
        failed.append(Failure(step="", state=LOST, rows=str(unfinished)))
    return Ended(
        t=time.time(),
        batch=started.batch,
        study=started.study,
        how=how,
        code=code,
        done=str(outcome.done),
        failed=tuple(failed),
        seconds=seconds,
        note=outcome.note,
    )


def _out_of_time(unfinished: Rows, rows: BatchRows, busy: Collection[str], *, whole: bool) -> list[Failure]:
    """Return the rows that used up the time: those at work, or all where that cannot be told."""
    by_step: dict[str, list[int]] = {}
    seen = set()
    for workspace in sorted(busy):
        step, _, label = workspace.partition("/")
        number = rows.number_of(label.removeprefix(LABEL))
        if number is not None and number in unfinished and number not in seen:
            seen.add(number)
            by_step.setdefault(step, []).append(number)
    if whole or not by_step:
        by_step = {"": list(unfinished)}
    failures = [
        Failure(step=step, state=TIMED_OUT, rows=str(Rows.of(found))) for step, found in by_step.items()
    ]
    return [failure for failure in failures if failure.rows]
