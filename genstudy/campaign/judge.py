"""What became of a study's rows: by what Maestro recorded of their steps, and by their scripts' marks."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.batches.rows import LABEL, RowFinder
from genstudy.campaign.logs import last_words
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Failure
from genstudy.ledger.state import LOST
from genstudy.maestro.specs import folder_name
from genstudy.maestro.status import FINISHED, read_status
from genstudy.rendering.marks import MARK_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genstudy.batches.rows import BatchRows
    from genstudy.maestro.status import Status, StepRun
    from genstudy.specs.manifest import StepEntry

UNDECODABLE = "UnicodeDecodeError"
"""How Maestro dies of bytes that a step printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of rows. unfinished: neither done nor failed, to be run again.

    note: what Maestro said where it recorded nothing at all.
    """

    done: Rows
    failed: tuple[Failure, ...]
    unfinished: Rows
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """How far a row or a step came, if not to a good end. state: empty where it simply has not ended."""

    step: str
    state: str = ""


def judge(study: Path, *, steps: Sequence[StepEntry], rows: BatchRows, wanted: Rows, ended: bool) -> Outcome:
    """Return what became of the rows that a study ran.

    study: its folder, which may be missing. steps: the campaign's. rows: the batch's; wanted: those that the
    study ran. ended: whether Maestro came to the study's end, so that its record is the whole story: a row
    that it says nothing of is lost then, and counts as failed. Otherwise that row is unfinished.

    A row is done if all steps that run once a row finished for it, and so did the other steps, but for those
    that a row's step waits for anyway. A step that Maestro has not recorded as finished is that all the same
    if its script left its mark and Maestro wrote down what it printed.

    A row that printed what is no UTF-8 ends Maestro whenever it runs, so it is lost for good and the others
    can go on without it.
    """
    status = read_status(study)
    record = _Record(study, steps, rows, status)
    done: list[int] = []
    unfinished: list[int] = []
    failed: dict[_Ending, list[int]] = defaultdict(list)
    gate = record.gate(trusted=ended)
    words = last_words(study)
    choked = UNDECODABLE in words
    for number in wanted:
        ending = record.ending(number) or gate
        if ending is None:
            done.append(number)
        elif ending.state:
            failed[ending].append(number)
        elif ended or (choked and record.in_hand(number)):
            failed[_Ending(step=ending.step if status else "", state=LOST)].append(number)
        else:
            unfinished.append(number)
    return Outcome(
        done=Rows.of(done),
        failed=tuple(
            Failure(step=ending.step, state=ending.state, rows=str(Rows.of(numbers)))
            for ending, numbers in sorted(failed.items(), key=lambda item: item[1][0])
        ),
        unfinished=Rows.of(unfinished),
        note=words if status is None else "",
    )


def rows_at_work(
    study: Path, *, steps: Sequence[StepEntry], rows: BatchRows, wanted: Rows
) -> dict[str, Rows]:
    """Return {step: the rows that it was at work on} when a study died, as far as can be seen."""
    record = _Record(study, steps, rows, read_status(study))
    found: dict[str, list[int]] = defaultdict(list)
    for number in wanted:
        ending = record.ending(number)
        if ending is not None and not ending.state and record.in_hand(number):
            found[ending.step].append(number)
    return {step: Rows.of(numbers) for step, numbers in found.items()}


class _Record:
    """What is known of a study's steps, by row and for the batch."""

    def __init__(
        self, study: Path, steps: Sequence[StepEntry], rows: BatchRows, status: Status | None
    ) -> None:
        self._rows, self._workspaces = rows, _Workspaces(study)
        self._whole = status is not None and status.whole
        self._by_row: list[tuple[StepEntry, dict[int, StepRun]]] = []
        self._others: list[tuple[StepEntry, list[StepRun]]] = []
        finder = RowFinder(rows)
        by_folder: dict[str, list[StepRun]] = defaultdict(list)
        for run in status.runs if status else ():
            by_folder[run.folder].append(run)
        for step in steps:
            runs = by_folder[folder_name(step.name)]
            if step.runs == "row":
                self._by_row.append((step, _by_number(runs, finder)))
            else:
                self._others.append((step, runs))
        self._culprit = _first_failed(self._others, begun=True)

    def ending(self, number: int) -> _Ending | None:
        """Return how a row's own steps ended, None if all of them finished."""
        open_step = None
        failures = []
        for step, runs in self._by_row:
            run = runs.get(number)
            if run is not None and run.failed:
                failures.append((step, run))
            elif open_step is None and not self._finished(step, run, number):
                open_step = step
        if failures:
            return self._first_failure(failures)
        return None if open_step is None else _Ending(step=open_step.name)

    def in_hand(self, number: int) -> bool:
        """Tell whether a step of the row was at work, or had just ended, when Maestro died."""
        for step, runs in self._by_row:
            run = runs.get(number)
            if not self._finished(step, run, number):
                label = self._label(run, number)
                if label is None or not self._workspaces.begun(step, label):
                    return False
                return not self._workspaces.printed(step, label)
        return False

    def gate(self, *, trusted: bool) -> _Ending | None:
        """Return how the steps ended that no row's step waits for, None if all of them finished.

        trusted: whether the record is the whole story, whatever it looks like.
        """
        gates = [(step, runs) for step, runs in self._others if not step.before_rows]
        failed = _first_failed(gates, begun=True) or _first_failed(gates, begun=False)
        if failed is not None:
            return failed
        for step, runs in gates:
            if not self._all_finished(step, runs, trusted):
                return _Ending(step=step.name)
        return None

    def _all_finished(self, step: StepEntry, runs: Sequence[StepRun], trusted: bool) -> bool:
        if not runs:
            return step.runs == "batch" and self._workspaces.finished(step, "")
        # Of a record that may be cut off nobody knows how many runs of a shared step are missing.
        complete = trusted or self._whole or step.runs == "batch"
        return complete and all(self._run_finished(step, run) for run in runs)

    def _finished(self, step: StepEntry, run: StepRun | None, number: int) -> bool:
        if run is not None:
            return self._run_finished(step, run)
        label = self._label(run, number)
        return label is not None and self._workspaces.finished(step, label)

    def _run_finished(self, step: StepEntry, run: StepRun) -> bool:
        return run.state == FINISHED or (not run.failed and self._workspaces.finished(step, run.label))

    def _label(self, run: StepRun | None, number: int) -> str | None:
        """Return the name of a row's workspace; inline, Maestro alone knows it."""
        if run is not None:
            return run.label
        return None if self._rows.values else LABEL + self._rows.id_of(number)

    def _first_failure(self, failures: Sequence[tuple[StepEntry, StepRun]]) -> _Ending:
        """Name the step that failed first: the others never began, as they depend on it."""
        for step, run in failures:
            if run.begun:
                return _Ending(step=step.name, state=run.state)
        step, run = failures[0]
        if self._culprit is not None and self._culprit.state == run.state:
            return self._culprit
        return _Ending(step=step.name, state=run.state)


def _first_failed(steps: Sequence[tuple[StepEntry, Sequence[StepRun]]], *, begun: bool) -> _Ending | None:
    """Return the first step with a run that failed. begun: look at those only that had begun."""
    for step, runs in steps:
        for run in runs:
            if run.failed and (run.begun or not begun):
                return _Ending(step=step.name, state=run.state)
    return None


def _by_number(runs: Sequence[StepRun], finder: RowFinder) -> dict[int, StepRun]:
    """Return {row: its run of a step}; of two entries for a row the worse counts."""
    found: dict[int, StepRun] = {}
    for run in runs:
        for number in finder.find(run.label, run.params):
            other = found.get(number)
            if other is None or _badness(run) > _badness(other):
                found[number] = run
    return found


def _badness(run: StepRun) -> int:
    return 2 if run.failed else int(run.state != FINISHED)


class _Workspaces:
    """What the scripts of a study's steps left in their workspaces."""

    def __init__(self, study: Path) -> None:
        self._study = study
        self._present: dict[str, frozenset[str]] = {}

    def finished(self, step: StepEntry, label: str) -> bool:
        """Tell whether a step's script left its mark, and what it printed was written down.

        Maestro does the second: it dies with what the last script printed. Only a plain file is a mark.
        """
        if not step.mark or not self.begun(step, label):
            return False
        try:
            found = (self._folder(step) / label / MARK_NAME).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return stat.S_ISREG(found.st_mode) and self.printed(step, label)

    def begun(self, step: StepEntry, label: str) -> bool:
        """Tell whether a step has a workspace: Maestro makes it right before the script runs."""
        folder = self._folder(step)
        if folder.name not in self._present:
            # All at once, so that those that are missing are not looked for one by one.
            self._present[folder.name] = frozenset(_names(folder))
        return label in self._present[folder.name] if label else folder.is_dir()

    def printed(self, step: StepEntry, label: str) -> bool:
        """Tell whether what a step printed was written down: on standard error last."""
        names = (step.name, folder_name(step.name))
        found = _names(self._folder(step) / label)
        return any(name.endswith(".err") and name.startswith(names) for name in found)

    def _folder(self, step: StepEntry) -> Path:
        return self._study / folder_name(step.name)


def _names(folder: Path) -> list[str]:
    """Return the names of what is in a folder; none where there is no folder."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - thousands of folders, and no paths are wanted
    except (FileNotFoundError, NotADirectoryError):
        return []
