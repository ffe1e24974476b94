"""Tables of results in a database: made, extended for new results, refused if they are of another study."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genstudy.errors import UserError
from genstudy.results.schema import BATCHES, FIXED, TYPES, Kind, Layout, kind_of, system_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genstudy.databases.url import DatabaseUrl

POSTGRESQL_COLUMNS = 1600
POSTGRESQL_PAGE = 8160
"""Bytes of a row that PostgreSQL cannot put elsewhere (its manual, appendix K: a row is in one page)."""

WIDTHS: dict[Kind, int] = {"int": 8, "float": 8, "time": 8, "bool": 1, "text": 24}
"""Bytes of a value in a page; a long text is elsewhere, and up to 24 bytes lead there."""

ROW_HEAD = 32
"""Bytes of a row besides its values, and besides the bit of each that tells whether it is NULL."""

WIDER: frozenset[tuple[Kind | None, Kind | None]] = frozenset(
    {("int", "float"), ("int", "text"), ("float", "text")}
)
"""Parameters of the first kind fit into columns of the second."""

SAME: frozenset[tuple[Kind | None, Kind | None]] = frozenset({("bool", "int")})
"""Results of the first kind are in columns of the second where a database has no such type (MySQL)."""

WORDS: dict[Kind | None, str] = {
    "int": "whole numbers",
    "float": "numbers",
    "text": "text",
    "bool": "true or false",
    "time": "times",
    None: "something else",
}
WAY_OUT = "choose another table: --table NAME, or table: in the study file under results:"


def columns_there(connection: sa.Connection, table: str) -> dict[str, Kind | None] | None:
    """Return {column: kind} of a table, in its order; None where there is no such table."""
    inspector = sa.inspect(connection)
    if table not in inspector.get_table_names():
        return None
    return {column["name"]: kind_of(column["type"]) for column in inspector.get_columns(table)}


def fitted(connection: sa.Connection, url: DatabaseUrl, wanted: Layout) -> Layout:
    """Make or extend the tables of results, in the transaction of `connection`.

    Returns the layout with the kinds that the table has. Raises UserError where the table is of another
    study, or has more columns than the database takes.
    """
    inspector = sa.inspect(connection)
    BATCHES.create(connection, checkfirst=True)
    found = columns_there(connection, wanted.attempts)
    for name in system_columns(connection.dialect) & set(wanted.results):
        raise UserError(
            f"PostgreSQL has a column {name} of its own in every table",
            where=url.shown,
            hint="rename the result; `name: key` says what is taken for it",
        )
    if found is None:
        if wanted.name in inspector.get_table_names():
            raise UserError(f"there is a table {wanted.name} already", where=url.shown, hint=WAY_OUT)
        _check_room(connection, url, wanted.columns)
        wanted.table().create(connection)
        # Somebody may have dropped the table: what is told of its batches holds no more.
        connection.execute(sa.delete(BATCHES).where(BATCHES.c.table_name == wanted.name))
        found = dict(wanted.columns)
    else:
        _check_fixed(url, wanted, found)
        wanted = _check_parameters(url, wanted, found)
        found |= _add_results(connection, url, wanted, found)
    _make_view(connection, wanted, list(found))
    return wanted


def _check_fixed(url: DatabaseUrl, wanted: Layout, found: Mapping[str, Kind | None]) -> None:
    for name, kind in FIXED.items():
        if found.get(name) != kind:
            raise UserError(
                f"the table {wanted.attempts} is none of results: it has no column {name} of {WORDS[kind]}",
                where=url.shown,
                hint=WAY_OUT,
            )


def _check_parameters(url: DatabaseUrl, wanted: Layout, found: Mapping[str, Kind | None]) -> Layout:
    """Return the layout with the parameters' kinds as they are in the table."""
    there = list(found)[len(FIXED) :][: len(wanted.parameters)]
    for own, other in zip(wanted.parameters, there + [""] * len(wanted.parameters), strict=False):
        if own != other:
            what = f"it has {other or 'nothing'} where this campaign has the parameter {own}"
            raise UserError(
                f"the table {wanted.name} is of another study: {what}", where=url.shown, hint=WAY_OUT
            )
    kinds: dict[str, Kind] = {}
    for name, kind in wanted.parameters.items():
        has = found[name]
        if has is None or (has != kind and (kind, has) not in WIDER):
            raise UserError(
                f"the table {wanted.name} has {WORDS[has]} in the column {name}, and this campaign has "
                f"{WORDS[kind]}",
                where=url.shown,
                hint=WAY_OUT,
            )
        kinds[name] = has
    return replace(wanted, parameters=kinds)


def _add_results(
    connection: sa.Connection, url: DatabaseUrl, wanted: Layout, found: Mapping[str, Kind | None]
) -> dict[str, Kind]:
    new: dict[str, Kind] = {}
    for name, kind in wanted.results.items():
        if name not in found:
            new[name] = kind
        elif found[name] != kind and (kind, found[name]) not in SAME:
            raise UserError(
                f"the table {wanted.name} has {WORDS[found[name]]} in the column {name}, and the result is "
                f"{WORDS[kind]}",
                where=url.shown,
                hint=f"give the result another name, or {WAY_OUT}",
            )
    _check_room(connection, url, {**found, **new})
    quote = connection.dialect.identifier_preparer.quote_identifier
    for name, kind in new.items():
        form = TYPES[kind].compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {quote(wanted.attempts)} ADD COLUMN {quote(name)} {form}")
    return new


def _check_room(connection: sa.Connection, url: DatabaseUrl, columns: Mapping[str, Kind | None]) -> None:
    """Refuse more columns than the database takes, before it does so in words of its own."""
    width = 0
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        most = driver.getlimit(sqlite3.SQLITE_LIMIT_COLUMN)
    else:
        most = POSTGRESQL_COLUMNS
        width = ROW_HEAD + len(columns) // 8 + sum(WIDTHS[kind or "text"] for kind in columns.values())
    what = f"{len(columns):,} columns: {len(FIXED)} of its own, the parameters and the results"
    if len(columns) > most:
        raise UserError(
            f"the table of results would have {what}, and the database takes {most:,}",
            where=url.shown,
            hint="take fewer results" if most > POSTGRESQL_COLUMNS else "take fewer results, or use SQLite",
        )
    if width > POSTGRESQL_PAGE:
        raise UserError(
            f"the table of results would have {what}, about {width:,} bytes a row, and PostgreSQL takes "
            f"{POSTGRESQL_PAGE:,}",
            where=url.shown,
            hint="take fewer results, or use SQLite",
        )


def _make_view(connection: sa.Connection, layout: Layout, columns: list[str]) -> None:
    """Make the view unless it is there with just these columns."""
    inspector = sa.inspect(connection)
    there = layout.name in inspector.get_view_names()
    if there and [column["name"] for column in inspector.get_columns(layout.name)] == columns:
        return
    preparer = connection.dialect.identifier_preparer
    statement = layout.view(preparer, columns)
    if there and connection.dialect.name == "postgresql":
        # Views of others that are made of it go on.
        statement = statement.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)
    elif there:
        connection.exec_driver_sql(f"DROP VIEW {preparer.quote_identifier(layout.name)}")
    connection.exec_driver_sql(statement)
