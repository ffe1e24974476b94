"""What a study file may hold.

Every key has an option of the same meaning on the command line, and the option wins; those under `run` have
theirs on `genstudy run`. `genstudy schema study` prints the JSON Schema, from which editors complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from genstudy.designs.kinds import KINDS
from genstudy.specs.results import ResultsSettings  # noqa: TC001 - a field's type
from genstudy.specs.running import RunSettings  # noqa: TC001 - a field's type
from genstudy.specs.scheduler import SchedulerSettings  # noqa: TC001 - a field's type

if TYPE_CHECKING:
    from pathlib import Path


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    """Return a number as the text that it was written as; the reader leaves all others as text anyway."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_words(value: Any) -> Any:
    """Return `a b 0.7` as its three words."""
    return value.split() if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number"]})]
Texts = Annotated[list[Text], BeforeValidator(_as_list)]
Pair = Annotated[tuple[Text, Text, Annotated[float, Field(ge=-1, le=1)]], BeforeValidator(_as_words)]
Whole = Annotated[int, Field(strict=True)]
"""A whole number: `true` is none."""


ORIGINS = ("parameters", "table", "query")
"""Keys of which one says where the rows come from."""

TABLE_KEYS = (
    *("rows", "design", "seed", "round", "unique", "where", "exclude", "derive", "groups", "correlate"),
    *("replicates", "order"),
)
"""Keys that are about a table that is made."""


class Study(BaseModel):
    """A parameter study: the parameters and their design, the template, and the batches."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="genstudy study file")

    name: Text | None = Field(None, description="The campaign's name; the file's, if nothing is said.")
    parameters: dict[str, str] = Field(
        {},
        min_length=1,
        description="name: law, such as `width: uniform(1, 2)`; no law means int(0,100), a list a choice, "
        "a value a constant.",
    )
    table: Text | None = Field(
        None, min_length=1, description="A table with the rows instead: .csv, .parquet, .jsonl."
    )
    query: Text | None = Field(
        None, min_length=1, description="A query for the rows instead: one SELECT, which is run once."
    )
    db: Text | None = Field(
        None,
        min_length=1,
        description="The query's database: sqlite:///lab.db or postgresql://user@host/database, no password.",
    )
    design: Text = Field(
        "random",
        min_length=1,
        description="How the rows fill the parameter space: a design, as `lhs` or `morris(levels=6)`.",
        json_schema_extra={"pattern": rf"^({'|'.join(KINDS)})\s*(\(.*\))?\s*$"},
    )
    rows: Whole | None = Field(None, ge=1, description="Number of rows (20; a grid has all of its rows).")
    seed: Whole | None = Field(
        None, ge=0, description="The seed; one is drawn and recorded, if nothing is said."
    )
    index: Text | None = Field(None, description="A column of row ids, counting from 0.")
    round: Whole | None = Field(None, ge=0, le=15, description="Decimals of floats.")
    groups: Texts = Field(
        [], description="Parameters that move together: `zip(a, b)`, `zip(a, product(b, c))`."
    )
    correlate: Annotated[list[Annotated[Pair, BeforeValidator(_as_words)]], BeforeValidator(_as_list)] = (
        Field(
            [],
            description="Pairs and their rank correlation (Spearman): `a b 0.7`, or a list of such.",
        )
    )
    replicates: Whole = Field(
        1, ge=1, description="Rows of each combination, numbered from 1 in the column `replicate`."
    )
    order: Literal["shuffle", "stratified"] | None = Field(
        None,
        description="Of a grid's or classical design's rows; stratified: each batch is a fair sample.",
    )
    where: Texts = Field([], description="Conditions that every row meets, such as `a < b`.")
    exclude: Texts = Field([], description="Conditions that no row meets.")
    derive: dict[str, Text] = Field({}, description="Further columns, name: formula.")
    unique: bool = Field(False, description="No two rows agree in all parameters.")
    template: Text = Field("echo", description="A built-in template's name, or the path of one.")
    set: dict[str, Any] = Field({}, description="The template's variables.")
    batch_size: Whole | None = Field(None, ge=1, description="Rows a batch (1000).")
    batches: Whole | None = Field(None, ge=1, description="The number of batches instead.")
    output: Text | None = Field(
        None, description="The campaign's folder; the study's name, if nothing is said."
    )
    inline: bool = Field(False, description="Write the values into the specs; no pgen is needed.")
    allow_missing: bool = Field(False, description="Let empty and NaN cells pass.")
    allow_unsafe_values: bool = Field(
        False, description="Let shell-active values stand under a bare $(NAME)."
    )
    run: RunSettings | None = Field(None, description="How `genstudy run` runs the campaign.")
    scheduler: SchedulerSettings | None = Field(
        None, description="The scheduler that runs the rows, and what each job asks for."
    )
    results: ResultsSettings | None = Field(
        None, description="What is taken out of each row's workspaces, and the database that it is put into."
    )


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A study file: where it is, what it says, and the line of each key (`set.command`, `where.0`)."""

    path: Path
    study: Study
    lines: dict[str, int]


def study_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file, with what its keys take besides: nothing, or one text."""
    schema = Study.model_json_schema()
    properties = schema["properties"]
    law: dict[str, Any] = {"type": ["string", "number", "boolean", "null", "array"]}
    properties["parameters"]["additionalProperties"] = law
    for key in ("where", "exclude", "groups"):
        texts = {word: properties[key].pop(word) for word in ("type", "items")}
        properties[key]["anyOf"] = [{"type": "string"}, texts]
    pairs = {word: properties["correlate"].pop(word) for word in ("type", "items")}
    pairs["items"] = {"anyOf": [{"type": "string"}, pairs["items"]]}
    properties["correlate"]["anyOf"] = [{"type": "string"}, pairs]
    for key in properties.keys() - {"parameters"}:
        properties[key] = _or_nothing(properties[key])
    schema["oneOf"] = [_origin("parameters"), _origin("table"), _origin("query", "db")]
    settings = schema["$defs"]["RunSettings"]["properties"]
    names = {key: settings["pass_env"].pop(key) for key in ("type", "items")}
    settings["pass_env"]["anyOf"] = [{"type": "string"}, names]
    for key in settings:
        settings[key] = _or_nothing(settings[key])
    jobs = schema["$defs"]["SchedulerSettings"]["properties"]
    options = {key: jobs["options"].pop(key) for key in ("type", "items")}
    jobs["options"]["anyOf"] = [{"type": "string"}, options]
    for key in jobs:
        jobs[key] = _or_nothing(jobs[key])
    _widen_results(schema["$defs"])
    return schema


def _widen_results(models: dict[str, Any]) -> None:
    """Let what is taken as results be written in all ways that are understood."""
    for name in ("ResultsSettings", "Source", "Column"):
        properties = models[name]["properties"]
        for key in properties.keys() - {"columns"}:
            properties[key] = _or_nothing(properties[key])
    columns = models["Source"]["properties"]["columns"]
    columns.pop("type")
    named = columns.pop("additionalProperties")
    texts = {"type": ["string", "number", "null"]}
    columns.pop("minProperties", None)
    columns["anyOf"] = [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"type": "object", "additionalProperties": {"anyOf": [named, texts]}, "minProperties": 1},
    ]


def _origin(*keys: str) -> dict[str, Any]:
    """Return what holds where rows come from these keys: they are there, and those of other ways are not."""
    others: set[str] = {*ORIGINS, "db", *(TABLE_KEYS if "parameters" not in keys else ())}
    nothing = {key: {"type": "null"} for key in sorted(others - set(keys))}
    return {
        "required": list(keys),
        "properties": {**{key: {"not": {"type": "null"}} for key in keys}, **nothing},
    }


def _or_nothing(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a key's schema that takes null besides."""
    notes = {key: value for key, value in schema.items() if key in {"title", "description", "default"}}
    rest = {key: value for key, value in schema.items() if key not in notes}
    ways = rest["anyOf"] if set(rest) == {"anyOf"} else [rest]
    return {**notes, "anyOf": ways if {"type": "null"} in ways else [*ways, {"type": "null"}]}
