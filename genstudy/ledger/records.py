"""What the ledger records, a JSON object a line. The format is public: docs/ledger.md describes it.

`t` is the wall clock in seconds since 1970, for people to read; nothing is decided by it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Save = Literal["keep", "archive", "move"]
How = Literal["ended", "killed", "timeout", "stopped"]
Scheduler = Literal["slurm", "flux"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    t: float = Field(ge=0, le=1e11, description="Wall clock, in seconds since 1970.")


class Owned(_Record):
    """A process took the campaign over. It is the first record of its file."""

    event: Literal["own"] = "own"
    generation: int = Field(ge=1, description="Number of this owner, counted from 1.")
    host: str
    machine: str = Field(default="", description="Hash of the machine's id; empty: unknown.")
    boot: str = Field(default="", description="Id of the kernel's boot; empty: unknown.")
    namespace: str = Field(default="", description="Namespace of process numbers; empty: unknown.")
    pid: int = Field(ge=1, lt=2**31)
    pid_start: int | None = Field(
        default=None, description="When the process was started, in the kernel's ticks; null: unknown."
    )
    user: str
    genstudy: str = Field(description="Version of genstudy.")
    options: dict[str, Any] = Field(description="What was asked for.")
    previous: int = Field(
        default=0,
        ge=0,
        description="How many records of the owner before count: it wrote later ones when it owned no more.",
    )
    sealed: bool = Field(
        default=False,
        description="Whether nobody is to own this any more: what a task was to do was given up.",
    )


class Started(_Record):
    """A study of a batch is about to be started."""

    event: Literal["start"] = "start"
    batch: str = Field(description="The batch's id.")
    study: str = Field(description="The study's folder in runs/.")
    rows: str = Field(description="The rows that it runs, as ranges of row numbers.")
    whole: bool = Field(
        description="Whether it runs the batch as a whole, and what was done of it before counts no more."
    )


class Failure(BaseModel):
    """Rows that failed in the same way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str = Field(description="The step that failed first; empty where no step can be named.")
    state: str = Field(description="Maestro's word for it, such as FAILED or TIMEDOUT; LOST: it has none.")
    rows: str = Field(description="The rows, as ranges.")


class Ended(_Record):
    """A study ended, or was found dead, and its rows were judged. Rows in neither list are run again."""

    event: Literal["end"] = "end"
    batch: str
    study: str
    how: How = Field(description="By itself, killed from outside, after --timeout, or stopped by genstudy.")
    code: int | None = Field(description="Maestro's exit code, if it is known; negative: a signal.")
    done: str = Field(description="Rows whose steps all finished.")
    failed: tuple[Failure, ...] = ()
    seconds: float | None = Field(description="How long Maestro ran, if it is known.")
    note: str = Field(default="", description="What Maestro said, where it made no study.")


class Saved(_Record):
    """The files of a batch's studies are where they shall be, and were read back."""

    event: Literal["save"] = "save"
    batch: str
    mode: Save
    path: str = Field(description="The archive or folder: in the campaign's folder, or an absolute path.")
    sha256: str | None = Field(description="SHA-256 of the archive, or of the list of checksums.")
    nbytes: int = Field(description="Bytes of the archive, or of the files.")
    entries: int = Field(description="Files and folders that the studies had.")
    content: int = Field(description="Bytes of the studies' files.")
    seconds: float


class Collected(_Record):
    """The results of a batch are committed to their database."""

    event: Literal["collect"] = "collect"
    batch: str
    rows: int = Field(ge=0, description="Rows that were written.")
    faulty: int = Field(ge=0, description="Rows of these with a result that was missing or malformed.")
    missing: dict[str, int] = Field(description="How often each result was missing or malformed.")


class Cleared(_Record):
    """The saved workspaces of a batch are deleted."""

    event: Literal["clear"] = "clear"
    batch: str
    left: int = Field(description="Files and folders left: the workspaces of failed rows.")


class Submitted(_Record):
    """Batches are about to be handed to a scheduler, as the tasks of one job: a wave.

    From here on a batch's task has a ledger of its own, whose records count behind this one, until the batch
    is returned.
    """

    event: Literal["submit"] = "submit"
    wave: int = Field(ge=1, description="Number of this wave, counted from 1.")
    scheduler: Scheduler
    token: str = Field(description="By which the scheduler's job is found again, whatever its id is.")
    batches: tuple[str, ...] = Field(description="The batches, in the order of the tasks, which begin at 0.")


class Queued(_Record):
    """The scheduler has taken the job of a wave."""

    event: Literal["queue"] = "queue"
    wave: int = Field(ge=1)
    job: str = Field(description="The job's id; empty: it is not known to us.")


class Refused(_Record):
    """The scheduler has not taken a wave: its batches are in nobody's hands again."""

    event: Literal["refuse"] = "refuse"
    wave: int = Field(ge=1)
    reason: str


class Returned(_Record):
    """A batch is in its task's hands no more. The task's records, as far as they count, stand before."""

    event: Literal["return"] = "return"
    wave: int = Field(ge=1)
    batch: str
    state: str = Field(
        description="The scheduler's word for how the task ended, such as COMPLETED or TIMEOUT."
    )
    failed: tuple[Failure, ...] = Field(
        default=(), description="Rows that had not ended by then, where they are not run again by themselves."
    )


class Stopped(_Record):
    """The owner gave the campaign up. It is the last record of its file."""

    event: Literal["stop"] = "stop"
    reason: str


Record = Annotated[
    Owned | Started | Ended | Saved | Collected | Cleared | Submitted | Queued | Refused | Returned | Stopped,
    Field(discriminator="event"),
]
RECORD: TypeAdapter[Record] = TypeAdapter(Record)
