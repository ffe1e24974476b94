"""The manifest: what a campaign's folder holds, read by everything that comes after.

The format is public; docs/manifest.md describes it, and `genstudy schema manifest` prints its JSON Schema.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from genstudy.errors import UserError
from genstudy.specs.results import ResultsSettings  # noqa: TC001 - a field's type
from genstudy.specs.running import RunSettings  # noqa: TC001 - a field's type
from genstudy.specs.scheduler import SchedulerSettings  # noqa: TC001 - a field's type

FILE_NAME = "manifest.json"
PGEN_NAME = "pgen.py"
PGEN_FILE = Path(__file__).with_name(PGEN_NAME)
FORMAT: Literal[1] = 1
LATER = ("attempt", "table", "rows")
MOST = 10**15
"""Rows or bytes that a campaign may have."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QueryEntry(_Part):
    """The query that gave the table's rows, once."""

    sql: str = Field(description="The statement, as it was given.")
    db: str = Field(description="The database's URL, without a password.")


class TableEntry(_Part):
    """The table the batches are slices of."""

    path: str = Field(description="The table's file: beside the manifest, or elsewhere if it was left there.")
    sha256: str = Field(description="SHA-256 of the table's bytes.")
    nbytes: int = Field(ge=0, description="Size of the table in bytes.")
    rows: int = Field(ge=1, description="Number of rows, the header not counted.")
    columns: list[str] = Field(description="Names of all columns, in the table's order.")
    index: str | None = Field(
        description="The column that holds the row ids; null: rows are numbered from 0."
    )
    source: str = Field(description="The table that was given, as it was given, or what gave it.")
    query: QueryEntry | None = Field(
        default=None, description="The query that the rows came from; null: the table was a file."
    )
    record: dict[str, Any] | None = Field(
        description="How the table was made, as its own record tells: design, seed, laws, versions."
    )


class TemplateEntry(_Part):
    """The study template the specs were rendered from."""

    name: str = Field(description="A built-in template's name, or the path that was given.")
    sha256: str = Field(
        description="SHA-256 over its text and all that it extends, includes or writes as a deck."
    )


class StepEntry(_Part):
    """A step of the study."""

    name: str = Field(description="The step's name, and that of its folder in a study.")
    runs: Literal["row", "shared", "batch"] = Field(
        description="Once a row, once per distinct set of the values it uses, or once a batch."
    )
    funnel: bool = Field(description="Whether it waits for all rows of another step.")
    mark: bool = Field(
        default=False,
        description="Whether its script ends with done_mark(), so that a finished run can be told.",
    )
    before_rows: bool = Field(
        default=False,
        description="Whether a step that runs once a row waits for it, and so tells how it ended.",
    )


class Settings(_Part):
    """What was asked for."""

    mode: Literal["pgen", "inline"] = Field(
        description="Whether a pgen reads the rows, or the specs hold them."
    )
    start: int = Field(ge=0, description="First row of the first batch.")
    rows: int = Field(ge=1, description="Rows in all batches together.")
    batch_size: int = Field(ge=1, description="Rows of the largest batch.")
    variables: dict[str, Any] = Field(description="The template's variables, as set.")
    allow_missing: bool = Field(description="Whether empty and NaN cells were let pass.")
    allow_unsafe_values: bool = Field(description="Whether shell-active values were let pass unquoted.")


class BatchEntry(_Part):
    """One batch: rows [start, start + nrows), bytes [offset, offset + nbytes) of the table.

    A batch of rows that are tried again has a table of its own, and `rows` says which rows these are.
    """

    id: str = Field(pattern=r"^\d{1,18}$", description="Number of the batch, zero-padded.")
    spec: str = Field(
        pattern=r"^[^/\x00]+\.yaml$", description="The specification's file, beside the manifest."
    )
    start: int = Field(ge=0, le=MOST, description="First row, counted from 0.")
    nrows: int = Field(ge=1, le=MOST, description="Number of rows.")
    offset: int = Field(ge=0, le=MOST, description="Place of the first row in the table, in bytes.")
    nbytes: int = Field(ge=1, le=MOST, description="Size of the rows in the table, in bytes.")
    sha256: str = Field(description="SHA-256 of the table's header line and the rows' bytes.")
    spec_sha256: str = Field(description="SHA-256 of the specification's bytes.")
    attempt: int = Field(default=1, ge=1, description="1, and one more each time that rows are tried again.")
    table: str | None = Field(
        default=None,
        description="The table of rows that are tried again, beside the manifest; null: the campaign's.",
    )
    rows: str | None = Field(
        default=None,
        description="The rows' numbers in the campaign's table, as ranges; null: start to the end.",
    )

    @property
    def name(self) -> str:
        """The batch's name: that of its specification without the ending."""
        return self.spec.removesuffix(".yaml")


class Manifest(_Part):
    """A campaign's manifest."""

    format: Literal[1] = Field(description="Version of this format.")
    genstudy: str = Field(description="Version of genstudy that wrote it.")
    name: str = Field(description="The campaign's name: specs are called <name>_<batch id>.yaml.")
    campaign: str | None = Field(
        default=None,
        description="What its rows are known by in databases, once it was extended; null: as it was made.",
    )
    table: TableEntry = Field(description="The table that the batches are slices of.")
    template: TemplateEntry = Field(description="The template that the specifications were rendered from.")
    settings: Settings = Field(description="What was asked for: rows, batches, the template's variables.")
    steps: list[StepEntry] = Field(description="The steps, in the specification's order.")
    pgen_sha256: str | None = Field(description="SHA-256 of pgen.py; null where the specs are inline.")
    run: RunSettings | None = Field(default=None, description="How the study file wants the campaign run.")
    scheduler: SchedulerSettings | None = Field(
        default=None, description="Where the rows run, if not on the machine of genstudy run."
    )
    results: ResultsSettings | None = Field(
        default=None, description="What is taken out of each row's workspaces, if anything."
    )
    batches: list[BatchEntry] = Field(min_length=1, description="The batches, in the order of their ids.")

    @property
    def whole_batches(self) -> bool:
        """Whether a batch has to be run as a whole, never in parts."""
        return self.settings.mode == "inline" or any(step.funnel for step in self.steps)

    @model_validator(mode="after")
    def _check_batches(self) -> Self:
        """Refuse batches that share an id, a specification, or on their first try a row."""
        for what in ("id", "spec"):
            seen: set[str] = set()
            for batch in self.batches:
                name = getattr(batch, what)
                if name in seen:
                    raise ValueError(f"two batches have the {what} {name}")
                seen.add(name)
        end = 0
        for batch in self.batches:
            if batch.attempt == 1:
                if batch.start < end:
                    raise ValueError(
                        f"batch {batch.id} begins at row {batch.start}, which is in the one before"
                    )
                end = batch.start + batch.nrows
        return self

    def head(self) -> dict[str, Any]:
        """Return all but the batches, as it is written."""
        data = self.model_dump(exclude={"batches", "run", "scheduler", "results"})
        if self.campaign is None:
            del data["campaign"]
        data["run"] = self.run and self.run.model_dump(exclude_unset=True)
        data["scheduler"] = self.scheduler and self.scheduler.model_dump(exclude_unset=True)
        data["results"] = self.results and self.results.model_dump(exclude_unset=True, by_alias=True)
        return data

    def to_text(self) -> str:
        """Return the manifest as JSON, a line a batch."""
        head = json.dumps(self.head(), indent=2, ensure_ascii=False)
        lines = ",\n".join("    " + json.dumps(_batch(batch), ensure_ascii=False) for batch in self.batches)
        return f'{head.removesuffix("}").rstrip()},\n  "batches": [\n{lines}\n  ]\n}}\n'


def _batch(batch: BatchEntry) -> dict[str, Any]:
    """Return a batch's entry, without what only later attempts have."""
    return (
        batch.__dict__ if batch.attempt > 1 else {k: v for k, v in batch.__dict__.items() if k not in LATER}
    )


def read_manifest(folder: Path) -> Manifest:
    """Return a campaign's manifest; a UserError where there is none or it cannot be understood."""
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            "not a campaign: it holds no manifest.json", where=str(folder), hint="genstudy specs makes one"
        ) from None
    except UnicodeDecodeError:
        raise UserError("not a manifest: it is not UTF-8 text", where=str(path)) from None
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = "".join(f"{part}." for part in first["loc"])[:-1]
        reason = first["msg"].removeprefix("Value error, ")
        text = f"{place}: {reason}" if place else reason
        raise UserError(f"not a manifest: {text}", where=str(path)) from None


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of the manifest."""
    return Manifest.model_json_schema()
