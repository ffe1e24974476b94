"""Databases opened, to read only where nothing may change."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, suppress
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
"""How long another writer is waited for, in SQLite and PostgreSQL."""

CONNECT_SECONDS = 30
TIMED = frozenset({"psycopg", "psycopg2", "pymysql", "mysqldb", "mariadbconnector"})
"""Drivers whose servers may take so long to answer, unless the URL says `?connect_timeout=`."""

STATEMENTS = {
    ("postgresql", False): f"SET lock_timeout = '{BUSY_SECONDS}s'",
    ("mysql", True): "SET SESSION TRANSACTION READ ONLY",
    ("mariadb", True): "SET SESSION TRANSACTION READ ONLY",
}
"""What a session begins with, by its system and whether it only reads."""

LOOK = 100_000
"""Steps of SQLite's machine, about a millisecond, after which it is looked whether a signal came."""

OTHER_FILES = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH})


@contextmanager
def open_database(url: DatabaseUrl, *, read_only: bool = False) -> Iterator[Engine]:
    """Give an engine that keeps no connections, and dispose of it at the end. Nothing is connected yet.

    A transaction is one in SQLite too, definitions of tables included; it takes the right to write at its
    beginning, so that waiting for another writer is all that can happen. A statement outside of transactions
    (PRAGMA, VACUUM) needs `engine.raw_connection()`.
    read_only: nothing can be changed: SQLite's and DuckDB's files are opened so, and SQLite attaches no
    other; transactions of PostgreSQL, MySQL and MariaDB are READ ONLY. Elsewhere nothing is committed.
    A signal, such as Ctrl-C, ends a long query of SQLite at once then.

    UserError for a SQLite file that is missing (with read_only; otherwise it is made, in a folder that
    exists), or is a folder, a pipe or a device.
    """
    if url.file is not None:
        _check_file(url, url.file, read_only=read_only)
        if read_only:
            _take_back(url.file)
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
    if file.exists() and not file.is_file():
        raise UserError("this is no file", where=url.shown)
    if read_only and not file.exists():
        raise UserError("there is no such database", where=url.shown, hint=f"looked for {file.absolute()}")
    if not file.parent.is_dir():
        raise UserError(f"the folder {file.parent} does not exist", where=url.shown)


def _take_back(file: Path) -> None:
    """Have SQLite take back what a writer left half-done that was killed: mode=ro would refuse the file.

    Nothing happens where a writer lives, or there is no right to write; reading tells what is wrong then.
    """
    if not file.with_name(file.name + "-journal").exists():
        return
    with (
        suppress(sqlite3.OperationalError, sqlite3.DatabaseError),
        closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as connection,
    ):
        connection.execute("SELECT count(*) FROM sqlite_master")


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
    signals = _Signals()

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        # Python's sqlite3 would begin transactions by itself, late, and not for definitions of tables.
        connection.isolation_level = None
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            connection.set_authorizer(_keep_to_the_file)
            looks = signals.looks()
            next(looks)  # it waits within its `try` now
            connection.set_progress_handler(looks.__next__, LOOK)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    @event.listens_for(engine, "handle_error")
    def on_error(_: Any) -> None:
        if signals.raised is not None:
            raise signals.raised

    return engine


class _Signals:
    """What the handler of a signal raised while SQLite was at work, such as KeyboardInterrupt."""

    raised: BaseException | None = None

    def looks(self) -> Iterator[int]:
        """Give 0 at each look for signals; end when one wants the program to.

        A generator, as the handler runs right where Python code goes on: here that is within the `try`.
        Python drops what its callbacks from SQLite raise, and the statement fails as interrupted.
        """
        try:
            while True:
                yield 0
        except GeneratorExit:
            raise
        except BaseException as raised:  # noqa: BLE001 - raised again, once SQLite has given up
            self.raised = raised


def _keep_to_the_file(action: int, *_: object) -> int:
    """Deny a read-only connection to attach other files: they would not be opened with its mode."""
    return sqlite3.SQLITE_DENY if action in OTHER_FILES else sqlite3.SQLITE_OK


def _server(url: URL, *, read_only: bool) -> Engine:
    dialect = url.get_dialect()
    system, driver = dialect.name, dialect.driver
    arguments: dict[str, Any] = {}
    if driver in TIMED and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    if system == "duckdb" and read_only:
        arguments["read_only"] = True
    options = {"postgresql_readonly": True} if system == "postgresql" and read_only else {}
    engine = create_engine(
        url, poolclass=NullPool, hide_parameters=True, connect_args=arguments, execution_options=options
    )
    statement = STATEMENTS.get((system, read_only))
    if statement is not None:

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(statement)
            cursor.close()
            connection.commit()

    return engine
