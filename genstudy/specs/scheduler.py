"""A scheduler's settings: what the study file says under `scheduler:`, and `--scheduler` with `--job`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
)

from genstudy.errors import UserError, near
from genstudy.specs.running import Time, Whole  # noqa: TC001 - types of fields

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPES = ("local", "slurm", "flux", "lsf")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
Name = Annotated[str, WithJsonSchema({"type": ["string", "number"], "minLength": 1})]
"""Names may be numbers: they are taken for the text that was written."""


class SchedulerSettings(BaseModel):
    """Where a campaign's rows run, if not on this machine, and what each job asks for.

    A job is a step of a row with `submit: steps`, where Maestro submits, and a batch with `submit: batches`,
    where genstudy does, and Maestro runs the rows within the job.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["local", "slurm", "flux", "lsf"] = Field("slurm", description="The scheduler.")
    submit: Literal["steps", "batches"] = Field(
        "steps", description="What a job is: each step of each row, submitted by Maestro, or a whole batch."
    )
    host: Text | None = Field(None, description="The machine's name, as Maestro wants it for steps.")
    bank: Text | None = Field(None, description="The account that pays.")
    queue: Name | None = Field(None, min_length=1, description="The queue, or partition.")
    nodes: Whole | None = Field(None, ge=1, description="Nodes of a job.")
    procs: Whole | None = Field(None, ge=1, description="Processes (tasks, MPI ranks) of a job.")
    cores: Whole | None = Field(
        None, ge=1, description="Cores of each process; a batch has as many as `jobs`, if nothing is said."
    )
    gpus: Whole | None = Field(None, ge=0, description="GPUs of a job.")
    memory: Name | None = Field(None, min_length=1, description="Memory of a job's node, such as 4G.")
    walltime: Time | None = Field(None, description="The longest that a job may take: 90s, 15m, 2h, 1:30:00.")
    reservation: Name | None = Field(None, min_length=1, description="A reservation of nodes.")
    qos: Name | None = Field(None, min_length=1, description="The quality of service.")
    exclusive: bool = Field(False, description="Have the nodes alone.")
    limit: Whole | None = Field(None, ge=1, description="Batches in the queue's hands that run at a time.")
    setup: str | None = Field(None, min_length=1, description="Shell lines before a batch: `module load x`.")
    script: str | None = Field(
        None, min_length=1, description="A template of the batches' job script, in place of the built-in one."
    )
    options: Annotated[list[str], BeforeValidator(_as_list)] = Field(
        default=[], description="Further options of the batches' job script, such as `--constraint=haswell`."
    )
    extra: dict[str, Any] = Field(
        default={}, description="Further entries of Maestro's `batch:` block, for steps."
    )

    @field_validator("host", "bank", "queue", "memory", "reservation", "qos", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """Take a number for the text that it was written as: names may be numbers."""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("setup", "script", "host", "bank", "queue", "memory", "reservation", "qos")
    @classmethod
    def _plain(cls, text: str | None) -> str | None:
        if text is not None and "\0" in text:
            raise ValueError("it has a NUL character")
        return text


def choose_scheduler(
    said: SchedulerSettings | None, scheduler: str | None, pairs: Sequence[str]
) -> SchedulerSettings | None:
    """Join what the study file said with `--scheduler TYPE` and `--job KEY=VALUE`; these win.

    `KEY=` takes the key away, as if nobody had said it. None where nobody names a scheduler, or `local` is
    asked for. Raises UserError for a scheduler or a key that there is not, a value that cannot be, and pairs
    without a scheduler.
    """
    given: dict[str, Any] = {}
    if said is not None:
        given = {"type": said.type, **said.model_dump(exclude_unset=True)}
    if scheduler is not None:
        if scheduler not in TYPES:
            raise UserError(
                f"there is no scheduler '{scheduler}'{near(scheduler, TYPES)}",
                hint=f"--scheduler takes {', '.join(TYPES)}",
            )
        given["type"] = scheduler
    for pair in pairs:
        key, value = _pair(pair)
        if value == "":
            given.pop(key, None)
        elif key == "options":
            given.setdefault(key, [])
            given[key] = [*given[key], value]
        else:
            given[key] = value
    if not given and not pairs:
        return None
    if "type" not in given:
        raise UserError("--job needs a scheduler", hint="pass --scheduler slurm")
    try:
        chosen = SchedulerSettings.model_validate(given)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = str(first["loc"][0])
        raise UserError(f"--job {key}: {first['msg'].removeprefix('Value error, ')}") from None
    return None if chosen.type == "local" else chosen


def _pair(pair: str) -> tuple[str, Any]:
    """Return the key and the value of `KEY=VALUE`; whole numbers and yes or no as such."""
    key, equals, text = pair.partition("=")
    key = key.strip()
    keys = [name for name in SchedulerSettings.model_fields if name not in {"type", "extra"}]
    if not equals:
        raise UserError(f"--job takes KEY=VALUE, not '{pair}'", hint=f"keys: {', '.join(keys)}")
    if key not in keys:
        raise UserError(f"--job has no key '{key}'{near(key, keys)}", hint=f"keys: {', '.join(keys)}")
    text = text.strip()
    if key in {"nodes", "procs", "cores", "gpus", "limit"} and text.isascii() and text.isdigit():
        return key, int(text)
    if key == "exclusive" and text.lower() in {"true", "false", "yes", "no"}:
        return key, text.lower() in {"true", "yes"}
    return key, text
