"""Which parameters' ranges or values tell the rows of a campaign that failed from those that are done."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from genstudy.batches.known import read_campaign
from genstudy.batches.slices import whole_table
from genstudy.inspection.why_bins import Numbers
from genstudy.inspection.why_columns import count_columns
from genstudy.inspection.why_format import (
    ALPHA,
    FailureKind,
    Independence,
    ParameterFindings,
    Range,
    WhyFailed,
)
from genstudy.inspection.why_ranges import range_of
from genstudy.inspection.why_rows import Spans, ended_rows, union
from genstudy.inspection.why_scan import Table, best_range, best_values
from genstudy.inspection.why_tests import holm, independence, smallest_p

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genstudy.batches.known import Known
    from genstudy.inspection.why_columns import Counted
    from genstudy.inspection.why_format import Verdict
    from genstudy.inspection.why_rows import EndedRows
    from genstudy.inspection.why_scan import Best
    from genstudy.inspection.why_tests import Independent

FEWEST = 2
"""With fewer failed rows, or done ones, nothing is called a cause."""


def why_failed(folder: str | Path, *, step: str | None = None, state: str | None = None) -> WhyFailed:
    """Return what the failed rows of a campaign have in common, and the done ones have not.

    Each parameter is tested for independence of failing, and searched for the range or the values where
    failed rows are most over-represented. A row counts by its last attempt; those that failed as their job
    was taken away are left out. step, state: compare only the rows that failed in this step, or with this
    word of Maestro's or the scheduler's, with the done ones. The campaign may run meanwhile. Raises UserError
    where the folder is no campaign, or its table is not what it was.
    """
    return why_of(read_campaign(Path(folder)), step=step, state=state)


def why_of(known: Known, *, step: str | None = None, state: str | None = None) -> WhyFailed:
    """Return the same of a campaign that was read already."""
    ended = ended_rows(known, step=step, state=state)
    verdict = _hindrance(ended)
    parameters = () if verdict else _parameters(known, ended)
    kinds = sorted(ended.kinds.items(), key=lambda item: -len(item[1]))
    return WhyFailed(
        name=known.manifest.name,
        folder=str(known.folder),
        step=step,
        state=state,
        done=len(ended.done),
        failed=len(ended.compared),
        apart=len(ended.failed) - len(ended.compared),
        pending=ended.pending,
        kinds=tuple(FailureKind(step=step, state=word, rows=len(rows)) for (step, word), rows in kinds),
        alpha=ALPHA,
        verdict=verdict or _verdict(parameters, ended),
        parameters=parameters,
    )


def _hindrance(ended: EndedRows) -> Verdict | None:
    """Return why there is nothing to be compared; None where there is."""
    if not ended.done.spans and not ended.kinds:
        return "none ended"
    if not ended.compared.spans:
        return "none failed"
    return None if ended.done.spans else "none done"


def _verdict(parameters: tuple[ParameterFindings, ...], ended: EndedRows) -> Verdict:
    if any(parameter.called for parameter in parameters):
        return "causes"
    done, failed = len(ended.done), len(ended.compared)
    # Were there a range of all failed rows and no other, it would be one of two at least that were tried.
    tests = sum(2 for parameter in parameters if parameter.independence)
    tellable = min(done, failed) >= FEWEST and 2 * tests * smallest_p(done + failed, failed) < ALPHA
    return "no cause" if tellable or not tests else "too few"


def _parameters(known: Known, ended: EndedRows) -> tuple[ParameterFindings, ...]:
    table = whole_table(known.folder, known.manifest)
    names = [name for name in table.columns if name != known.manifest.table.index]
    failed = Spans(ended.compared)
    counted = count_columns(table, names, failed, Spans(union([ended.done, ended.compared])))
    return findings(counted, enough=min(len(ended.done), len(ended.compared)) >= FEWEST)


@dataclass(frozen=True, slots=True)
class _Tested:
    """What was found for a parameter before it is adjusted. used: the bins that hold rows."""

    used: tuple[int, ...]
    table: Table
    independence: Independent
    best: Best | None

    @property
    def ps(self) -> tuple[float, float]:
        """The p-values of its two tests."""
        return self.independence.p, self.best.p if self.best else 1.0


def findings(counted: Mapping[str, Counted], *, enough: bool) -> tuple[ParameterFindings, ...]:
    """Test parameters, and adjust the p-values over all of them. enough: whether any may be called."""
    varying = sum(int(np.count_nonzero(column.table.rows)) > 1 for column in counted.values())
    tested = {name: _tested(column, 2 * varying) for name, column in counted.items()}
    adjusted = iter(holm([p for test in tested.values() if test for p in test.ps]))
    return tuple(_finding(name, column, tested[name], adjusted, enough) for name, column in counted.items())


def _tested(counted: Counted, tests: int) -> _Tested | None:
    used = np.flatnonzero(counted.table.rows)
    table = Table(counted.table.rows[used], counted.table.failed[used])
    ordered, last = isinstance(counted.column, Numbers), counted.column.bins - 1
    found = independence(table, ordered=ordered)
    if found is None:
        return None
    if ordered:
        best = best_range(table, special=int((used >= last - 1).sum()))
    else:
        best = best_values(table, int((used < last).sum()), ALPHA / tests)
    return _Tested(tuple(used.tolist()), table, found, best)


def _finding(
    name: str, counted: Counted, tested: _Tested | None, adjusted: Iterator[float], enough: bool
) -> ParameterFindings:
    kind: Literal["number", "text"] = "number" if isinstance(counted.column, Numbers) else "text"
    if tested is None:
        return ParameterFindings(name=name, kind=kind, called=False, independence=None, range=None)
    own = tested.independence
    independent = Independence(
        test=own.test,
        statistic=own.statistic if math.isfinite(own.statistic) else None,
        groups=own.groups,
        p=own.p,
        adjusted=next(adjusted),
    )
    found = _range(name, counted, tested, next(adjusted))
    called = enough and min(independent.adjusted, found.adjusted if found else 1.0) < ALPHA
    if called and found is not None and found.adjusted >= ALPHA:
        found = None
    return ParameterFindings(name=name, kind=kind, called=called, independence=independent, range=found)


def _range(name: str, counted: Counted, tested: _Tested, adjusted: float) -> Range | None:
    if tested.best is None:
        return None
    bins = list(tested.best.bins)
    whole, bad = tested.table.whole
    rows, failed = int(tested.table.rows[bins].sum()), int(tested.table.failed[bins].sum())
    share = (bad - failed) / (whole - rows)
    text, ends, values = range_of(name, counted, tested.used, bins)
    return Range(
        text=text,
        low=ends[0],
        high=ends[1],
        values=values,
        failed=failed,
        rows=rows,
        failed_elsewhere=bad - failed,
        rows_elsewhere=whole - rows,
        ratio=failed / rows / share if share else None,
        tried=tested.best.tried,
        p=tested.best.p,
        adjusted=adjusted,
    )
