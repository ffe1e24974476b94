"""Where rows come from on the command line: a table, or a query of a database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.errors import UserError

if TYPE_CHECKING:
    from genstudy.tables.read import Query

DB_VARIABLE = "GENSTUDY_DB"

QueryOption = Annotated[
    str | None,
    typer.Option("--query", metavar="SQL", help="Take the rows of this query as the table; @FILE reads it."),
]
DbOption = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help=f"The query's database ({DB_VARIABLE} if nothing is said)."),
]


def table_source(table: Path | None, query: str | None, db: str | None) -> Path | Query:
    """Return the table or the query that was given; a UserError where it is none, or both."""
    if query is None:
        if db is not None:
            raise UserError("--db is for --query", hint="pass --query, or leave --db out")
        if table is None:
            raise UserError("there is no table", hint="name one, or pass --query and --db")
        return table
    if table is not None:
        raise UserError("a table and --query exclude each other", where=str(table))
    return _query(query, db)


def _query(query: str, db: str | None) -> Query:
    from genstudy.databases.url import parse_url
    from genstudy.tables.read import Query

    found = db or os.environ.get(DB_VARIABLE)
    if not found:
        raise UserError("--query needs a database", hint=f"pass --db, or set {DB_VARIABLE}")
    parse_url(found, where="--db" if db else DB_VARIABLE)
    return Query(sql=query_text(query), db=found)


def query_text(query: str) -> str:
    """Return the SQL of `--query`: as it is, or of the file whose name stands behind an @."""
    if not query.startswith("@"):
        return query
    if query == "@":
        raise UserError("there is no file's name behind the @", where="--query")
    path = Path(query[1:])
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("not UTF-8 text", where=str(path), hint="save it as UTF-8") from None
