"""Results read, wherever they are: a campaign's table, and queries of the user's own."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genstudy.databases.engine import open_database
from genstudy.databases.problems import database_errors
from genstudy.errors import UserError
from genstudy.results.place import Place
from genstudy.results.schema import ATTEMPTS, BATCHES, FIXED, parameters_of
from genstudy.results.tables import columns_there
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import CursorResult, Engine

    from genstudy.databases.url import DatabaseUrl
    from genstudy.results.schema import Kind

DAMAGES = 5
"""So many places are named where a file is damaged."""

COLLECT = "genstudy collect makes it"
SELECT_HINT = "a query is one SELECT, WITH ... SELECT or VALUES, and can change nothing"
TOGETHER = 1000
"""Rows that are read at a time."""

STREAMED: dict[str, Any] = {"stream_results": True, "yield_per": TOGETHER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A campaign's table of results, open to be read only.

    view: name of the view with a row for each combination; attempts: of the table with one for each attempt.
    A table may have the rows of several campaigns: `campaign` is what the column of that name has for this
    one. columns: {column: kind} of both, in order; parameters, results: which of them are these. parameters
    has one for each parameter of the campaign, in the order of its table.
    """

    engine: Engine
    url: DatabaseUrl
    view: str
    attempts: str
    campaign: str
    columns: dict[str, Kind | None]
    parameters: tuple[str, ...]
    results: tuple[str, ...]


@contextmanager
def open_results(folder: str | Path, *, db: str | None = None, table: str | None = None) -> Iterator[Results]:
    """Give the results of a campaign, to be read only.

    folder: the campaign's. db, table: the database's URL and the table's name, where these were collected
    into another place than the campaign says. Raises UserError where nothing was collected yet, or the
    database cannot be reached.
    """
    folder = Path(folder).absolute()
    manifest = read_manifest(folder)
    place = Place(folder, manifest, manifest.results, db, table)
    if place.url.file is not None and not place.url.file.exists():
        raise UserError("no results were collected yet", where=str(place.url.file), hint=COLLECT)
    with open_database(place.url, read_only=True) as engine:
        with database_errors(place.url, "cannot read the results"), engine.connect() as connection:
            columns = columns_there(connection, place.name + ATTEMPTS)
        if columns is None:
            raise UserError(f"there is no table of results {place.name}", where=place.url.shown, hint=COLLECT)
        parameters = tuple(parameters_of(manifest, engine.dialect).values())
        if missing := [name for name in (*FIXED, *parameters) if name not in columns]:
            raise UserError(
                f"the table {place.name} is of another study: it has no column {missing[0]}",
                where=place.url.shown,
                hint="name the table: --table NAME",
            )
        yield Results(
            engine=engine,
            url=place.url,
            view=place.name,
            attempts=place.name + ATTEMPTS,
            campaign=place.campaign,
            columns=columns,
            parameters=parameters,
            results=tuple(name for name in columns if name not in FIXED and name not in parameters),
        )


def own_tables(folder: str | Path) -> list[str]:
    """Return the tables that have rows of a campaign in the database that it says."""
    folder = Path(folder).absolute()
    manifest = read_manifest(folder)
    place = Place(folder, manifest, manifest.results, None, None)
    query = sa.select(BATCHES.c.table_name).where(BATCHES.c.campaign == place.campaign).distinct()
    with (
        open_database(place.url, read_only=True) as engine,
        database_errors(place.url, "cannot read the results"),
        engine.connect() as connection,
    ):
        if columns_there(connection, BATCHES.name) is None:
            return []
        return sorted(connection.execute(query).scalars())


def count_rows(results: Results) -> dict[str, int]:
    """Return {table: rows} of the view, the attempts, and the list of batches, all campaigns together."""
    names = (results.view, results.attempts, BATCHES.name)
    with database_errors(results.url, "cannot read the results"), results.engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
            for name in names
        }


def batch_counts(results: Results) -> tuple[dict[str, int], dict[str, int]]:
    """Return {batch: rows} of the campaign, as they were recorded, and as they are in the table."""
    batches = BATCHES.c
    own = sa.and_(batches.campaign == results.campaign, batches.table_name == results.view)
    batch: sa.ColumnClause[str] = sa.column("batch")
    counted = (
        sa.select(batch, sa.func.count())
        .select_from(sa.table(results.attempts))
        .where(sa.column("campaign") == results.campaign)
        .group_by(batch)
    )
    with database_errors(results.url, "cannot read the results"), results.engine.connect() as connection:
        told = connection.execute(sa.select(batches.batch, batches.rows).where(own)).all()
        found = connection.execute(counted).all()
    return {row[0]: row[1] for row in told}, {row[0]: row[1] for row in found}


def damage(results: Results) -> list[str]:
    """Return what SQLite finds wrong with the file of a database; nothing for one on a server."""
    if results.engine.dialect.name != "sqlite":
        return []
    with database_errors(results.url, "cannot read the results"), results.engine.connect() as connection:
        found = [str(text) for (text,) in connection.exec_driver_sql(f"PRAGMA quick_check({DAMAGES})")]
    return [] if found == ["ok"] else found


class Rows:
    """Rows of a query, streamed. columns: their names. Iterating gives tuples; it can be done once."""

    def __init__(self, result: CursorResult[Any], url: DatabaseUrl) -> None:
        if not result.returns_rows:
            raise UserError("the statement gives no rows", hint=SELECT_HINT)
        self.columns = tuple(result.keys())
        self._result, self._url = result, url

    def check_names(self) -> None:
        """Refuse two columns of one name, where rows are to have keys."""
        for name, count in Counter(self.columns).items():
            if count > 1:
                raise UserError(
                    f"two columns of the query have the name '{name}'", hint="write AS and another name"
                )

    def parts(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield lists of rows."""
        with database_errors(self._url, "cannot read the results"):
            # Said here too: SQLAlchemy forgets `yield_per` for SQL that is not its own.
            for part in self._result.partitions(TOGETHER):
                yield [tuple(row) for row in part]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for part in self.parts():
            yield from part


@contextmanager
def run_query(results: Results, sql: str) -> Iterator[Rows]:
    """Run a query of the user's in a transaction that can change nothing, and give its rows.

    sql: one statement that gives rows; nothing in it is taken for a parameter. UserError where the database
    does not understand it, or it would write.
    """
    if "\0" in sql or not sql.strip():
        raise UserError("the query is empty, or has a NUL character", hint=SELECT_HINT)
    options: dict[str, Any] = {**STREAMED, "no_parameters": True}
    with results.engine.connect() as connection:
        try:
            with database_errors(results.url, "cannot run the query"):
                found = connection.execution_options(**options).exec_driver_sql(sql)
        except UserError as problem:
            problem.hint = problem.hint or SELECT_HINT
            raise
        yield Rows(found, results.url)


@contextmanager
def table_rows(results: Results, *, attempts: bool = False) -> Iterator[Rows]:
    """Give the rows of one campaign in the order of its table. attempts: those of all attempts."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in results.columns]
    query = (
        sa.select(*columns)
        .select_from(sa.table(results.attempts if attempts else results.view))
        .where(sa.column("campaign") == results.campaign)
        .order_by(sa.column("row_number"), sa.column("attempt"))
    )
    with results.engine.connect() as connection:
        with database_errors(results.url, "cannot read the results"):
            found = connection.execution_options(**STREAMED).execute(query)
        yield Rows(found, results.url)


@contextmanager
def query_results(
    folder: str | Path, sql: str, *, db: str | None = None, table: str | None = None
) -> Iterator[Rows]:
    """Run a query over the results of a campaign, and give its rows while the context lasts.

    folder, db, table: see open_results. sql: see run_query; the view of results has the name that
    `genstudy query` tells without a query.
    """
    with open_results(folder, db=db, table=table) as results, run_query(results, sql) as rows:
        yield rows
