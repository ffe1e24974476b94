"""What a study file may hold.

Every key has an option of the same meaning on the command line, and the option wins. `genstudy schema study`
prints the JSON Schema, from which editors complete.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_as_list)]


class Study(BaseModel):
    """A parameter study: the parameters and their design, the template, and the batches."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="genstudy study file")

    name: str | None = Field(None, description="The campaign's name; the file's, if nothing is said.")
    parameters: dict[str, str] = Field(
        min_length=1,
        description="name: law, such as `width: uniform(1, 2)`; no law means int(0,100), a list a choice, "
        "a value a constant.",
    )
    design: Literal["random", "lhs", "sobol", "halton", "grid"] = Field(
        "random", description="How the rows fill the parameter space."
    )
    rows: int | None = Field(None, ge=1, description="Number of rows (20; a grid has all of its rows).")
    seed: int | None = Field(
        None, ge=0, description="The seed; one is drawn and recorded, if nothing is said."
    )
    index: str | None = Field(None, description="A column of row ids, counting from 0.")
    round: int | None = Field(None, ge=0, le=15, description="Decimals of floats.")
    where: Texts = Field([], description="Conditions that every row meets, such as `a < b`.")
    derive: dict[str, str] = Field({}, description="Further columns, name: formula.")
    unique: bool = Field(False, description="No two rows agree in all parameters.")
    template: str = Field("echo", description="A built-in template's name, or the path of one.")
    set: dict[str, Any] = Field({}, description="The template's variables.")
    batch_size: int | None = Field(None, ge=1, description="Rows a batch (1000).")
    batches: int | None = Field(None, ge=1, description="The number of batches instead.")
    output: str | None = Field(
        None, description="The campaign's folder; the study's name, if nothing is said."
    )
    inline: bool = Field(False, description="Write the values into the specs; no pgen is needed.")
    allow_missing: bool = Field(False, description="Let empty and NaN cells pass.")
    allow_unsafe_values: bool = Field(
        False, description="Let shell-active values stand under a bare $(NAME)."
    )


def study_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file, with what `parameters` takes besides text."""
    schema = Study.model_json_schema()
    law: dict[str, Any] = {"type": ["string", "number", "boolean", "null", "array"]}
    schema["properties"]["parameters"]["additionalProperties"] = law
    for key in ("where",):
        schema["properties"][key] = {
            "description": schema["properties"][key]["description"],
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        }
    return schema
