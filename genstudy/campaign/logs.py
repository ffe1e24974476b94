"""What Maestro and the steps of a failed row had to say."""

from __future__ import annotations

import re
from dataclasses import dataclass
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


def failed_step_output(study: Path, step: str, row_id: str, rows: BatchRows | None = None) -> StepOutput:
    """Return the end of what a failed step printed on standard error, or else on standard output.

    step: the step that failed first, as the outcome names it. rows: the batch's; needed where its
    specification is inline. Nothing that was printed can act on a terminal.
    """
    folder, label = folder_name(step), LABEL + row_id
    runs: tuple[StepRun, ...] = ()
    if not (study / folder / label).is_dir():
        status = read_status(study)
        runs = status.runs if status else ()
        label = _label_of(folder, row_id, rows, runs) or ""
    workspace = f"{folder}/{label}".removesuffix("/")
    files = _printed(study / workspace, step)
    # More than one where the step was tried more than once.
    for path in sorted(files, key=lambda path: (path.suffix, -path.stat().st_mtime_ns)):
        if printed := end_of(path, OUTPUT_BYTES).rstrip():
            text = visible("\n".join(printed.split("\n")[-OUTPUT_LINES:]))[-OUTPUT_BYTES:]
            return StepOutput(workspace=workspace, file=path.name, text=text)
    why = "it printed nothing" if files else _why_not_begun(step, runs) or last_words(study)
    return StepOutput(workspace=workspace, file="", text=why or "it left no output")


def _label_of(folder: str, row_id: str, rows: BatchRows | None, runs: Sequence[StepRun]) -> str | None:
    """Return the name of the workspace in which a row's step ran, or in which a step for many rows failed."""
    own = [run for run in runs if run.folder == folder]
    if rows is not None:
        number, finder = rows.number_of(row_id), RowFinder(rows)
        for run in own:
            if number in finder.find(run.label, run.params):
                return run.label
    many = (run for run in own if not run.params or SHARED in run.params)
    return next((run.label for run in many if run.failed and run.begun), None)


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
