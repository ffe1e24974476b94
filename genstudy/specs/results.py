"""Which results are taken out of a row's workspaces: what the study file says under `results:`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Type = Literal["float", "int", "bool", "text"]
Kind = Literal["json", "csv", "keyvalue", "regex", "text", "size", "python"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WHOLE_FILE: frozenset[Kind] = frozenset({"text", "size"})
NATURAL: dict[Kind, Type] = {"text": "text", "size": "int"}
"""The type of a column where nothing is said, if it is not `float`."""

COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """A column of results. key: what is taken, by the kind of its source; the column's name if not given."""

    key: str | None = Field(default=None, min_length=1, description="A path, column, key or expression.")
    type: Type | None = Field(default=None, description="float (default), int, bool or text.")


def _as_columns(value: Any) -> Any:
    """Return {name: column} for a name, a list of names, or a mapping of names to keys."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        if len(set(map(str, value))) != len(value):
            raise ValueError("a column is named twice")
        value = {str(name): {} for name in value}
    if isinstance(value, dict):
        return {name: _as_column(column) for name, column in value.items()}
    return value


def _as_column(value: Any) -> Any:
    if value is None:
        return {}
    return {"key": str(value)} if isinstance(value, str | int | float) else value


Columns = Annotated[dict[str, Column], BeforeValidator(_as_columns)]


class Source(_Part):
    """Where results are read: one file of a step's workspace, or what a function makes of the workspace.

    Exactly one of the keys json, csv, keyvalue, regex, text and size names the file, by a path in the
    workspace or a pattern such as `*.out`; or python a function, as `module:function`.
    """

    step: str | None = Field(
        default=None, min_length=1, description="The step; the only one that runs once a row if not given."
    )
    json_file: str | None = Field(default=None, alias="json", description="A JSON file; keys are paths.")
    csv: str | None = Field(default=None, description="A CSV file with a header.")
    keyvalue: str | None = Field(default=None, description="Lines of `key = value`, or `key: value`.")
    regex: str | None = Field(default=None, description="A file that expressions are searched in.")
    text: str | None = Field(default=None, description="A file that is a result as a whole.")
    size: str | None = Field(default=None, description="A file whose size in bytes is the result.")
    python: str | None = Field(default=None, description="module:function(workspace) that returns a dict.")
    columns: Columns = Field(min_length=1, description="The columns: names, or `name: key`.")
    type: Type | None = Field(default=None, description="The type of all columns that say nothing else.")
    row: Literal["first", "last"] | Annotated[int, Field(strict=True, ge=0)] = Field(
        default="last", description="Which row of a CSV file: first, last, or its number from 0."
    )
    match: Literal["first", "last"] = Field(
        default="last", description="Which place a regular expression finds, if there are several."
    )
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=60.0, description="Seconds that a function may take for a row."
    )

    @property
    def kind(self) -> Kind:
        """What the source is."""
        return next(kind for kind in KINDS if self._named(kind) is not None)

    @property
    def target(self) -> str:
        """The file, as a path in the workspace or a pattern; or the function."""
        return next(found for kind in KINDS if (found := self._named(kind)) is not None)

    def type_of(self, name: str) -> Type:
        """Return the type of a column."""
        return self.columns[name].type or self.type or NATURAL.get(self.kind, "float")

    def key_of(self, name: str) -> str:
        """Return what is taken for a column."""
        return self.columns[name].key or name

    def _named(self, kind: Kind) -> str | None:
        return self.json_file if kind == "json" else getattr(self, kind)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [kind for kind in KINDS if self._named(kind) is not None]
        if len(given) != 1:
            raise ValueError(f"name one of {', '.join(KINDS)}, not {', '.join(given) if given else 'none'}")
        if self.kind == "python":
            if not FUNCTION.fullmatch(self.target):
                raise ValueError(f"'{self.target}' is no module:function")
        else:
            _check_path(self.target)
        if self.kind in WHOLE_FILE and len(self.columns) > 1:
            raise ValueError(f"{self.kind} gives one column, not {len(self.columns)}")
        if self.kind == "regex":
            for name in self.columns:
                _check_regex(name, self.key_of(name))
        return self


def _check_path(path: str) -> None:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path or not parts:
        raise ValueError(f"'{path}' is no path in a workspace")


def _check_regex(name: str, pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as problem:
        raise ValueError(f"the expression of {name} is none: {problem}") from None
    if groups > 1:
        raise ValueError(
            f"the expression of {name} has {groups} groups; mark the value with one, (?:...) for others"
        )


class ResultsSettings(_Part):
    """What is taken out of the workspaces of each row, and the database that it is put into."""

    into: str | None = Field(
        default=None, min_length=1, description="The database's URL; results.db in the campaign if not given."
    )
    table: str | None = Field(
        default=None, description="The table's name; `results`, or elsewhere the campaign's name."
    )
    sources: list[Source] = Field(default=[], description="Where the results are read.")

    @field_validator("table")
    @classmethod
    def _check_table(cls, name: str | None) -> str | None:
        if name is not None and not COLUMN.fullmatch(name):
            raise ValueError(f"'{name}' is no name of a table: letters, digits and _, at most 63")
        return name

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        seen: set[str] = set()
        for source in self.sources:
            for name in source.columns:
                if not COLUMN.fullmatch(name):
                    raise ValueError(f"'{name}' is no name of a column: letters, digits and _, at most 63")
                if name.lower() in seen:
                    raise ValueError(f"the column {name} is taken from two places")
                seen.add(name.lower())
        return self

    @property
    def types(self) -> dict[str, Type]:
        """The columns and their types, in order."""
        return {name: source.type_of(name) for source in self.sources for name in source.columns}
