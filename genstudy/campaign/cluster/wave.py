"""A wave on disk: what its tasks have to know of the campaign, so that none reads all of the manifest."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genstudy.errors import GenstudyError, UserError
from genstudy.files import whole_file
from genstudy.ledger.records import Record  # noqa: TC001 - a field's type
from genstudy.ledger.tasks import TASKS, WAVES
from genstudy.specs.manifest import BatchEntry, Manifest
from genstudy.specs.running import RunSettings  # noqa: TC001 - a field's type
from genstudy.specs.scheduler import SchedulerSettings  # noqa: TC001 - a field's type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PLAN, LINES, SCRIPT, LOG = "plan.json", "tasks.jsonl", "job.sh", "tasks.log"


class WavePlan(BaseModel):
    """What all tasks of a wave have in common. campaign: the manifest, without its batches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    wave: int = Field(ge=1)
    token: str
    scheduler: SchedulerSettings
    run: RunSettings
    campaign: dict[str, Any]


class TaskLine(BaseModel):
    """A task's batch, and what was recorded of it before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: BatchEntry
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A batch as its task sees it: a campaign of this batch alone."""

    wave: int
    manifest: Manifest
    settings: RunSettings
    records: tuple[Record, ...]

    @property
    def batch(self) -> BatchEntry:
        """The batch's entry."""
        return self.manifest.batches[0]


def write_wave(
    folder: Path,
    manifest: Manifest,
    settings: RunSettings,
    scheduler: SchedulerSettings,
    *,
    wave: int,
    token: str,
    tasks: Iterable[tuple[BatchEntry, Sequence[Record]]],
) -> None:
    """Write a wave's plan and its tasks, in their order; what is left of one never begun is replaced."""
    (folder / TASKS).mkdir(parents=True, exist_ok=True)
    plan = WavePlan(wave=wave, token=token, scheduler=scheduler, run=settings, campaign=manifest.head())
    with whole_file(folder / LINES, force=True) as stream:
        for batch, records in tasks:
            line = TaskLine(batch=batch, records=tuple(records))
            stream.write(line.model_dump_json().encode() + b"\n")
    with whole_file(folder / PLAN, force=True) as stream:
        stream.write(plan.model_dump_json(indent=2, exclude_unset=True).encode() + b"\n")


def join_logs(folder: Path) -> None:
    """Put what the tasks of a wave printed into one file, `tasks.log`: a million files are too many to leave.

    Killed in the middle of it, some of them stand there twice.
    """
    logs = [path for path in folder.glob("*.out") if path.stem.isdecimal() and path.is_file()]
    if not logs:
        return
    logs.sort(key=lambda path: int(path.stem))
    with (folder / LOG).open("ab") as stream:
        for path in logs:
            stream.write(f"==> {path.name} <==\n".encode())
            with path.open("rb") as log:
                shutil.copyfileobj(log, stream)
        stream.flush()
        os.fsync(stream.fileno())
    for path in logs:
        path.unlink()


def last_scheduler(campaign: Path) -> SchedulerSettings | None:
    """Return what the last wave of a campaign asked for; None where there was none."""
    plans = (campaign / WAVES).glob(f"*/{PLAN}")
    last = max(plans, key=lambda path: int(path.parent.name), default=None)
    return None if last is None else _read_plan(last.parent).scheduler


def read_task(folder: Path, index: int) -> Task:
    """Return a task of a wave. Raises UserError where there is no such task, or no such wave."""
    try:
        plan = _read_plan(folder)
        with (folder / LINES).open("rb") as stream:
            found = next(islice(stream, index, None), None) if index >= 0 else None
        if found is None:
            raise UserError(f"there is no task {index} in this wave", where=str(folder))
        line = TaskLine.model_validate_json(found)
    except FileNotFoundError:
        raise UserError("this is no wave of a campaign", where=str(folder)) from None
    except ValidationError as problem:
        raise GenstudyError(f"{folder / LINES}: not understood: {problem.errors()[0]['msg']}") from None
    manifest = Manifest.model_validate({**plan.campaign, "batches": [line.batch]})
    return Task(wave=plan.wave, manifest=manifest, settings=plan.run, records=line.records)


def _read_plan(folder: Path) -> WavePlan:
    try:
        return WavePlan.model_validate_json((folder / PLAN).read_bytes())
    except ValidationError as problem:
        raise GenstudyError(f"{folder / PLAN}: not understood: {problem.errors()[0]['msg']}") from None
