"""The public format of a campaign's status; docs/status.md describes it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["new", "running", "submitted", "stopped", "died", "finished"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RowCounts(_Part):
    """Rows by what became of them. One that is tried again counts once, by its last try."""

    total: int
    done: int = Field(description="All steps finished.")
    failed: int = Field(description="A step failed, and the row is not tried again as yet.")
    pending: int = Field(description="Neither; the three add up to the total.")


class BatchCounts(_Part):
    """Batches by what became of them; those that try rows again are batches of their own."""

    total: int
    done: int = Field(description="All rows are done.")
    failed: int = Field(description="All rows ended, and some failed.")
    pending: int = Field(description="Some rows are pending; with the two above, they add up to the total.")
    running: int = Field(description="A study of it runs.")
    saved: int = Field(description="Its files are where they shall be, and were read back.")
    cleared: int = Field(description="Its workspaces are deleted, after they were saved.")


class OwnerStatus(_Part):
    """The process that runs the campaign, or ran it last."""

    host: str
    pid: int
    user: str
    since: float = Field(description="When it took the campaign over, in seconds since 1970.")
    alive: bool | None = Field(
        description="Whether it lives; null: it runs elsewhere, and cannot be looked at."
    )


class RunningBatch(_Part):
    """A batch that runs."""

    batch: str = Field(description="The batch's id.")
    study: str = Field(description="Its study's folder in runs/.")
    rows: int = Field(description="How many rows the study runs.")
    since: float = Field(description="When it was started, in seconds since 1970.")


class WaveStatus(_Part):
    """Batches handed to a scheduler as the tasks of one job, some of which are not taken back yet."""

    wave: int = Field(description="Number of this wave, counted from 1.")
    scheduler: str = Field(description="The scheduler, such as slurm.")
    job: str = Field(description="The job's id; empty: it is not known.")
    batches: int = Field(description="All batches of the wave.")
    ended: int = Field(description="Those whose rows have all ended, or that were taken back.")
    running: int = Field(description="Those at work, by what their tasks have recorded.")


class BatchAgain(_Part):
    """A batch that was cut short, so that it will be run again, as a whole or in part."""

    batch: str = Field(description="The batch's id.")
    rows: int = Field(
        description="How many rows will be run again; before `judged`, those that the study was to run."
    )
    whole: bool = Field(description="Whether rows of it that finished will be run again too.")
    judged: bool = Field(description="Whether it is known which of its rows had finished.")
    reason: str = Field(description="Why, for people.")


class CostStatus(_Part):
    """What a row has cost up to now, on average."""

    rows: int = Field(description="The rows that this was measured on.")
    seconds: float = Field(description="Of Maestro's running time.")
    files: float = Field(description="Files and folders.")
    bytes: float = Field(description="Bytes of files, before archiving.")


class ResultsStatus(_Part):
    """What the runs of a campaign have collected of its results. Rows of all attempts count."""

    batches: int = Field(description="Batches that were collected.")
    rows: int = Field(description="Their rows.")
    faulty: int = Field(description="Rows of these with a result that is missing or malformed.")


class Status(_Part):
    """The state of a campaign."""

    format: Literal[1] = Field(description="Version of this format.")
    name: str = Field(description="The campaign's name.")
    folder: str = Field(description="The campaign's folder, its full path.")
    state: State = Field(
        description="Never run; run by a process now; in a scheduler's hands, or not taken back from there, "
        "and no process follows; given up before its end; its process died; nothing is left to do."
    )
    reason: str = Field(description="Why it was given up, if it was.")
    owner: OwnerStatus | None = Field(description="Who runs it, or ran it last; null: nobody yet.")
    rows: RowCounts
    batches: BatchCounts
    retries: int = Field(description="Rows that were put into batches of their own, to be tried again.")
    running: list[RunningBatch] = Field(description="The batches that run.")
    waves: list[WaveStatus] = Field(description="Batches in the hands of a scheduler.")
    again: list[BatchAgain] = Field(description="Batches that were cut short, and what will be run again.")
    unsaved: list[str] = Field(description="Ids of the batches that ended and are not saved.")
    cost: CostStatus | None = Field(description="What a row cost; null until a batch is saved.")
    results: ResultsStatus | None = Field(description="What was collected; null: it has no results.")
    rate: float | None = Field(
        description="Rows that end in a second in the present run, if one is going on."
    )
    left: float | None = Field(description="Seconds until all rows have ended, at that rate.")
    files: int = Field(
        description="Files and folders of the campaign; for batches that are not saved, about what they need."
    )
    bytes: int = Field(description="Bytes of what was saved: archives, or files that are kept.")


def status_schema() -> dict[str, Any]:
    """Return the JSON Schema of a campaign's status."""
    return Status.model_json_schema()
