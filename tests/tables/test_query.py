"""Tables out of databases: SQLite's, and a real PostgreSQL server's."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.databases.engine import open_database
from genstudy.databases.url import parse_url
from genstudy.errors import GenstudyError, RunError, UserError
from genstudy.tables import query as query_module
from genstudy.tables.as_csv import CONTROL
from genstudy.tables.query import open_source, write_query
from genstudy.tables.read import Query
from tests.databases.postgres import PostgresServer

pytestmark = pytest.mark.usefixtures("in_tmp")

SELECT_HINT = "\n  a query is one SELECT, WITH ... SELECT or VALUES"
NAME_HINT = "\n  name it: SELECT ... AS name"
LAB = "sqlite:///lab.db"


@pytest.fixture
def lab(in_tmp: Path) -> Iterator[sqlite3.Connection]:
    """Give a SQLite database with three rows."""
    with closing(sqlite3.connect(in_tmp / "lab.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE runs (id TEXT, width REAL, n INTEGER)")
        connection.executemany(
            "INSERT INTO runs VALUES (?, ?, ?)", [("r1", 0.5, 3), ("r2", 1e-7, -4), ("r3", 2.0, None)]
        )
        yield connection


@pytest.fixture(scope="module")
def remote(postgres: PostgresServer) -> str:
    """Return the URL of a PostgreSQL database with a table of three rows."""
    text = postgres.new_database()
    with open_database(parse_url(text)) as engine, engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE runs (id text, width float8, n int)")
        connection.exec_driver_sql("INSERT INTO runs VALUES ('r1',0.5,3), ('r2',1e-7,-4), ('r3',2.0,NULL)")
    return text


@pytest.fixture(params=["lab", "remote"])
def db(request: pytest.FixtureRequest) -> str:
    """Return each of the two."""
    found = request.getfixturevalue(request.param)
    return found if isinstance(found, str) else LAB


def text_of(sql: str, db: str) -> str:
    target = io.BytesIO()
    write_query(Query(sql=sql, db=db), target)
    return target.getvalue().decode()


def problem_of(sql: str, db: str) -> GenstudyError:
    with pytest.raises(GenstudyError) as caught:
        text_of(sql, db)
    return caught.value


def test_rows_as_they_are(db: str) -> None:
    for end in ("", ";", "  -- and a comment", " /* one */ ;\n"):
        assert text_of(f"SELECT id, width, n FROM runs ORDER BY id{end}", db) == (
            "id,width,n\nr1,0.5,3\nr2,1e-07,-4\nr3,2.0,\n"
        )
    assert text_of("WITH x AS (SELECT n FROM runs) SELECT max(n) AS m FROM x", db) == "m\n3\n"
    assert text_of("SELECT n FROM runs WHERE id = 'r3'", db) == 'n\n""\n'


def test_nothing_in_the_sql_is_a_parameter(db: str) -> None:
    sql = "SELECT '100% :x %s %(id)s ?' AS a, id FROM runs WHERE id LIKE '%1' OR id = ':id'"
    assert text_of(sql, db) == "a,id\n100% :x %s %(id)s ?,r1\n"


@pytest.mark.parametrize(
    ("expression", "cell"),
    [
        ("1::smallint", "1"),
        ("9223372036854775807", "9223372036854775807"),
        ("1.10::numeric", "1.10"),
        ("1e5::numeric", "100000"),
        ("1e-12::numeric", "0.000000000001"),
        ("'NaN'::numeric", "NaN"),
        ("1.1::real", "1.1"),
        ("0.1::float8", "0.1"),
        ("'-Infinity'::float8", "-inf"),
        ("true", "true"),
        ("false", "false"),
        ("'x y'::text", "x y"),
        ("'x'::char(3)", "x  "),
        ("'é🙂'::varchar", "é🙂"),
        ("NULL", '""'),
        ("date '2024-01-02'", "2024-01-02"),
        ("timestamp '2024-01-02 03:04:05.5'", "2024-01-02T03:04:05.500000"),
        ("timestamptz '2024-01-02 03:04:05+00' AT TIME ZONE 'UTC'", "2024-01-02T03:04:05"),
        ("time '03:04'", "03:04:00"),
        ("'6f1f5b0e-2e9c-4b8f-9a53-8a4a2f1f0c11'::uuid", "6f1f5b0e-2e9c-4b8f-9a53-8a4a2f1f0c11"),
        ("'a,\"b\"'::text", '"a,""b"""'),
        ("interval '1 day'", None),
        ("ARRAY[1, 2]", None),
        ("ROW(1, 2)", None),
        ("'{\"a\": 1}'::json", None),
        ("'[1]'::jsonb", None),
        ("'x'::bytea", None),
        ("'10.0.0.1'::inet", None),
        ("int4range(1, 3)", None),
    ],
)
def test_types_of_postgresql(remote: str, expression: str, cell: str | None) -> None:
    sql = f"SELECT {expression} AS a"
    if cell is not None:
        assert text_of(sql, remote) == f"a\n{cell}\n"
        return
    problem = str(problem_of(sql, remote))
    assert problem.startswith("the query, row 0, column a: ")
    assert problem.endswith(
        " is no value of a cell\n  choose a part of it in the query, or make it text: CAST(a AS text)"
    )
    assert "is no value" not in text_of(f"SELECT CAST({expression} AS text) AS a", remote)


def test_types_of_sqlite(lab: sqlite3.Connection) -> None:
    lab.execute("CREATE TABLE mixed (a)")
    lab.executemany("INSERT INTO mixed VALUES (?)", [(1,), (0.1,), ("x",), (None,), (2**63 - 1,)])
    assert text_of("SELECT a, rowid AS b FROM mixed", LAB) == (
        "a,b\n1,1\n0.1,2\nx,3\n,4\n9223372036854775807,5\n"
    )
    lab.execute("INSERT INTO mixed VALUES (x'00')")
    assert str(problem_of("SELECT rowid AS b, a FROM mixed", LAB)) == (
        "the query, row 5, column a: bytes is no value of a cell\n"
        "  choose a part of it in the query, or make it text: CAST(a AS text)"
    )
    lab.execute("UPDATE mixed SET a = CAST(x'ff' AS text) WHERE rowid = 1")
    assert str(problem_of("SELECT a FROM mixed", LAB)).startswith(f"{LAB}: cannot run the query: ")


@pytest.mark.parametrize("text", ["x\ny", "x\ry", "x\ty", "x\u2028y", "x\x85y"])
def test_control_characters_are_refused_where_they_stand(lab: sqlite3.Connection, text: str) -> None:
    lab.execute("UPDATE runs SET id = ? WHERE n = -4", (text,))
    assert str(problem_of("SELECT n, id AS name FROM runs", LAB)) == (
        f"the query, row 1, column name: a control character in {text!r}\n"
        "  values become text in scripts and names: take it out"
    )


def test_values_are_data(db: str) -> None:
    nasty = '\'); DROP TABLE runs; -- $(rm -rf ~) `x` "q" ${y}'
    quoted = nasty.replace("'", "''")
    assert list(csv.reader(io.StringIO(text_of(f"SELECT '{quoted}' AS a", db)))) == [["a"], [nasty]]
    assert text_of("SELECT count(*) AS n FROM runs", db) == "n\n3\n"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "the query is empty" + SELECT_HINT),
        (" \n", "the query is empty" + SELECT_HINT),
        ("SELECT 1 AS a\0", "the query has a NUL character" + SELECT_HINT),
        ("SELECT 1 AS a, 2 AS a", "the query: two columns have the name 'a'" + NAME_HINT),
        ('SELECT 1 AS a, 2 AS ""', None),
        ('SELECT 1 AS "a\nb"', "the query: a control character in the name 'a\\nb'" + NAME_HINT),
        ("SELECT id FROM runs WHERE n > 100", "{db}: the query gives no rows"),
    ],
)
def test_what_is_no_table(db: str, sql: str, message: str | None) -> None:
    problem = problem_of(sql, db)
    assert isinstance(problem, UserError)
    if message is not None:
        assert str(problem) == message.format(db=parse_url(db).shown)


def test_columns_without_a_name(remote: str) -> None:
    assert str(problem_of("SELECT 1 AS a, 2", remote)) == "the query: column 2 has no name" + NAME_HINT
    assert str(problem_of("SELECT", remote)) == "the query: the query has no columns" + SELECT_HINT


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM runs RETURNING id",
        "INSERT INTO runs VALUES ('x', 1, 1)",
        "INSERT INTO runs VALUES ('x', 1, 1) RETURNING id",
        "UPDATE runs SET n = 5 RETURNING id",
        "DROP TABLE runs",
        "CREATE TABLE more (a int)",
        "SELECT id FROM runs; DELETE FROM runs",
        "SELECT id FROM runs; COMMIT; DELETE FROM runs; COMMIT",
        "COMMIT",
        "WITH gone AS (DELETE FROM runs RETURNING id) SELECT id FROM gone",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'other.db'",
        "COPY runs TO '/tmp/genstudy-must-not-be'",
        "SELECT id INTO other FROM runs",
        "SELECT lo_creat(-1) AS a FROM nothing",
        "SELECT set_config('transaction_read_only', 'off', false) AS a",
    ],
)
def test_a_query_changes_nothing(db: str, sql: str, in_tmp: Path) -> None:
    before = sorted(in_tmp.iterdir())
    problem = problem_of(sql, db)
    assert isinstance(problem, UserError)
    assert "\n" not in problem.message
    assert text_of("SELECT count(*) AS n, max(n) AS m FROM runs", db) == "n,m\n3,3\n"
    assert sorted(in_tmp.iterdir()) == before


def test_what_a_query_is_stands_in_the_hint(db: str) -> None:
    for sql in ("DELETE FROM runs RETURNING id", "SELEC", "SELECT 1 AS a; SELECT 2 AS a", "DROP TABLE runs"):
        assert str(problem_of(sql, db)).endswith(SELECT_HINT)
    assert str(problem_of("SELECT no FROM runs", db)).count("\n") <= 1


def test_databases_that_cannot_be_read(in_tmp: Path) -> None:
    (in_tmp / "folder").mkdir()
    (in_tmp / "text.db").write_text("a,b\n1,2\n" * 100)
    for url, message in {
        "sqlite:///none.db": f"sqlite:///none.db: there is no such database\n  looked for {in_tmp}/none.db",
        "sqlite:///folder": "sqlite:///folder: this is a folder, not a database",
        "sqlite:///text.db": "sqlite:///text.db: cannot run the query: file is not a database",
    }.items():
        assert str(problem_of("SELECT 1 AS a FROM sqlite_master", url)) == message
    assert sorted(path.name for path in in_tmp.iterdir()) == ["folder", "text.db"]


def test_a_server_that_ends_the_query_is_no_mistake(remote: str) -> None:
    problem = problem_of("SELECT pg_terminate_backend(pg_backend_pid()) AS a", remote)
    assert isinstance(problem, RunError)
    assert str(problem).startswith(f"{parse_url(remote).shown}: cannot run the query: ")


def test_rows_are_streamed_in_parts(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_module, "ROWS", 7)
    numbers = "WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < 99) SELECT n FROM t"
    assert text_of(numbers, db) == "n\n" + "".join(f"{n}\n" for n in range(100))
    late = numbers.replace("SELECT n FROM", "SELECT CASE n WHEN 50 THEN 'x\ny' ELSE 'z' END AS c FROM")
    assert str(problem_of(late, db)).startswith("the query, row 50, column c: a control character")


def test_the_temporary_file_goes(lab: sqlite3.Connection, in_tmp: Path) -> None:
    lab.execute("DELETE FROM runs WHERE n IS NULL")
    place = in_tmp / "place"
    place.mkdir()
    query = Query(sql="SELECT id, n FROM runs", db=LAB)
    with open_source(query, place) as table:
        assert (table.columns, table.preview[0], table.title) == (("id", "n"), ("r1", "3"), "the query")
        assert table.place(3, 5, "id") == "the query, row 3, column id"
        assert len(list(place.rglob("*.csv"))) == 1
    assert list(place.iterdir()) == []
    with pytest.raises(UserError), open_source(Query(sql="SELECT no FROM runs", db=LAB), place):
        pass
    assert list(place.iterdir()) == []


def test_a_query_does_not_show_its_password() -> None:
    assert "hush" not in repr(Query(sql="SELECT 1", db="postgresql://u:hush@h/d"))


TEXTS = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not CONTROL.search(text))
CELLS = TEXTS | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.none()


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_values_come_back_as_their_cells(rows: list[tuple[Any, Any]]) -> None:
    Path("lab.db").unlink(missing_ok=True)
    with closing(sqlite3.connect("lab.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    found = list(csv.reader(io.StringIO(text_of("SELECT a, b FROM t ORDER BY rowid", LAB), newline="")))
    assert found == [["a", "b"], *([["" if v is None else str(v) for v in row] for row in rows])]
