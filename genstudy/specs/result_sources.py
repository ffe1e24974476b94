"""Where results are read: the sources that a study file names under `results:`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from genstudy.specs import result_keys
from genstudy.specs.running import Time  # noqa: TC001 - a field's type

if TYPE_CHECKING:
    from collections.abc import Callable

Type = Literal["float", "int", "bool", "text"]
Kind = Literal["json", "csv", "keyvalue", "regex", "text", "size", "python"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WHOLE_FILE: frozenset[Kind] = frozenset({"text", "size"})
NATURAL: dict[Kind, Type] = {"text": "text", "size": "int"}
"""The type of a column where nothing is said, if it is not `float`."""

ONLY_FOR: dict[str, frozenset[Kind]] = {
    "row": frozenset({"csv"}),
    "delimiter": frozenset({"csv"}),
    "match": frozenset({"regex"}),
    "timeout": frozenset({"python", "regex"}),
}
KEY_CHECKS: dict[Kind, Callable[[str], object]] = {
    "json": result_keys.json_path,
    "csv": result_keys.check_header,
    "keyvalue": result_keys.check_key,
    "regex": result_keys.check_expression,
}
COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)


class WrongKey(ValueError):
    """A mistake in one of the keys below the one that is checked. keys: the way to it."""

    def __init__(self, message: str, *keys: str | int) -> None:
        super().__init__(message)
        self.keys = keys


def _as_text(value: Any) -> Any:
    """Return a plain word or number of YAML as the text that it was written as."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, Field(min_length=1), BeforeValidator(_as_text)]


class Part(BaseModel):
    """A mapping of a study file, whose keys may have nothing after them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, data: Any) -> Any:
        """Leave out the keys that have nothing after them."""
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        if isinstance(data, BaseModel):
            return data
        # What stands here instead may be a URL with a password: it is not shown.
        raise ValueError("this is a mapping, of keys and what they are")


class Column(Part):
    """A column of results. key: what is taken, by the kind of its source; the column's name if not given."""

    key: Text | None = Field(default=None, description="A path, column, key or expression.")
    type: Type | None = Field(default=None, description="float (default), int, bool or text.")


def _as_columns(value: Any) -> Any:
    """Return {name: column} for a name, a list of names, or a mapping of names to keys."""
    value = _as_text(value)
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        names = [_as_text(name) for name in value]
        if not all(isinstance(name, str) for name in names):
            raise ValueError("a list of columns holds names; `name: key` goes without dashes")
        if len(set(names)) != len(names):
            raise ValueError("a column is named twice")
        value = {name: {} for name in names}
    if value == {}:
        raise ValueError("no column is named")
    if isinstance(value, dict):
        return {name: _as_column(column) for name, column in value.items()}
    return value


def _as_column(value: Any) -> Any:
    if value is None:
        return {}
    return {"key": value} if isinstance(value, str | int | float) else value


def _row(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if whole or value in ("first", "last"):
        return value
    raise ValueError(f"this is first, last or the row's number from 0, not {value!r}")


def _delimiter(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 1 and value not in '\n\r"':
        return value
    raise ValueError(f"this is one character between cells, such as ';', not {value!r}")


ROW_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"enum": ["first", "last"]}]}
Columns = Annotated[dict[str, Column], BeforeValidator(_as_columns)]


class Source(Part):
    """Where results are read: one file of a step's workspace, or what a function makes of the workspace.

    Exactly one of the keys json, csv, keyvalue, regex, text and size names the file, by a path in the
    workspace or a pattern such as `*.out`; or python a function, as `module:function`.
    """

    step: Text | None = Field(
        default=None, description="The step; the only one that runs once a row if not given."
    )
    json_file: Text | None = Field(default=None, alias="json", description="A JSON file; keys are paths.")
    csv: Text | None = Field(default=None, description="A CSV file with a header.")
    keyvalue: Text | None = Field(default=None, description="Lines of `key = value`, or `key: value`.")
    regex: Text | None = Field(default=None, description="A file that expressions are searched in.")
    text: Text | None = Field(default=None, description="A file that is a result as a whole.")
    size: Text | None = Field(default=None, description="A file whose size in bytes is the result.")
    python: Text | None = Field(default=None, description="module:function(workspace) that returns a dict.")
    columns: Columns = Field(min_length=1, description="The columns: names, or `name: key`.")
    type: Type | None = Field(default=None, description="The type of all columns that say nothing else.")
    row: Annotated[int | str, BeforeValidator(_row), WithJsonSchema(ROW_SCHEMA)] = Field(
        default="last", description="Which row of a CSV file: first, last, or its number from 0."
    )
    delimiter: Annotated[str, BeforeValidator(_delimiter)] = Field(
        default=",", description="The character between the cells of a CSV file."
    )
    match: Literal["first", "last"] = Field(
        default="last", description="Which place a regular expression finds, if there are several."
    )
    timeout: Time = Field(
        default=60.0, description="Seconds that a function or expressions may take for a row."
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

    @field_validator("json_file", "csv", "keyvalue", "regex", "text", "size")
    @classmethod
    def _check_path(cls, path: str) -> str:
        result_keys.check_path(path)
        return path

    @field_validator("python")
    @classmethod
    def _check_function(cls, function: str) -> str:
        result_keys.check_function(function)
        return function

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [kind for kind in KINDS if self._named(kind) is not None]
        if len(given) != 1:
            raise ValueError(f"name one of {', '.join(KINDS)}, not {' and '.join(given) or 'none'}")
        kind = self.kind
        for key, kinds in ONLY_FOR.items():
            if key in self.model_fields_set and kind not in kinds:
                raise WrongKey(f"this is for {' and '.join(sorted(kinds))}, not for {kind}", key)
        if kind in WHOLE_FILE and len(self.columns) > 1:
            raise WrongKey(f"{kind} gives one column, not {len(self.columns)}", "columns")
        for name, column in self.columns.items():
            self._check_column(name, column)
        return self

    def _check_column(self, name: str, column: Column) -> None:
        if not COLUMN.fullmatch(name):
            raise WrongKey(
                f"'{name}' is no name of a column: letters, digits and _, at most 63", "columns", name
            )
        if column.key is not None and self.kind in WHOLE_FILE:
            raise WrongKey(f"{self.kind} takes the whole file, so there is no key", "columns", name)
        try:
            KEY_CHECKS.get(self.kind, str)(self.key_of(name))
        except ValueError as problem:
            raise WrongKey(str(problem), "columns", name) from None
