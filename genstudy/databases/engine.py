"""Databases opened, to read only where nothing may change."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, create_engine, event
from sqlalchemy.pool import NullPool

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from genstudy.databases.url import DatabaseUrl

BUSY_SECONDS = 60
"""How long SQLite waits for another writer."""

CONNECT_SECONDS = 30
TIMED = frozenset({"postgresql", "mysql", "mariadb"})
"""Servers that may take so long to answer, unless the URL says `?connect_timeout=`."""

OTHER_FILES = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH})


@contextmanager
def open_database(url: DatabaseUrl, *, read_only: bool = False) -> Iterator[Engine]:
    """Give an engine that keeps no connections, and dispose of it at the end. Nothing is connected yet.

    A transaction is one in SQLite too, definitions of tables included; it takes the right to write at its
    beginning, so that waiting for another writer is all that can happen. A statement outside of transactions
    (PRAGMA, VACUUM) needs `engine.raw_connection()`.
    read_only: nothing can be changed: SQLite's and DuckDB's files are opened so, and SQLite attaches no
    other; transactions of PostgreSQL, MySQL and MariaDB are READ ONLY. Elsewhere nothing is committed.

    UserError for a SQLite file that is missing (with read_only; otherwise it is made, in a folder that
    exists), or is a folder.
    """
    if url.file is not None:
        _check_file(url, url.file, read_only=read_only)
        engine = _sqlite(url.file, read_only=read_only)
    else:
        engine = _server(url.url, read_only=read_only)
    try:
        yield engine
    finally:
        engine.dispose()


def _check_file(url: DatabaseUrl, file: Path, *, read_only: bool) -> None:
    if file.is_dir():
        raise UserError("this is a folder, not a database", where=url.shown)
    if read_only and not file.exists():
        raise UserError("there is no such database", where=url.shown, hint=f"looked for {file.absolute()}")
    if not file.parent.is_dir():
        raise UserError(f"the folder {file.parent} does not exist", where=url.shown)


def _sqlite(file: Path, *, read_only: bool) -> Engine:
    # "rwc" and "ro" are SQLite's modes; a plain path could not say them.
    mode = "ro" if read_only else "rwc"
    engine = create_engine(
        URL.create(
            "sqlite+pysqlite",
            database=f"file:{quote(str(file.absolute()))}",
            query={"mode": mode, "uri": "true"},
        ),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        # Python's sqlite3 would begin transactions by itself, late, and not for definitions of tables.
        connection.isolation_level = None
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            connection.set_authorizer(_keep_to_the_file)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _keep_to_the_file(action: int, *_: object) -> int:
    """Deny a read-only connection to attach other files: they would not be opened with its mode."""
    return sqlite3.SQLITE_DENY if action in OTHER_FILES else sqlite3.SQLITE_OK


def _server(url: URL, *, read_only: bool) -> Engine:
    system = url.get_backend_name()
    arguments: dict[str, Any] = {}
    if system in TIMED and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    if system == "duckdb" and read_only:
        arguments["read_only"] = True
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    if read_only:

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _: Any) -> None:
            if system == "postgresql":
                connection.read_only = True
            elif system in {"mysql", "mariadb"}:
                with connection.cursor() as cursor:
                    cursor.execute("SET SESSION TRANSACTION READ ONLY")

    return engine
