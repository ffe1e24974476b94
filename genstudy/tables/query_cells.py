"""What a database's values are as cells of a table, and its columns as names."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from genstudy.errors import UserError
from genstudy.tables.as_csv import CONTROL
from genstudy.tables.read import QUERY_TITLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNNAMED = frozenset({"", "?column?"})
NAME_HINT = "name it: SELECT ... AS name"

TEXTS: dict[type, Callable[[Any], str]] = {
    str: lambda value: value,
    int: str,
    float: repr,
    Decimal: lambda value: format(value, "f"),
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "",
    dt.date: lambda value: value.isoformat(),
    dt.datetime: lambda value: value.isoformat(),
    dt.time: lambda value: value.isoformat(),
    UUID: str,
}
"""How the values of a column become cells."""


def check_columns(columns: Sequence[str]) -> None:
    """Refuse columns without a name of their own: a UserError."""
    for place, name in enumerate(columns):
        if name in UNNAMED:
            raise UserError(f"column {place + 1} has no name", where=QUERY_TITLE, hint=NAME_HINT)
        if name in columns[:place]:
            raise UserError(f"two columns have the name '{name}'", where=QUERY_TITLE, hint=NAME_HINT)
        if CONTROL.search(name):
            raise UserError(f"a control character in the name {name!r}", where=QUERY_TITLE, hint=NAME_HINT)


def cells_of(values: Sequence[Any], columns: Sequence[str], row: int) -> list[str]:
    """Return a row's values as text; UserError for what is none, or has a control character in it."""
    try:
        cells = [TEXTS[type(value)](value) for value in values]
    except KeyError:
        raise _no_value(values, columns, row) from None
    if CONTROL.search("".join(cells)):
        column, cell = next((c, v) for c, v in zip(columns, cells, strict=True) if CONTROL.search(v))
        raise UserError(
            f"a control character in {cell!r}",
            where=f"{QUERY_TITLE}, row {row}, column {column}",
            hint="values become text in scripts and names: take it out",
        )
    return cells


def _no_value(values: Sequence[Any], columns: Sequence[str], row: int) -> UserError:
    column, value = next((c, v) for c, v in zip(columns, values, strict=True) if type(v) not in TEXTS)
    return UserError(
        f"{type(value).__name__} is no value of a cell",
        where=f"{QUERY_TITLE}, row {row}, column {column}",
        hint=f"choose a part of it in the query, or make it text: CAST({column} AS text)",
    )
