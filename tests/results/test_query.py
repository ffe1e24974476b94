"""Queries and exports of results: what they print and write, and that they change nothing."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pty
import sqlite3
import subprocess
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from genstudy.campaign.run import run_campaign
from genstudy.errors import RunError, UserError
from genstudy.results.collect import collect_results
from genstudy.results.export import export_results
from genstudy.results.query import open_results, query_results
from tests.campaign.support import GENSTUDY, genstudy
from tests.conftest import RunCli
from tests.databases.postgres import PostgresServer
from tests.results.lab import HOSTILE, attempts, make_lab

ROWS = 30


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that was run and collected."""
    campaign = make_lab(tmp_path_factory.mktemp("lab"), rows=ROWS, batch_size=10)
    run_campaign(campaign)
    return campaign


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, lab: Path, postgres: PostgresServer) -> str | None:
    """Where the results are: in the campaign (None), or on a server."""
    if request.param == "sqlite":
        return None
    url = postgres.new_database()
    collect_results(lab, into=url, table="results")
    return url


def arguments(db: str | None) -> list[str]:
    return [] if db is None else ["--db", db, "--table", "results"]


def test_what_a_campaign_has(lab: Path, db: str | None) -> None:
    with open_results(lab, db=db, table="results") as results:
        assert (results.view, results.attempts) == ("results", "results_attempts")
        assert results.parameters == ("number", "width", "note", "group")
        assert results.results == ("energy", "drag", "label")
        assert list(results.columns.values()) == [
            *("text", "text", "int", "text", "int", "text", "text", "time", "time", "float", "text"),
            *("int", "float", "text", "int", "float", "float", "text"),
        ]


def test_a_query(lab: Path, db: str | None, run_cli: RunCli) -> None:
    sql = 'SELECT "number", width, note, energy FROM results WHERE row_number < 4 ORDER BY row_number'
    code, out, err = run_cli("query", lab, sql, *arguments(db))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "number               width  note                        energy",
        "------  ------------------  --------------------------  ------",
        "     0                 1.0  '); DROP TABLE results; --     0.5",
        "     1  1.1428571428571428  <script>alert(1)</script>      1.5",
        "     2  1.2857142857142856  plain                          2.5",
        '     3  1.4285714285714286  "; x                           3.5',
    ]


def test_a_query_as_csv_and_json(lab: Path, db: str | None, run_cli: RunCli) -> None:
    sql = "SELECT row_id, note, energy, started FROM results ORDER BY row_number"
    _, out, _ = run_cli("query", lab, sql, "--csv", *arguments(db))
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["note"] for row in rows] == [HOSTILE[n % len(HOSTILE)] for n in range(ROWS)]
    assert [row["energy"] for row in rows][12:15] == ["12.5", "", "14.5"]
    _, out, _ = run_cli("query", lab, sql, "--json", *arguments(db))
    found = json.loads(out)
    assert [row["energy"] for row in found][12:15] == [12.5, None, 14.5]
    assert [{key: value or "" for key, value in row.items()} for row in rows] == [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in found
    ]
    assert run_cli("query", lab, "SELECT 1 AS a WHERE 1 = 2", "--json", *arguments(db))[1] == "[]\n"


def test_a_query_out_of_a_file(lab: Path, in_tmp: Path, run_cli: RunCli) -> None:
    (in_tmp / "some.sql").write_text('-- 50% of :these\nSELECT count(*) AS "how many" FROM results\n')
    assert run_cli("query", lab, "@some.sql", "--csv")[1] == f"how many\n{ROWS}\n"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM results_attempts",
        "DELETE FROM results_attempts WHERE 1=1 RETURNING row_id",
        "DROP VIEW results",
        "UPDATE genstudy_batches SET digest = ''",
        "CREATE TABLE more (a int)",
        "SELECT 1; DELETE FROM results_attempts",
        "SELEC 1",
        "SELECT nothing_there FROM results",
        "",
    ],
)
def test_what_is_no_query_changes_nothing(lab: Path, db: str | None, run_cli: RunCli, sql: str) -> None:
    before = attempts(lab, db=db, table="results")
    code, out, err = run_cli("query", lab, sql, *arguments(db))
    assert (code, out) == (2, "")
    assert err.startswith("genstudy: ")
    assert "Traceback" not in err
    assert "s3cret" not in err
    assert attempts(lab, db=db, table="results") == before


def test_the_tables(lab: Path, in_tmp: Path, run_cli: RunCli) -> None:
    (in_tmp / "lab").symlink_to(lab)
    code, out, _ = run_cli("query", "lab")
    assert code == 0
    lines = out.splitlines()
    assert lines[:4] == [
        "lab/results.db",
        "results: 30 rows, one for each combination: its last attempt",
        "    campaign     text",
        "    row_id       text",
    ]
    assert "    width        float  parameter" in lines
    assert "    energy       float  result" in lines
    assert lines[-2:] == [
        "results_attempts: 30 rows, one for each attempt, with the same columns",
        "genstudy_batches: 3 rows, one for each batch that was collected",
    ]


def at_terminal(folder: Path, *command: str) -> str:
    """Run a command of genstudy at a terminal, and return what appears there."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*GENSTUDY, *command], cwd=folder, stdout=follower, stderr=follower, stdin=follower
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(leader)
    assert process.wait() == 0, shown
    return shown.decode().replace("\r\n", "\n")


def test_at_a_terminal_rows_are_bounded_and_nothing_acts(lab: Path) -> None:
    series = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n"
    shown = at_terminal(lab.parent, "query", "lab", series.format(51)).splitlines()
    assert len(shown) == 2 + 50 + 1
    assert shown[-1] == "... and more: 50 rows are shown here; --csv, --json or a pipe give all"
    assert len(at_terminal(lab.parent, "query", "lab", series.format(50)).splitlines()) == 52
    assert len(genstudy(lab.parent, "query", "lab", series.format(5000)).splitlines()) == 5002
    evil = "SELECT char(27) || '[2J' || char(10) || 'x' AS \"a\", 'y' AS b"
    for option in ((), ("--csv",), ("--json",)):
        assert "\x1b" not in at_terminal(lab.parent, "query", "lab", evil, *option)
    assert at_terminal(lab.parent, "query", "lab", evil) == "a           b\n----------  -\n\\x1b[2J\\nx  y\n"
    assert json.loads(at_terminal(lab.parent, "query", "lab", evil, "--json")) == [
        {"a": "\x1b[2J\nx", "b": "y"}
    ]
    long = at_terminal(lab.parent, "query", "lab", "SELECT printf('%.100c', 'x') AS a")
    assert long.splitlines()[2] == "x" * 57 + "..."


def test_where_nothing_was_collected(tmp_path: Path, run_cli: RunCli) -> None:
    campaign = make_lab(tmp_path, rows=2, batch_size=2)
    for command in (("query", campaign, "SELECT 1"), ("export", campaign, "-o", tmp_path / "x.csv")):
        code, _, err = run_cli(*command)
        assert code == 2
        assert "no results were collected yet" in err
        assert "genstudy collect" in err
    assert not (campaign / "results.db").exists()
    sqlite3.connect(campaign / "results.db").close()
    code, _, err = run_cli("query", campaign)
    assert code == 2
    assert "there is no table of results results" in err


def test_columns_of_one_name(lab: Path, db: str | None, run_cli: RunCli) -> None:
    sql = "SELECT 1 AS a, 2 AS a"
    code, out, err = run_cli("query", lab, sql, "--json", *arguments(db))
    assert (code, out) == (2, "")
    assert err == "genstudy: two columns of the query have the name 'a'\n  write AS and another name\n"
    assert run_cli("query", lab, sql, "--csv", *arguments(db))[:2] == (0, "a,a\n1,2\n")


def test_values_of_a_server_as_csv(lab: Path, postgres: PostgresServer, run_cli: RunCli) -> None:
    url = postgres.new_database()
    collect_results(lab, into=url)
    sql = """SELECT ARRAY[1, NULL] AS list, '{"a": ["é", true]}'::jsonb AS object"""
    _, out, _ = run_cli("query", lab, sql, "--csv", "--db", url)
    assert list(csv.reader(out.splitlines()))[1] == ["[1, null]", '{"a": ["é", true]}']


def test_queries_are_read_in_parts(lab: Path, db: str | None) -> None:
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n"
    with query_results(lab, sql, db=db, table="results") as rows:
        assert [len(part) for part in rows.parts()] == [1000, 1000, 500]


def test_queries_of_the_interface(lab: Path, db: str | None) -> None:
    with query_results(lab, "SELECT row_id FROM results ORDER BY row_number", db=db, table="results") as rows:
        assert rows.columns == ("row_id",)
        assert list(rows) == [(str(n),) for n in range(ROWS)]


def test_exports_of_all_formats(lab: Path, db: str | None, tmp_path: Path) -> None:
    expected = attempts(lab, db=db, table="results")
    with open_results(lab, db=db, table="results") as results:
        names = list(results.columns)
    for name in ("a.csv", "a.csv.gz", "a.parquet", "a.jsonl"):
        assert export_results(lab, tmp_path / name, db=db, table="results") == ROWS
    text = (tmp_path / "a.csv").read_text()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode() == text
    rows = list(csv.reader(text.splitlines()))
    assert rows[0] == names
    assert rows[1:] == [["" if value is None else str(value) for value in row] for row in expected]
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert lines == [dict(zip(names, row, strict=True)) for row in expected]
    frame = pl.read_parquet(tmp_path / "a.parquet")
    kinds = {"started": pl.Datetime("us"), "width": pl.Float64, "group": pl.Int64, "label": pl.String}
    assert {name: frame.schema[name] for name in kinds} == kinds
    assert [tuple(str(v) if isinstance(v, datetime) else v for v in row) for row in frame.rows()] == expected


def test_exports_of_a_query(lab: Path, db: str | None, tmp_path: Path, run_cli: RunCli) -> None:
    sql = 'SELECT "group", avg(energy) AS mean, count(*) AS n, max(note) AS "a note" FROM results '
    sql += "GROUP BY 1 ORDER BY 1"
    for name in ("a.csv", "a.parquet", "a.jsonl"):
        code, out, _ = run_cli("export", lab, "-o", tmp_path / name, "--query", sql, *arguments(db))
        assert (code, out) == (0, f"{tmp_path / name}: 3 rows\n")
    frame = pl.read_parquet(tmp_path / "a.parquet")
    assert dict(frame.schema) == {"group": pl.Int64, "mean": pl.Float64, "n": pl.Int64, "a note": pl.String}
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [float(row["mean"]) for row in rows] == frame["mean"].to_list()
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert lines == frame.to_dicts()


TEXTS = ("a\rb", "\r", "\n", "a\r\nb", '"', ",", " a ", "é\u2028", "\\")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_texts_of_any_kind_in_csv(lab: Path, tmp_path: Path, run_cli: RunCli, name: str) -> None:
    values = ", ".join(f"({place}, '{text}')" for place, text in enumerate(TEXTS))
    sql = f"WITH t(n, x) AS (VALUES {values}) SELECT x, n FROM t ORDER BY n"
    expected = [["x", "n"], *([text, str(place)] for place, text in enumerate(TEXTS))]
    assert export_results(lab, tmp_path / name, query=sql) == len(TEXTS)
    data = (tmp_path / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == expected
    assert pl.read_csv(text.encode())["x"].to_list() == list(TEXTS)
    assert run_cli("query", lab, sql, "--csv")[1] == text
    assert text.startswith("x,n\n")


def test_a_query_that_gives_other_values_the_second_time(lab: Path, tmp_path: Path) -> None:
    # The first reading tells what the columns hold; one of 200 numbers is no number then or later.
    sql = "SELECT CASE WHEN abs(random() % 200) THEN 1 ELSE 'x' END AS v FROM results, results AS b LIMIT 200"
    for _ in range(40):
        with suppress(RunError):
            export_results(lab, tmp_path / "a.parquet", query=sql, force=True)


def test_exports_are_whole_or_not_there(lab: Path, tmp_path: Path) -> None:
    def refused(message: str, name: str = "x.csv", **options: Any) -> None:
        before = sorted(tmp_path.iterdir())
        with pytest.raises(UserError, match=message):
            export_results(lab, tmp_path / name, **options)
        assert sorted(tmp_path.iterdir()) == before

    refused("this is no name for a file of results", "x.txt")
    refused("no such column", query="SELECT absent FROM results")
    refused("two columns of the query have the name 'a'", query="SELECT 1 AS a, 2 AS a")
    refused("a query says itself which rows it takes", query="SELECT 1 AS a", attempts=True)
    # It fails in the middle: the 20,000th row is too large a number.
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
    refused(
        "integer overflow",
        query=many + "SELECT abs(CASE i WHEN 20000 THEN -9223372036854775808 ELSE i END) AS i FROM n",
    )
    refused("the folder .* does not exist", "none/x.csv")
    export_results(lab, tmp_path / "x.csv")
    refused("the file exists already")
    (tmp_path / "x.csv").write_text("old")
    assert export_results(lab, tmp_path / "x.csv", force=True) == ROWS
    assert (tmp_path / "x.csv").read_text() != "old"
