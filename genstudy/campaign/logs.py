"""What Maestro and the steps of a failed row had to say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from genstudy.batches.rows import LABEL, RowFinder
from genstudy.batches.showing import end_of, visible
from genstudy.maestro.specs import folder_name
from genstudy.maestro.status import read_status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genstudy.batches.rows import BatchRows
    from genstudy.maestro.status import StepRun

LOG_BYTES = 65536
OUTPUT_LINES = 10
OUTPUT_BYTES = 2000
LONGEST = 500

PGEN = "pgen: "
SHARED = "SHARED"
"""What the pgen records instead of a row's id where a step runs for several rows."""

TRACEBACK = "Traceback (most recent call last):"
ERROR = re.compile(r"maestro[ a-z]*: error: .*|\[[^\]]*: ERROR\] (.*)")


def last_words(study: Path) -> str:
    """Return why Maestro made nothing of a study, as its log tells; empty where it does not.

    The log stands beside the study's folder. Lines that only tell what Maestro does are passed over.
    """
    log = study.with_name(study.name + ".log")
    if not log.is_file():
        return ""
    lines = end_of(log, LOG_BYTES).splitlines()
    return visible(_refusal(lines) or _exception(lines) or _error(lines))[:LONGEST]


def _refusal(lines: list[str]) -> str:
    """Return what the pgen said, with the way out that it gives."""
    starts = [place for place, line in enumerate(lines) if line.startswith(PGEN)]
    if not starts:
        return ""
    said = [lines[starts[-1]].removeprefix(PGEN)]
    for line in lines[starts[-1] + 1 :]:
        if not line.startswith("  "):
            break
        said.append(line.strip())
    return "; ".join(said)


def _exception(lines: list[str]) -> str:
    """Return the last line of a traceback."""
    if TRACEBACK not in lines:
        return ""
    last = len(lines) - 1 - lines[::-1].index(TRACEBACK)
    return next((line for line in lines[last + 1 :] if line and line[0] not in " ["), "")


def _error(lines: list[str]) -> str:
    for line in reversed(lines):
        if found := ERROR.fullmatch(line):
            return found[1] or found[0]
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutput:
    """The end of what a step printed. workspace: `step/label` in the study, empty if it had none.

    file: the file's name there, empty if there is none; text: its last lines, or why there are none.
    """

    workspace: str
    file: str
    text: str


class StudyRuns:
    """What Maestro recorded of a study's runs: read when it is first asked for, and looked up by row."""

    def __init__(self, study: Path, rows: BatchRows | None = None) -> None:
        """Take a study's folder, and the batch's rows; they are needed where its specification is inline."""
        self._study, self._rows = study, rows
        self._labels: dict[str, tuple[dict[int, str], str]] = {}

    @cached_property
    def runs(self) -> tuple[StepRun, ...]:
        """All runs that were recorded."""
        status = read_status(self._study)
        return status.runs if status else ()

    def label_of(self, folder: str, row_id: str) -> str:
        """Return the workspace in which a row's step ran, or a step for many rows failed; empty for none."""
        if folder not in self._labels:
            self._labels[folder] = self._labelled(folder)
        by_row, shared = self._labels[folder]
        number = self._rows.number_of(row_id) if self._rows is not None else None
        return by_row.get(number, shared) if number is not None else shared

    def _labelled(self, folder: str) -> tuple[dict[int, str], str]:
        """Return the labels of a step's runs by row, and the first failed one of those for many rows."""
        own = [run for run in self.runs if run.folder == folder]
        by_row: dict[int, str] = {}
        if self._rows is not None:
            finder = RowFinder(self._rows)
            for run in own:
                for number in finder.find(run.label, run.params):
                    by_row.setdefault(number, run.label)
        many = (run for run in own if not run.params or SHARED in run.params)
        return by_row, next((run.label for run in many if run.failed and run.begun), "")


def failed_step_output(
    study: Path, step: str, row_id: str, rows: BatchRows | None = None, *, recorded: StudyRuns | None = None
) -> StepOutput:
    """Return the end of what a failed step printed on standard error, or else on standard output.

    step: the step that failed first, as the outcome names it. rows: the batch's; needed where its
    specification is inline. recorded: of the study; with it, that is read once for many rows.
    Nothing that was printed can act on a terminal.
    """
    recorded = recorded or StudyRuns(study, rows)
    folder, label = folder_name(step), LABEL + row_id
    runs: tuple[StepRun, ...] = ()
    if not (study / folder / label).is_dir():
        label, runs = recorded.label_of(folder, row_id), recorded.runs
    workspace = f"{folder}/{label}".removesuffix("/")
    files = _printed(study / workspace, step)
    # More than one where the step was tried more than once.
    for path in sorted(files, key=lambda path: (path.suffix, -path.stat().st_mtime_ns)):
        if printed := end_of(path, OUTPUT_BYTES).rstrip():
            text = visible("\n".join(printed.split("\n")[-OUTPUT_LINES:]))[-OUTPUT_BYTES:]
            return StepOutput(workspace=workspace, file=path.name, text=text)
    why = "it printed nothing" if files else _why_not_begun(step, runs) or last_words(study)
    return StepOutput(workspace=workspace, file="", text=why or "it left no output")


def _printed(workspace: Path, step: str) -> list[Path]:
    """Return the files that hold what a step printed."""
    names = "|".join(map(re.escape, (step, folder_name(step))))
    name = re.compile(rf"(?:{names})" + r"(?:_.*)?(?:\.\d+)?\.(?:err|out)")
    if not workspace.is_dir():
        return []
    return [path for path in workspace.iterdir() if name.fullmatch(path.name) and path.is_file()]


def _why_not_begun(step: str, runs: Sequence[StepRun]) -> str:
    first = next((run for run in runs if run.failed and run.begun), None)
    if first is None or first.folder == folder_name(step):
        return ""
    return f"it did not begin: the step {first.folder} failed first"
