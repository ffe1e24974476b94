"""What a report tells of a campaign, gathered from its folder; nothing is touched there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from genstudy.batches.known import Known
from genstudy.errors import GenstudyError
from genstudy.inspection.failures import FailedRows
from genstudy.inspection.groups import groups_of
from genstudy.inspection.status import status_of
from genstudy.inspection.why import why_of
from genstudy.inspection.why_rows import ended_rows
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.reports.correlation import influence
from genstudy.reports.design import design_of
from genstudy.reports.facts import commands_of, facts_of
from genstudy.reports.history import history_of
from genstudy.reports.outputs import Outcomes, has_results, outcomes_of
from genstudy.sensitivity.analyze import analysis_of
from genstudy.sensitivity.layout import gives_indices
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from genstudy.inspection.failures import FailedRow
    from genstudy.inspection.status_format import Status
    from genstudy.inspection.why_format import FailureGroups, WhyFailed
    from genstudy.reports.design import Design
    from genstudy.reports.facts import Facts, RanCommand
    from genstudy.reports.history import History
    from genstudy.sensitivity.format import Analysis
    from genstudy.specs.manifest import Manifest

EXAMPLES = 20
"""So many failed rows are shown with what they printed."""

GROUPS = 12
ANALYZED = 12
"""Sensitivity indices are told of so many results at most."""

RESULTS_FIRST = "the ones that go most strongly with a result first"
FAILURES_FIRST = "the ones that tell failed rows most surely from the others first"
IN_ORDER = "in the order of the table"


Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Missing:
    """A part of the report that cannot be told, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The failed rows in groups by what they printed, the first of them, and what tells them from others."""

    groups: FailureGroups | Missing
    rows: Sequence[FailedRow] | Missing
    why: WhyFailed | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A campaign at a moment.

    made: that moment, in seconds since 1970. states: {state: rows}, done first, pending last. failures: None
    where no row failed. results: None where none were collected yet. indices: of the first results that
    are numbers; None where there are none, or the design gives none. order: the parameters, the most
    influential first; ordered: by what, in words.
    """

    made: float
    folder: str
    manifest: Manifest
    status: Status
    history: History
    states: dict[str, int]
    failures: Failures | None
    design: Design | Missing
    results: Outcomes | Missing | None
    indices: Analysis | Missing | None
    order: Sequence[str]
    ordered: str
    facts: Sequence[Facts]
    commands: Sequence[RanCommand]

    @property
    def missing(self) -> list[tuple[str, str]]:
        """The parts that cannot be told, each with the reason."""
        parts: dict[str, object] = {
            "design": self.design,
            "results": self.results,
            "sensitivity indices": self.indices,
        }
        if self.failures is not None:
            failures = {"failures by output": self.failures.groups, "failed rows": self.failures.rows}
            parts = {**failures, "why rows failed": self.failures.why, **parts}
        return [(name, part.reason) for name, part in parts.items() if isinstance(part, Missing)]


def gather_report(folder: str | Path) -> Report:
    """Return the report of a campaign, which may be running meanwhile.

    What cannot be told, for a file that is missing or a database that does not answer, is `Missing`. Raises
    UserError where the folder is no campaign, and GenstudyError where its ledger is damaged.
    """
    folder = Path(folder).absolute()
    made = time.time()
    known, status, history = _known(folder, made)
    rows = ended_rows(known)
    states: dict[str, int] = {"done": status.rows.done}
    for (_, word), some in sorted(rows.kinds.items()):
        states[word] = states.get(word, 0) + len(some)
    states["pending"] = status.rows.pending
    failures = _failures(known) if status.rows.failed else None
    manifest = known.manifest
    results = _told(lambda: outcomes_of(folder, manifest) if has_results(folder, manifest) else None)
    order, ordered = _order(manifest, results, failures)
    return Report(
        made=made,
        folder=str(folder),
        manifest=manifest,
        status=status,
        history=history,
        states={name: count for name, count in states.items() if count},
        failures=failures,
        design=_told(lambda: design_of(known)),
        results=results,
        indices=_told(lambda: _indices(known, results)),
        order=order,
        ordered=ordered,
        facts=facts_of(manifest),
        commands=commands_of(history.runs, folder.name),
    )


def _known(folder: Path, now: float) -> tuple[Known, Status, History]:
    """Read manifest and ledger once, so that all that is told of them is of one moment."""
    read_manifest(folder)  # it tells if this is no campaign
    ledger = Ledger(folder)
    # In this order: a manifest that is newer than the records names all that they name.
    records = list(ledger.records())
    manifest = read_manifest(folder)
    state = CampaignState(manifest, records)
    status = status_of(folder, manifest, state, records, ledger.owner())
    running = {batch.study for batch in status.running}
    known = Known(folder=folder, manifest=manifest, state=state)
    return known, status, history_of(records, running=running, alive=status.state == "running", now=now)


def _failures(known: Known) -> Failures:
    return Failures(
        groups=_told(lambda: groups_of(known, limit=GROUPS)),
        rows=_told(lambda: tuple(islice(FailedRows(known), EXAMPLES))),
        why=_told(lambda: why_of(known)),
    )


def _indices(known: Known, results: Outcomes | Missing | None) -> Analysis | None:
    if not isinstance(results, Outcomes) or not results.results or not gives_indices(known.manifest):
        return None
    return analysis_of(known, list(islice(results.results, ANALYZED)))


def _order(
    manifest: Manifest, results: Outcomes | Missing | None, failures: Failures | None
) -> tuple[list[str], str]:
    """Return the parameters, the most influential first, and by what that was told."""
    names = [name for name in manifest.table.columns if name != manifest.table.index]
    if results is not None and not isinstance(results, Missing):
        strength = influence(results.found)
        if any(size >= 0 for size in strength.values()):
            return sorted(names, key=lambda name: -strength.get(name, -1.0)), RESULTS_FIRST
    if failures is not None and not isinstance(failures.why, Missing):
        surely = {parameter.name: parameter.adjusted for parameter in failures.why.parameters}
        if any(p < 1 for p in surely.values()):
            return sorted(names, key=lambda name: surely.get(name, 1.0)), FAILURES_FIRST
    return names, IN_ORDER


def _told(tell: Callable[[], Part]) -> Part | Missing:
    try:
        return tell()
    except (GenstudyError, OSError) as problem:
        return Missing(" ".join(str(problem).split()))
