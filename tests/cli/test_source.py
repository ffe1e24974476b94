"""`--query` and `--db`: campaigns and plans of a database's rows, and passwords that stay secret."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from genstudy import Options, Query, make_specs, read_manifest
from tests.conftest import RunCli
from tests.databases.postgres import PASSWORD, PostgresServer

SQL = "SELECT id, width, material FROM runs WHERE n > 0 ORDER BY n"
LAB = "sqlite:///lab.db"
TABLE = "id,width,material\nr1,0.5,steel\nr2,1e-07,it's\n"
ROWS = 1_000_000
MEMORY_LIMIT = 1.3


@pytest.fixture(autouse=True)
def lab(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GENSTUDY_DB", raising=False)
    with closing(sqlite3.connect(in_tmp / "lab.db")) as connection, connection:
        connection.execute("CREATE TABLE runs (id, width, material, n)")
        connection.executemany(
            "INSERT INTO runs VALUES (?, ?, ?, ?)",
            [("r0", 9.0, "none", 0), ("r2", 1e-7, "it's", 2), ("r1", 0.5, "steel", 1)],
        )
    return in_tmp / "lab.db"


def test_specs_of_a_query(run_cli: RunCli, in_tmp: Path) -> None:
    code, out, err = run_cli("specs", "--query", SQL, "--db", LAB, "-i", "id", "-b", "1")
    assert (code, err) == (0, "")
    assert out == (
        "specs holds 2 batches of at most 1 row: rows 0 to 1 of a query of sqlite:///lab.db, template echo\n"
        "run one:  maestro run specs/query_0000.yaml --pgen specs/pgen.py\n"
        "run all:  genstudy run specs\n"
    )
    assert Path("specs/table.csv").read_text() == TABLE
    table = read_manifest(Path("specs")).table
    assert table.query is not None
    assert (table.source, table.index, table.query.model_dump()) == (
        "a query of sqlite:///lab.db",
        "id",
        {"sql": SQL, "db": LAB},
    )
    assert sorted(path.name for path in in_tmp.iterdir()) == ["lab.db", "specs"]
    assert sorted(path.name for path in Path("specs").iterdir()) == [
        "manifest.json",
        "pgen.py",
        "query_0000.yaml",
        "query_0001.yaml",
        "table.csv",
    ]


def test_it_is_the_same_as_from_a_table() -> None:
    Path("t.csv").write_text(TABLE)
    options = Options(name="same", index="id")
    found = make_specs(Query(sql=SQL, db=LAB), "a", options).manifest
    twin = make_specs("t.csv", "b", options).manifest
    table = twin.table.model_copy(update={"source": found.table.source, "query": found.table.query})
    assert found == twin.model_copy(update={"table": table})
    for name in ("table.csv", "same_0000.yaml", "pgen.py"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_a_query_is_frozen(run_cli: RunCli, lab: Path) -> None:
    assert run_cli("specs", "--query", SQL, "--db", LAB)[0] == 0
    lab.unlink()
    assert run_cli("verify", "specs")[0] == 0
    assert Path("specs/table.csv").read_text() == TABLE


def test_a_dry_run_leaves_nothing(run_cli: RunCli, in_tmp: Path) -> None:
    code, out, err = run_cli("specs", "--query", SQL, "--db", LAB, "--dry-run")
    assert (code, err) == (0, "")
    assert out == (
        "specs would hold 1 batch of 2 rows: rows 0 to 1 of a query of sqlite:///lab.db, template echo\n"
        "  query_0000.yaml  rows 0 to 1\n"
    )
    assert [path.name for path in in_tmp.iterdir()] == ["lab.db"]


def test_sql_out_of_a_file_and_the_database_out_of_the_environment(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSTUDY_DB", LAB)
    Path("q.sql").write_bytes(b"\xef\xbb\xbf-- all\n" + SQL.encode() + b";\n")
    assert run_cli("specs", "--query", "@q.sql", "-o", "c")[0] == 0
    assert Path("c/table.csv").read_text() == TABLE
    query = read_manifest(Path("c")).table.query
    assert query is not None
    assert query.sql == f"-- all\n{SQL};\n"
    Path("t.csv").write_text(TABLE)
    assert run_cli("specs", "t.csv", "-o", "d")[0] == 0
    assert run_cli("specs", "--query", SQL, "--db", "sqlite:///other.db", "-o", "e")[0] == 2


def test_a_plan_of_a_query(run_cli: RunCli, in_tmp: Path) -> None:
    code, out, err = run_cli("plan", "--query", SQL, "--db", LAB)
    assert (code, err) == (0, "")
    assert out.startswith("the query: 2 rows, template echo\n")
    assert f"genstudy specs --query '{SQL}' --db sqlite:///lab.db -b 2\n" in out
    assert [path.name for path in in_tmp.iterdir()] == ["lab.db"]
    assert run_cli("specs", "--query", SQL, "--db", LAB, "-b", "1")[0] == 0
    code, out, err = run_cli("plan", "specs", "--max-files", "60")
    assert (code, err) == (0, "")
    assert out.endswith(
        f"genstudy specs --query '{SQL}' --db sqlite:///lab.db --name query -b 2 -o specs-2\n"
    )
    assert run_cli("plan", "specs", "--query", SQL)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["specs"], "there is no table\n  name one, or pass --query and --db"),
        (["plan"], "there is no table\n  name one, or pass --query and --db"),
        (["specs", "t.csv", "--query", SQL], "t.csv: a table and --query exclude each other"),
        (["specs", "t.csv", "--db", LAB], "--db is for --query\n  pass --query, or leave --db out"),
        (["specs", "--query", SQL], "--query needs a database\n  pass --db, or set GENSTUDY_DB"),
        (["specs", "--query", "@no.sql", "--db", LAB], "no.sql: No such file or directory"),
        (["specs", "--query", "@lab.db", "--db", LAB], None),
        (["specs", "--query", "@", "--db", LAB], "--query: there is no file's name behind the @"),
        *[
            (
                [command, "postgresql://lab:hush@h/d"],
                (
                    "this is a database's URL, and no table\n"
                    "  pass it as --db, and what to read there as --query"
                ),
            )
            for command in ("specs", "plan", "plot")
        ],
        (
            ["specs", "--query", SQL, "--db", "lab.db"],
            (
                "--db: this is no URL of a database\n  write sqlite:///lab.db (or sqlite:////full/path/lab.db),"
                " or postgresql://user@host/database"
            ),
        ),
        (
            ["specs", "--query", SQL, "--db", LAB, "--reference"],
            "--reference is for a table that is a file, not for a query",
        ),
        (
            ["specs", "--query", "SELECT width, NULL AS x FROM runs", "--db", LAB],
            "the query, row 0, column x: the cell is empty\n  fill it in, or pass --allow-missing",
        ),
        (
            ["specs", "--query", "SELECT width, material FROM runs", "--db", LAB, "-i", "material"],
            None,
        ),
        (
            ["specs", "--query", "SELECT width AS \"a b\" FROM runs", "--db", LAB],
            None,
        ),
        (
            ["specs", "--query", SQL, "--db", LAB, "-i", "ix"],
            "the query: the table has no column 'ix'\n  its columns are: id, width, material",
        ),
        (
            ["specs", "--query", SQL, "--db", LAB, "--start", "5"],
            (
                "the query: --start 5 is past the end: the table has 2 rows\n"
                "  rows are counted from 0, so the last is 1"
            ),
        ),
        (["specs", "--query", "SELECT '$(x)' AS a", "--db", LAB, "--inline"], None),
        (["specs", "--query", "DELETE FROM runs RETURNING id", "--db", LAB], None),
        (["specs", "--query", SQL, "--db", LAB, "-t", "nope"], None),
    ],
)  # fmt: skip
def test_mistakes_leave_nothing(
    run_cli: RunCli, in_tmp: Path, arguments: list[str], message: str | None
) -> None:
    Path("t.csv").write_text(TABLE)
    code, out, err = run_cli(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("genstudy: ")
    assert "query.csv" not in err
    if message is not None:
        assert err == f"genstudy: {message}\n"
    assert sorted(path.name for path in in_tmp.iterdir()) == ["lab.db", "t.csv"]


def genstudy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as users do, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "genstudy", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def everything(folder: Path) -> bytes:
    """Return the names and contents of all files."""
    return b"\n".join(
        os.fsencode(path) + b"\n" + (path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    )


BAD_PASSWORD = "no/t%the:one@all"


@pytest.mark.parametrize(
    ("sql", "login", "exit_code"),
    [
        ("SELECT 1 AS a", "right", 0),
        ("SELECT 1 AS a", "wrong password", 2),
        ("SELECT 1 AS a", "wrong database", 2),
        ("SELECT 1 AS a", "wrong host", 2),
        ("SELECT 1 AS a", "closed port", 2),
        ("SELECT nothing", "right", 2),
        ("SELEC", "right", 2),
        ("SELECT 'x\ny' AS a", "right", 2),
        ("SELECT CAST('{password}' AS integer) AS a", "right", 2),
        ("SELECT pg_terminate_backend(pg_backend_pid()) AS a", "right", 1),
        ("SELECT 1 AS a", "in the options", 0),
        ("SELECT 1 AS a", "wrong option", 2),
        ("SELECT 1 AS a", "at too many", 2),
        ("SELECT 1 AS a", "wrong port", 2),
        ("SELECT 1 AS a", "wrong scheme", 2),
    ],
)
def test_passwords_are_nowhere(
    run_cli: RunCli, postgres: PostgresServer, in_tmp: Path, sql: str, login: str, exit_code: int
) -> None:
    right, wrong = quote(PASSWORD, safe=""), quote(BAD_PASSWORD, safe="")
    place = f"{postgres.host}:{postgres.port}"
    url = {
        "right": postgres.url,
        "wrong password": postgres.url_of("postgres", password=BAD_PASSWORD),
        "wrong database": postgres.url_of("nothing"),
        "wrong host": f"postgresql://lab:{right}@no-such-host.invalid/db",
        "closed port": f"postgresql://lab:{right}@127.0.0.1:1/db",
        "in the options": f"postgresql://lab@{place}/postgres?password={right}",
        "wrong option": f"postgresql://lab:{right}@{place}/postgres?nonsense={wrong}",
        "at too many": f"postgresql://lab:{PASSWORD}@{place}/postgres",
        "wrong port": f"postgresql://lab@{postgres.host}:{right}/postgres",
        "wrong scheme": f"mysql://lab:{right}@{place}/postgres",
    }[login]
    sql = sql.format(password=PASSWORD)
    for command in (["plan"], ["specs", "--dry-run"], ["specs"]):
        code, out, err = run_cli(*command, "--query", sql, "--db", url)
        assert code == exit_code
        found = everything(in_tmp) + (out + err).encode()
        for password in (PASSWORD, BAD_PASSWORD):
            for secret in {password, quote(password), quote(password, safe=""), password.split("@")[0]}:
                assert secret.encode() not in found
    assert Path("specs").is_dir() == (exit_code == 0)


def test_a_password_out_of_the_environment(postgres: PostgresServer) -> None:
    url = f"postgresql://{postgres.user}@{postgres.host}:{postgres.port}/postgres"
    done = genstudy("specs", "--query", "SELECT 1 AS a", "--db", url, PGPASSWORD=PASSWORD)
    assert (done.returncode, done.stderr) == (0, "")
    manifest = json.loads(Path("specs/manifest.json").read_text())
    assert manifest["table"]["query"] == {"sql": "SELECT 1 AS a", "db": url}
    done = genstudy("specs", "--query", "SELECT 1 AS a", "-o", "b", GENSTUDY_DB=postgres.url)
    assert (done.returncode, done.stderr) == (0, "")
    done = genstudy("specs", "--query", "SELECT 1 AS a", "--db", url, "-o", "c")
    assert done.returncode == 2
    assert done.stderr.endswith("\n  set PGPASSWORD, or have the password in ~/.pgpass\n")


MEASURED = """
import resource, runpy, sys
sys.argv[:] = ["genstudy", *sys.argv[1:]]
try:
    runpy.run_module("genstudy", run_name="__main__")
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def test_memory_does_not_grow_with_the_rows(postgres: PostgresServer) -> None:
    peaks = []
    for rows in (ROWS // 10, ROWS):
        sql = f"SELECT n, n * 0.5 AS width, 'm' || n AS name FROM generate_series(1, {rows}) AS t(n)"
        command = ["specs", "--query", sql, "--db", postgres.url, "-o", f"c{rows}", "-b", str(rows // 10)]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stderr.splitlines()[-1]))
        assert read_manifest(Path(f"c{rows}")).table.rows == rows
    assert peaks[1] <= MEMORY_LIMIT * peaks[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_query_that_never_ends_ends_at_a_signal(in_tmp: Path, number: signal.Signals, code: int) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n"
    # A shell gives SIGINT ignored to what it puts into the background, and so may what runs the tests.
    heeding = f"import signal; signal.signal({signal.SIGINT:d}, signal.default_int_handler)"
    program = f"{heeding}; from genstudy.cli.app import main; main()"
    command = [sys.executable, "-c", program, "specs", "--query", endless, "--db", LAB]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            while not list(in_tmp.glob(".specs*/.query-*/query.csv")):
                assert running.poll() is None
                time.sleep(0.01)
            time.sleep(0.3)
            running.send_signal(number)
            assert running.communicate(timeout=30) == (b"", b"")
        finally:
            running.kill()
    assert running.returncode == code
    assert [path.name for path in in_tmp.iterdir()] == ["lab.db"]
