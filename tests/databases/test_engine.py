"""Databases opened, and their errors told: SQLite's, a real PostgreSQL server's, and DuckDB's."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from genstudy.databases.engine import STATEMENTS, open_database
from genstudy.databases.problems import database_errors
from genstudy.databases.url import DatabaseUrl, parse_url
from genstudy.errors import RunError, UserError
from tests.databases.postgres import PASSWORD, PostgresServer


@pytest.fixture
def lab(in_tmp: Path) -> DatabaseUrl:
    """Return a SQLite database with a table of two rows."""
    with closing(sqlite3.connect(in_tmp / "lab.db")) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    return parse_url("sqlite:///lab.db")


@pytest.fixture
def remote(postgres: PostgresServer) -> DatabaseUrl:
    """Return a PostgreSQL database with a table of two rows."""
    url = parse_url(postgres.new_database())
    with open_database(url) as engine, engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (2)")
    return url


@pytest.fixture
def other(in_tmp: Path) -> DatabaseUrl:
    """Return a DuckDB database with a table of two rows: one of those that nothing here knows much of."""
    pytest.importorskip("duckdb_engine", reason="DuckDB's dialect is not installed")
    url = parse_url(f"duckdb:///{in_tmp}/other.duckdb")
    with open_database(url) as engine, engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (2)")
    return url


@pytest.fixture(params=["lab", "remote", "other"])
def url(request: pytest.FixtureRequest) -> DatabaseUrl:
    """Return each of the three."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, DatabaseUrl)
    return found


def rows(
    url: DatabaseUrl, sql: str = "SELECT a FROM t ORDER BY a", *, read_only: bool = True
) -> list[object]:
    with open_database(url, read_only=read_only) as engine, engine.connect() as connection:
        return [row[0] for row in connection.exec_driver_sql(sql)]


def problem_of(url: DatabaseUrl, sql: str, *, read_only: bool = True) -> UserError | RunError:
    with pytest.raises((UserError, RunError)) as caught, database_errors(url, "cannot do it"):
        rows(url, sql, read_only=read_only)
    assert isinstance(caught.value, UserError | RunError)
    return caught.value


def test_reading(url: DatabaseUrl) -> None:
    assert rows(url) == [1, 2]


@pytest.mark.parametrize(
    "sql", ["DELETE FROM t RETURNING a", "INSERT INTO t VALUES (3) RETURNING a", "DROP TABLE t"]
)
def test_nothing_is_changed_where_reading_is_meant(url: DatabaseUrl, sql: str) -> None:
    problem = problem_of(url, sql)
    assert isinstance(problem, UserError)
    assert any(word in str(problem) for word in ("readonly", "read-only transaction", "read-only mode"))
    assert rows(url) == [1, 2]


def test_no_other_file_is_attached_where_reading_is_meant(lab: DatabaseUrl, in_tmp: Path) -> None:
    assert str(problem_of(lab, "ATTACH 'other.db' AS other")) == (
        "sqlite:///lab.db: cannot do it: not authorized"
    )
    assert str(problem_of(lab, "VACUUM INTO 'other.db'")).startswith("sqlite:///lab.db: cannot do it: ")
    assert [path.name for path in in_tmp.iterdir()] == ["lab.db"]


def test_a_transaction_is_one_with_its_tables(url: DatabaseUrl) -> None:
    with open_database(url) as engine:
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE u (b integer)")
            connection.exec_driver_sql("INSERT INTO t VALUES (3)")
            connection.rollback()
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (4)")
    assert rows(url) == [1, 2, 4]
    assert isinstance(problem_of(url, "SELECT * FROM u"), UserError)


def test_sqlite_files(in_tmp: Path) -> None:
    def refusal(text: str, *, read_only: bool) -> str:
        with pytest.raises(UserError) as caught, open_database(parse_url(text), read_only=read_only):
            pass
        return str(caught.value)

    (in_tmp / "folder").mkdir()
    assert refusal("sqlite:///no.db", read_only=True) == (
        f"sqlite:///no.db: there is no such database\n  looked for {in_tmp}/no.db"
    )
    assert refusal("sqlite:///folder", read_only=True) == (
        "sqlite:///folder: this is a folder, not a database"
    )
    assert refusal("sqlite:///no/x.db", read_only=False) == (
        "sqlite:///no/x.db: the folder no does not exist"
    )
    os.mkfifo("pipe")
    for read_only in (True, False):
        assert refusal("sqlite:///pipe", read_only=read_only) == "sqlite:///pipe: this is no file"
    assert sorted(path.name for path in in_tmp.iterdir()) == ["folder", "pipe"]


@pytest.mark.parametrize("name", ["a b.db", "50%25.db", "é#1?x=y.db"])
def test_names_of_files_are_taken_as_they_are(in_tmp: Path, name: str) -> None:
    url = parse_url(f"sqlite:///{quote(name)}")
    with open_database(url) as engine, engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a)")
    assert [path.name for path in in_tmp.iterdir()] == [name]
    assert rows(url) == []


def test_a_file_that_is_no_database(in_tmp: Path) -> None:
    (in_tmp / "lab.db").write_text("a,b\n1,2\n" * 200)
    assert str(problem_of(parse_url("sqlite:///lab.db"), "SELECT 1 FROM t")) == (
        "sqlite:///lab.db: cannot do it: file is not a database"
    )


@pytest.mark.parametrize("sql", ["SELECT nothing FROM t", "SELECT a FROM nothing", "SELEC", "SELECT :x"])
def test_wrong_sql_is_a_mistake_told_in_a_line(url: DatabaseUrl, sql: str) -> None:
    problem = problem_of(url, sql)
    assert isinstance(problem, UserError)
    assert problem.message.startswith("cannot do it: ")
    assert "\n" not in problem.message
    assert problem.where == url.shown


def test_sqlite_takes_one_statement(lab: DatabaseUrl) -> None:
    assert str(problem_of(lab, "SELECT 1; SELECT 2")) == (
        "sqlite:///lab.db: cannot do it: You can only execute one statement at a time."
    )


def test_a_lock_is_nobodys_mistake(lab: DatabaseUrl) -> None:
    with closing(sqlite3.connect("lab.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with open_database(lab) as engine, engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("PRAGMA busy_timeout = 10")
            with pytest.raises(RunError) as caught, database_errors(lab, "cannot write"):
                connection.exec_driver_sql("SELECT 1")
    assert str(caught.value) == "sqlite:///lab.db: cannot write: database is locked"


def test_a_password_that_is_wrong_or_missing(postgres: PostgresServer) -> None:
    for url in (
        parse_url(postgres.url_of("postgres", password="hush!hush")),
        parse_url(f"postgresql://{postgres.user}@{postgres.host}:{postgres.port}/postgres"),
    ):
        text = str(problem_of(url, "SELECT 1"))
        assert text.startswith(f"{url.shown}: cannot do it: connection ")
        assert text.endswith("\n  set PGPASSWORD, or have the password in ~/.pgpass")
        assert "hush" not in text


def test_a_password_of_the_environment(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = parse_url(f"postgresql://{postgres.user}@{postgres.host}:{postgres.port}/postgres")
    assert rows(url, "SELECT 7") == [7]


def test_what_cannot_be_reached(postgres: PostgresServer) -> None:
    for url in (
        parse_url(postgres.url_of("nothing_here")),
        parse_url("postgresql://u:hush@127.0.0.1:1/db"),
        parse_url("postgresql://u:hush@no-such-host.invalid/db"),
    ):
        problem = problem_of(url, "SELECT 1")
        assert isinstance(problem, UserError)
        assert "hush" not in str(problem)
        assert "\n" not in problem.message


def test_a_server_that_goes_away_is_nobodys_mistake(postgres: PostgresServer) -> None:
    url = parse_url(postgres.new_database())
    try:
        with open_database(url) as engine, engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
            postgres.kill()
            with pytest.raises(RunError) as caught, database_errors(url, "cannot do it"):
                connection.exec_driver_sql("SELECT 1")
    finally:
        postgres.start()
    assert str(caught.value).startswith(f"{url.shown}: cannot do it: ")
    assert rows(url, "SELECT 1") == [1]


def test_secrets_are_taken_out_of_what_the_server_says(remote: DatabaseUrl) -> None:
    problem = problem_of(remote, f"SELECT CAST('{PASSWORD.replace('%', '%%')}' AS integer)")
    assert str(problem) == (f'{remote.shown}: cannot do it: invalid input syntax for type integer: "***"')


def test_errors_of_a_raw_cursor(remote: DatabaseUrl) -> None:
    missing = pytest.raises(UserError, match='relation "nothing" does not exist')
    with open_database(remote) as engine, closing(engine.raw_connection()) as raw:
        cursor = raw.cursor()
        with missing, database_errors(remote, "copy"):
            cursor.execute("COPY nothing FROM STDIN")
    bad = parse_url("postgresql://u:hush@127.0.0.1:1/db")
    with (
        open_database(bad) as engine,
        pytest.raises(UserError, match="refused"),
        database_errors(bad, "copy"),
    ):
        engine.raw_connection()


def test_a_lock_of_another_session_is_waited_for_for_some_time(
    remote: DatabaseUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_database(remote) as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "1min"
    monkeypatch.setitem(STATEMENTS, ("postgresql", False), "SET lock_timeout = '50ms'")
    with open_database(remote) as engine, engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE t")
        problem = problem_of(remote, "DELETE FROM t RETURNING a", read_only=False)
    assert isinstance(problem, RunError)
    assert "lock timeout" in str(problem)


def test_what_a_killed_writer_left_is_taken_back(lab: DatabaseUrl, in_tmp: Path) -> None:
    code = (
        "import os, sqlite3\n"
        "c = sqlite3.connect('lab.db', isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN')\n"
        "c.executemany('INSERT INTO t VALUES (?)', [('x' * 1000,) for _ in range(1000)])\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=in_tmp, check=False).returncode == 9
    assert (in_tmp / "lab.db-journal").stat().st_size
    assert rows(lab) == [1, 2]
