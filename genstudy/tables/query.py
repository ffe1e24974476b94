"""A database's rows as a table: a query, read once and written as CSV, from which all else is made."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError
from genstudy.tables.as_csv import csv_lines
from genstudy.tables.query_cells import cells_of, check_columns
from genstudy.tables.read import QUERY_TITLE, Query, Table, open_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from sqlalchemy import CursorResult

ROWS = 5000
"""Rows that are fetched at a time."""

URL_FORM = re.compile(r"[A-Za-z][\w+]+:/")
"""A URL, also as a path, in which slashes that follow each other are one."""

NO_SELECT = re.compile(r"syntax error|read-?only|one statement|multiple commands|not authorized")
SELECT_HINT = "a query is one SELECT, WITH ... SELECT or VALUES"


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
        refuse_url(source)
        yield open_table(Path(source))


def refuse_url(table: str | Path) -> None:
    """Refuse the URL of a database where a table belongs: a UserError, which does not show its password."""
    if URL_FORM.match(str(table)) and not Path(table).exists():
        raise UserError(
            "this is a database's URL, and no table",
            hint="pass it as --db, and what to read there as --query",
        )


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
        raise UserError("the statement gives no rows", where=QUERY_TITLE, hint=SELECT_HINT)
    columns = [str(column[0]) for column in result.cursor.description]
    if not columns:
        raise UserError("the query has no columns", where=QUERY_TITLE, hint=SELECT_HINT)
    check_columns(columns)
    target.write(csv_lines([columns]).encode())
    count = 0
    for part in result.yield_per(ROWS).partitions():
        target.write(
            csv_lines(cells_of(row, columns, count + place) for place, row in enumerate(part)).encode()
        )
        count += len(part)
    return count
