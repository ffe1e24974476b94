"""The database that results go into: its tables made, and a batch's rows written in one transaction."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genstudy.databases.engine import open_database
from genstudy.databases.problems import database_errors
from genstudy.results.schema import ATTEMPTS, BATCHES, KEY, Kind, Layout
from genstudy.results.tables import columns_there, fitted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from genstudy.databases.url import DatabaseUrl

TOGETHER = 10_000
"""Rows that are written at a time, if there are so many."""

CACHE_KIB = 65_536
"""What SQLite may hold of a transaction: what does not fit is written twice."""

BINARY: dict[Kind, str] = {
    "int": "int8",
    "float": "float8",
    "text": "text",
    "bool": "bool",
    "time": "timestamp",
}
"""PostgreSQL's types; binary is twice as fast as text."""

Row = tuple[Any, ...]


@dataclass(slots=True)
class Entry:
    """What is recorded of a batch. digest: of what its rows were made from and how.

    rows: how many; faulty: with a result that is missing or malformed; missing: how often each result is.
    """

    digest: str
    rows: int = 0
    faulty: int = 0
    missing: dict[str, int] = field(default_factory=dict)


class Sink:
    """A table of results that is there, for the rows of one campaign.

    Every method connects anew, so a server may go away and come back in between. Raises UserError or RunError
    where the database refuses.
    """

    def __init__(self, engine: sa.Engine, url: DatabaseUrl, campaign: str, layout: Layout) -> None:
        self.url, self.campaign, self.layout = url, campaign, layout
        self._engine, self._table = engine, layout.table()

    def entries(self) -> dict[str, Entry]:
        """Return {batch: entry} of what was written of the campaign."""
        columns = (BATCHES.c.batch, BATCHES.c.digest, BATCHES.c.rows, BATCHES.c.faulty, BATCHES.c.missing)
        query = sa.select(*columns).where(self._own())
        with (
            database_errors(self.url, "cannot read what was collected"),
            self._engine.connect() as connection,
        ):
            return {
                batch: Entry(digest, rows, faulty, json.loads(missing))
                for batch, digest, rows, faulty, missing in connection.execute(query)
            }

    def entry(self, batch: str) -> Entry | None:
        """Return what was written of a batch."""
        query = sa.select(BATCHES).where(self._own(), BATCHES.c.batch == batch)
        with (
            database_errors(self.url, "cannot read what was collected"),
            self._engine.connect() as connection,
        ):
            found = connection.execute(query).one_or_none()
        if found is None:
            return None
        return Entry(found.digest, found.rows, found.faulty, json.loads(found.missing))

    def other_results(self) -> list[str]:
        """Return the columns in which the campaign's rows have results, and the layout has none."""
        what = "cannot read the table of results"
        with database_errors(self.url, what), self._engine.connect() as connection:
            there = columns_there(connection, self.layout.attempts) or {}
            table = sa.table(self.layout.attempts)
            own = sa.column("campaign") == self.campaign
            found = []
            for name in there:
                column: sa.ColumnClause[Any] = sa.column(name)
                query = sa.select(column).select_from(table).where(own, column.is_not(None)).limit(1)
                if name not in self.layout.columns and connection.execute(query).first() is not None:
                    found.append(name)
        return found

    def write(self, batch: str, entry: Entry, chunks: Iterable[Sequence[Row]]) -> None:
        """Write the rows of a batch in place of earlier ones, and its entry: all or nothing.

        chunks: of rows, in the order of the layout's columns. Their number is put into the entry; the rest of
        it may be filled while the rows are made.
        """
        entry.rows = 0
        # The first ones before the transaction: others need not wait for files, or functions of the user's.
        parts = joined(chunks)
        first = next(parts, ())
        what = f"cannot write the results of batch {batch}"
        with database_errors(self.url, what), self._engine.begin() as connection:
            lock_for_transaction(connection, f"{self.campaign} {self.layout.name} {batch}")
            own = (self._own(), BATCHES.c.batch == batch)
            known = connection.execute(sa.delete(BATCHES).where(*own)).rowcount > 0
            # All of a batch is there or nothing, even if somebody deleted what was recorded of it.
            written = known or (bool(first) and self._has(connection, first[0]))
            for rows in chain([first], parts):
                if written and rows:
                    self._delete(connection, rows)
                if rows:
                    self._insert(connection, rows)
                entry.rows += len(rows)
            connection.execute(
                sa.insert(BATCHES).values(
                    campaign=self.campaign,
                    table_name=self.layout.name,
                    batch=batch,
                    digest=entry.digest,
                    rows=entry.rows,
                    faulty=entry.faulty,
                    missing=json.dumps(entry.missing),
                )
            )

    def _own(self) -> sa.ColumnElement[bool]:
        return sa.and_(BATCHES.c.campaign == self.campaign, BATCHES.c.table_name == self.layout.name)

    def _has(self, connection: sa.Connection, row: Row) -> bool:
        query = sa.select(self._table.c.attempt).where(*self._same())
        return connection.execute(query, self._keys([row])).first() is not None

    def _delete(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        connection.execute(sa.delete(self._table).where(*self._same()), self._keys(rows))

    def _same(self) -> list[sa.ColumnElement[bool]]:
        return [self._table.c[name] == sa.bindparam(f"the_{name}") for name in KEY]

    def _keys(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        names = list(self.layout.columns)
        places = {f"the_{name}": names.index(name) for name in KEY}
        return [{name: row[place] for name, place in places.items()} for row in rows]

    def _insert(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        # The drivers' own cursors where these are known: SQLAlchemy would look at every row.
        table = self._quoted(self.layout.attempts)
        columns = ", ".join(map(self._quoted, self.layout.columns))
        kinds = list(self.layout.columns.values())
        cursor: Any = connection.connection.cursor()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
            marks = ", ".join("?" * len(kinds))
            insert = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - quoted names
            cursor.executemany(insert, rows)
        elif connection.dialect.driver == "psycopg":
            with cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types([BINARY[kind] for kind in kinds])
                for row in _with_times(rows, kinds):
                    copy.write_row(row)
        else:
            names = list(self.layout.columns)
            values = [dict(zip(names, row, strict=True)) for row in _with_times(rows, kinds)]
            connection.execute(sa.insert(self._table), values)

    def _quoted(self, name: str) -> str:
        return self._engine.dialect.identifier_preparer.quote_identifier(name)


def _with_times(rows: Sequence[Row], kinds: Sequence[Kind]) -> Iterator[Row]:
    """Yield rows with their times as such: they come as text."""
    columns = list(zip(*rows, strict=True))
    for place, kind in enumerate(kinds):
        if kind == "time":
            known = {text: datetime.fromisoformat(text) for text in set(columns[place]) if text is not None}
            columns[place] = tuple(map(known.get, columns[place]))
    return zip(*columns, strict=True)


def joined(chunks: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    """Yield the same rows, in chunks that are not small."""
    pending: list[Row] = []
    for rows in chunks:
        if not pending and len(rows) >= TOGETHER:
            yield rows
            continue
        pending += rows
        if len(pending) >= TOGETHER:
            yield pending
            pending = []
    if pending:
        yield pending


@contextmanager
def open_sink(
    url: DatabaseUrl,
    campaign: str,
    name: str,
    *,
    parameters: Callable[[sa.Dialect], Sequence[str]],
    kinds: Callable[[], Sequence[Kind]],
    results: Mapping[str, Kind],
    grown: bool = False,
) -> Iterator[Sink]:
    """Give the table of results of this name, made or extended where it has to be.

    parameters: gives their columns, as the database can have them. kinds: gives what they hold; it is asked
    only if the campaign has no rows there, as the table tells then, or if it has grown since it was made.
    results: {column: kind} of those that will be written. Raises UserError where the table is of another
    study, or too narrow for new rows, or the database cannot be reached.
    """
    with open_database(url) as engine:
        columns = parameters(engine.dialect)
        with database_errors(url, "cannot open the table of results"), engine.connect() as connection:
            there = None if grown else _parameters_there(connection, campaign, name, columns)
        held = there or dict(zip(columns, kinds(), strict=True))
        wanted = Layout(name=name, parameters=held, results=results)
        with database_errors(url, "cannot make the table of results"), engine.begin() as connection:
            lock_for_transaction(connection, "tables")
            layout = fitted(connection, url, wanted)
        yield Sink(engine, url, campaign, layout)


def _parameters_there(
    connection: sa.Connection, campaign: str, name: str, columns: Sequence[str]
) -> dict[str, Kind] | None:
    """Return {column: kind} of the parameters as the table has them, if the campaign has written to it."""
    found = columns_there(connection, name + ATTEMPTS)
    if found is None or columns_there(connection, BATCHES.name) is None:
        return None
    own = sa.and_(BATCHES.c.campaign == campaign, BATCHES.c.table_name == name)
    if connection.execute(sa.select(BATCHES.c.batch).where(own).limit(1)).first() is None:
        return None
    kinds = {column: kind for column in columns if (kind := found.get(column)) is not None}
    return kinds if len(kinds) == len(columns) else None


def lock_for_transaction(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction holds the lock of this name, and hold it until this one ends."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"genstudy {name}".encode()).digest()[:8], signed=True)
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
