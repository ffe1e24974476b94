"""How a campaign is run: what the study file says under `run:`, and the options of `genstudy run`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from genstudy.errors import UserError
from genstudy.units import parse_size, parse_time

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?", re.ASCII)


def _time(value: Any) -> Any:
    return _parsed(parse_time, value)


def _size(value: Any) -> Any:
    return _parsed(parse_size, value)


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is no number")
    return value


def _parsed(parse: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return _number(value)
    try:
        return parse(value)
    except UserError as problem:
        raise ValueError(str(problem).replace("\n  ", ": ")) from problem


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Whole = Annotated[int, Field(strict=True)]
Time = Annotated[
    float,
    BeforeValidator(_time),
    Field(gt=0, allow_inf_nan=False),
    WithJsonSchema({"type": ["string", "number"], "examples": [90, "15m", "2h", "1:30:00"]}),
]
Size = Annotated[
    int,
    BeforeValidator(_size),
    Field(ge=0),
    WithJsonSchema({"type": ["string", "integer"], "examples": [1000000, "500M", "10G"]}),
]
Rate = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1)]


class RunSettings(BaseModel):
    """How a campaign is run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs: Whole = Field(default=1, ge=1, description="Batches that run at a time.")
    save: Literal["keep", "archive", "move"] = Field(
        default="archive", description="What becomes of a batch's workspaces once it has ended."
    )
    to: str | None = Field(
        default=None, min_length=1, description="The folder of archives, or of moved workspaces."
    )
    keep_failed: bool = Field(default=True, description="Keep the workspaces of failed rows where they are.")
    before: str | None = Field(default=None, min_length=1, description="A command before each batch.")
    after: str | None = Field(
        default=None, min_length=1, description="A command after each batch, before it is saved."
    )
    timeout: Time | None = Field(
        default=None, description="The longest time that a study of a batch may take."
    )
    max_files: Whole | None = Field(
        default=None, ge=1, description="The most files and folders in the campaign's folder."
    )
    min_free: Size | None = Field(default=None, description="Bytes that stay free on its file system.")
    min_free_files: Whole | None = Field(
        default=None, ge=0, description="Inodes that stay free on its file system."
    )
    max_failures: Whole | None = Field(default=None, ge=0, description="Failed rows that are put up with.")
    max_failure_rate: Rate | None = Field(
        default=None, description="Share of failed rows among those that ended that is put up with."
    )
    throttle: Whole | None = Field(
        default=None, ge=0, description="Maestro's --throttle: jobs in the queue at a time."
    )
    attempts: Whole | None = Field(
        default=None, ge=1, description="Maestro's --attempts: tries to submit a step."
    )
    rlimit: Whole | None = Field(default=None, ge=0, description="Maestro's --rlimit: restarts of a step.")
    sleep: Whole | None = Field(
        default=None, ge=0, description="Seconds between Maestro's looks at its jobs."
    )
    pass_env: Annotated[list[str], BeforeValidator(_as_list)] = Field(
        default=[], description="Environment variables that reach the steps though they look like secrets."
    )

    @field_validator("pass_env")
    @classmethod
    def _names(cls, names: list[str]) -> list[str]:
        for name in names:
            if not VARIABLE.fullmatch(name):
                raise ValueError(f"'{name}' is no name of an environment variable")
        return names
