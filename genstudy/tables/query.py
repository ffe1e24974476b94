"""A database's rows as a table: a query, read once and written as CSV, from which all else is made."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

from genstudy.errors import UserError
from genstudy.tables.as_csv import csv_lines
from genstudy.tables.checks import CONTROL
from genstudy.tables.read import QUERY_TITLE as TITLE
from genstudy.tables.read import Table, open_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from sqlalchemy import CursorResult

ROWS = 5000
"""Rows that are fetched at a time."""

UNNAMED = frozenset({"", "?column?"})
NO_SELECT = re.compile(r"syntax error|read-?only|one statement|multiple commands|not authorized")
SELECT_HINT = "a query is one SELECT, WITH ... SELECT or VALUES"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A table that a database gives. sql: one statement that gives rows. db: the database's URL."""

    sql: str
    db: str = field(repr=False)


Source = str | Path | Query | Table
"""What a campaign's rows come from."""


@contextmanager
def open_source(source: Source, workplace: Path | None = None) -> Iterator[Table]:
    """Open a table: a file where it is, or a query's rows, frozen in a temporary file.

    workplace: the folder in which that file is (default: the system's for temporary files). What is open
    already stays as it is.
    """
    if isinstance(source, Table):
        yield source
    elif isinstance(source, Query):
        with TemporaryDirectory(dir=workplace, prefix=".query-") as folder:
            path = Path(folder) / "query.csv"
            with path.open("wb") as target:
                write_query(source, target)
            yield open_table(path, query=source)
    else:
        yield open_table(Path(source))


def write_query(query: Query, target: BinaryIO) -> int:
    """Run a query in a read-only transaction, write its rows as CSV, and return how many there are.

    The rows are streamed. Nothing in the SQL is taken for a parameter. UserError for a database that cannot
    be read, SQL that it refuses, a statement or several that give no rows, columns without a name of their
    own, and values that are no text, number, truth or time.
    """
    from genstudy.databases.engine import open_database
    from genstudy.databases.problems import database_errors
    from genstudy.databases.url import parse_url

    url = parse_url(query.db)
    if "\0" in query.sql:
        raise UserError("the query has a NUL character", hint=SELECT_HINT)
    if not query.sql.strip():
        raise UserError("the query is empty", hint=SELECT_HINT)
    options: dict[str, Any] = {"stream_results": True, "no_parameters": True}
    with (
        _with_hint(),
        database_errors(url, "cannot run the query"),
        open_database(url, read_only=True) as engine,
        engine.connect() as connection,
    ):
        result = connection.execution_options(**options).exec_driver_sql(query.sql)
        rows = _write(result, target)
    if not rows:
        raise UserError("the query gives no rows", where=url.shown)
    return rows


@contextmanager
def _with_hint() -> Iterator[None]:
    """Tell what a query is, where the database did not understand it as one."""
    try:
        yield
    except UserError as problem:
        if problem.hint is None and NO_SELECT.search(problem.message):
            problem.hint = SELECT_HINT
        raise


def _write(result: CursorResult[Any], target: BinaryIO) -> int:
    if not result.returns_rows or result.cursor is None:
        raise UserError("the statement gives no rows", where=TITLE, hint=SELECT_HINT)
    columns = [str(column[0]) for column in result.cursor.description]
    if not columns:
        raise UserError("the query has no columns", where=TITLE, hint=SELECT_HINT)
    _check_columns(columns)
    target.write(csv_lines([columns]).encode())
    count = 0
    for part in result.yield_per(ROWS).partitions():
        target.write(
            csv_lines(_cells(row, columns, count + place) for place, row in enumerate(part)).encode()
        )
        count += len(part)
    return count


def _check_columns(columns: Sequence[str]) -> None:
    for place, name in enumerate(columns):
        if name in UNNAMED:
            raise UserError(f"column {place + 1} has no name", where=TITLE, hint=NAME_HINT)
        if name in columns[:place]:
            raise UserError(f"two columns have the name '{name}'", where=TITLE, hint=NAME_HINT)
        if CONTROL.search(name):
            raise UserError(f"a control character in the name {name!r}", where=TITLE, hint=NAME_HINT)


def _cells(values: Sequence[Any], columns: Sequence[str], row: int) -> list[str]:
    """Return a row's values as text."""
    try:
        cells = [TEXTS[type(value)](value) for value in values]
    except KeyError:
        raise _no_value(values, columns, row) from None
    if CONTROL.search("".join(cells)):
        column, cell = next((c, v) for c, v in zip(columns, cells, strict=True) if CONTROL.search(v))
        raise UserError(
            f"a control character in {cell!r}",
            where=f"{TITLE}, row {row}, column {column}",
            hint="values become text in scripts and names: take it out",
        )
    return cells


def _no_value(values: Sequence[Any], columns: Sequence[str], row: int) -> UserError:
    column, value = next((c, v) for c, v in zip(columns, values, strict=True) if type(v) not in TEXTS)
    return UserError(
        f"{type(value).__name__} is no value of a cell",
        where=f"{TITLE}, row {row}, column {column}",
        hint=f"choose a part of it in the query, or make it text: CAST({column} AS text)",
    )
