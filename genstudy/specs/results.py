"""Which results are taken out of a row's workspaces: what the study file says under `results:`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, field_validator, model_validator

from genstudy.specs.result_sources import Part, Source, Text, Type, WrongKey

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLE = re.compile(r"(?!sqlite_|pg_|genstudy_)[A-Za-z_][A-Za-z0-9_]{0,53}", re.ASCII | re.IGNORECASE)
PASSWORD = re.compile(r"://[^:/@]*:[^@]*@|[?&][a-z_]*(password|secret)[a-z_]*=", re.IGNORECASE)
TAKEN = (
    *("campaign", "row_id", "row_number", "batch", "attempt", "state", "failed_step", "started", "ended"),
    *("seconds", "errors"),
)
"""Columns that every table of results has, before the parameters and the results."""


def parameter_columns(names: Iterable[str]) -> dict[str, str]:
    """Return {parameter: its column in the table of results}: the name, and `_` behind it while it is taken.

    No two columns have one name, whatever the case.
    """
    names = list(names)
    used = {*TAKEN, *(name.lower() for name in names)}
    columns = {}
    for name in names:
        column = name
        if name.lower() in TAKEN:
            while column.lower() in used:
                column += "_"
            used.add(column.lower())
        columns[name] = column
    return columns


class ResultsSettings(Part):
    """What is taken out of the workspaces of each row, and the database that it is put into."""

    into: str | None = Field(
        default=None, min_length=1, description="The database's URL; results.db in the campaign if not given."
    )
    table: Text | None = Field(
        default=None, description="The table's name; `results`, or elsewhere the campaign's name."
    )
    sources: list[Source] = Field(default=[], description="Where the results are read.")

    @field_validator("into", mode="before")
    @classmethod
    def _check_into(cls, url: Any) -> Any:
        if not isinstance(url, str):
            raise ValueError("this is the URL of one database")
        if PASSWORD.search(url):
            raise ValueError(
                "a password has no place in a file: take it out, and set PGPASSWORD or write ~/.pgpass"
            )
        return url

    @field_validator("table")
    @classmethod
    def _check_table(cls, name: str) -> str:
        if not TABLE.fullmatch(name):
            raise ValueError(
                f"'{name}' is no name of a table: letters, digits and _, at most 54, "
                "and not sqlite_, pg_ or genstudy_ first"
            )
        return name

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        seen: dict[str, str] = {}
        for place, source in enumerate(self.sources):
            for name in source.columns:
                if name.lower() in seen:
                    other = seen[name.lower()]
                    told = "is taken from two places" if other == name else f"and {other} differ in case only"
                    raise WrongKey(f"{name} {told}: rename one", "sources", place, "columns", name)
                seen[name.lower()] = name
        return self

    @property
    def types(self) -> dict[str, Type]:
        """The columns and their types, in order."""
        return {name: source.type_of(name) for source in self.sources for name in source.columns}
