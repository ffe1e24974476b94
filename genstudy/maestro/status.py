"""What Maestro records of a study: the format of its status.csv and the names of its states."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FINISHED = "FINISHED"
NOT_YET = frozenset(
    {"INITIALIZED", "PENDING", "WAITING", "RUNNING", "FINISHING", "QUEUED", "NOTFOUND", "DRYRUN"}
)
"""States of a step that has not come to an end; every other one but FINISHED is a failure."""

TIMED_OUT = "TIMEDOUT"
WAITS_AGAIN = "PENDING"
STATUS = "status.csv"
COMMAS = 10
BLANK = "--"
PAGE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """What Maestro recorded of a step's run: once, or for one combination of parameters.

    folder, label: its workspace in the study is `folder/label`, or `folder` where there is no label.
    begun: whether it was submitted at all. began, ended: when its script did, as local time, such as
    `2026-05-04 03:02:01`; empty where it did not. params: what stands in the column of parameters.
    """

    folder: str
    label: str
    state: str
    begun: bool
    began: str
    ended: str
    params: Mapping[str, str]

    @property
    def failed(self) -> bool:
        """Whether it came to an end other than the good one."""
        return self.state != FINISHED and self.state not in NOT_YET


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A study's status as far as it could be read. whole: whether this surely is all that Maestro wrote."""

    runs: tuple[StepRun, ...]
    whole: bool


def read_status(study: Path) -> Status | None:
    """Return what Maestro recorded of a study's steps; None where it has recorded nothing yet.

    Lines that are torn, because Maestro died while it wrote them, are left out. What a step put in the file's
    place, such as a link, a folder or a pipe, is no record.
    """
    path = study / STATUS
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    lines = data.decode("utf-8", "backslashreplace").split("\n")[1:]
    runs = [_step_run(line) for line in lines]
    # Maestro writes all at once: what was cut off ends with a line's part, or with a page.
    whole = bool(runs) and None not in runs and len(data) % PAGE != 0
    return Status(runs=tuple(run for run in runs if run is not None), whole=whole)


def _step_run(line: str) -> StepRun | None:
    """Return what a line says, None for a torn one. Nothing in it is quoted; a workspace may hold commas."""
    if line.count(",") < COMMAS:
        return None
    _, _, rest = line.split(",", 2)
    workspace, state, _, _, start, submitted, end, _, params = rest.rsplit(",", 8)
    folder, _, label = workspace.partition("/")
    if "/" in label or label in {".", ".."}:
        return None
    if state == TIMED_OUT and end == BLANK:
        state = WAITS_AGAIN  # it ran out of time and was handed in again
    pairs = (pair.partition(":")[::2] for pair in params.split(";")) if params else ()
    return StepRun(
        folder=folder,
        label=label,
        state=state,
        begun=submitted != BLANK,
        began="" if start == BLANK else start,
        ended="" if end == BLANK else end,
        params=dict(pairs),
    )


def read_spans(study: Path, key: str, label: str) -> dict[str, tuple[str, str]]:
    """Return {value: when its first step began and its last one ended} for the steps of single rows.

    key: the parameter that tells the rows apart, alone in the column of parameters; label: what workspaces
    have before its value. Times are as they stand in the file, BLANK for none. It is read_status for many
    rows, without an object for each of their steps.
    """
    path = study / STATUS
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return {}
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    spans: dict[str, tuple[str, str]] = {}
    mark, size, before = f"{key}:", len(key) + 1, f"/{label}"
    for line in data.decode("utf-8", "backslashreplace").split("\n")[1:]:
        parts = line.split(",")
        if len(parts) == COMMAS + 1:
            _, _, workspace, _, _, _, start, _, end, _, params = parts
        elif len(parts) > COMMAS:
            # From the right: a workspace may hold commas.
            workspace, _, _, _, start, _, end, _, params = line.rsplit(",", 8)
        else:
            continue
        value = params[size:]
        if params[:size] != mark or not workspace.endswith(before + value):
            continue  # of several rows, or torn
        if value in spans:
            known = spans[value]
            start = min(filter(_is_time, (start, known[0])), default=BLANK)
            end = max(filter(_is_time, (end, known[1])), default=BLANK)
        spans[value] = (start, end)
    return spans


def _is_time(text: str) -> bool:
    return text not in {"", BLANK}
