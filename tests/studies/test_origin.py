"""Study files whose rows are those of a table or of a query."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.specs.manifest import read_manifest
from genstudy.studies.build import build_study
from genstudy.tables.make import make_table
from tests.conftest import RunCli
from tests.databases.postgres import PASSWORD, PostgresServer

TABLE = "id,width\nr1,0.5\nr2,1.5\nr3,2.5\n"
QUERY = "query: SELECT id, width FROM runs ORDER BY id\ndb: sqlite:///lab.db\n"


@pytest.fixture(autouse=True)
def folder(in_tmp: Path) -> Path:
    """Make a folder with a table and a database in it."""
    folder = in_tmp / "sub"
    folder.mkdir()
    (folder / "t.csv").write_text(TABLE)
    with closing(sqlite3.connect(folder / "lab.db")) as connection, connection:
        connection.execute("CREATE TABLE runs (id, width)")
        connection.executemany("INSERT INTO runs VALUES (?, ?)", [("r1", 0.5), ("r2", 1.5), ("r3", 2.5)])
    return folder


def refusal(text: str, *parameters: str, **settings: object) -> str:
    Path("sub/s.yaml").write_text(text)
    before = sorted(Path().rglob("*"))
    with pytest.raises(UserError) as caught:
        build_study("sub/s.yaml", parameters=parameters, settings=settings)
    assert sorted(Path().rglob("*")) == before
    return str(caught.value)


def test_a_table_beside_the_study_file() -> None:
    Path("sub/s.yaml").write_text("table: t.csv\nindex: id\nbatches: 2\noutput: c\n")
    manifest = build_study("sub/s.yaml").manifest
    assert (manifest.name, manifest.table.source, manifest.table.query) == ("s", "sub/s.yaml", None)
    assert (manifest.table.index, [batch.nrows for batch in manifest.batches]) == ("id", [2, 1])
    assert Path("c/table.csv").read_text() == TABLE
    assert read_manifest(Path("c")) == manifest


def test_a_tables_record_is_kept() -> None:
    make_table([parse_parameter("a=int(0, 9)")], output=Path("made.csv"), rows=5, seed=1, index="run")
    Path("s.yaml").write_text("table: made.csv\n")
    table = build_study("s.yaml", dry_run=True).manifest.table
    assert table.index == "run"
    assert table.record is not None
    assert table.record["seed"] == 1


def test_a_query_of_a_database_beside_the_study_file() -> None:
    Path("sub/s.yaml").write_text(QUERY + "index: id\noutput: c\n")
    campaign = build_study("sub/s.yaml")
    table = campaign.manifest.table
    assert table.query is not None
    assert table.query.model_dump() == {
        "sql": "SELECT id, width FROM runs ORDER BY id",
        "db": "sqlite:///sub/lab.db",
    }
    assert (table.source, table.index) == ("sub/s.yaml", "id")
    assert Path("c/table.csv").read_text() == TABLE


def test_options_win(run_cli: RunCli, in_tmp: Path) -> None:
    Path("sub/s.yaml").write_text(QUERY + "output: c\n")
    Path("q.sql").write_text("SELECT width FROM runs WHERE width > 1")
    code, _, err = run_cli("build", "sub/s.yaml", "--query", "@q.sql")
    assert (code, err) == (0, "")
    assert Path("c/table.csv").read_text() == "width\n1.5\n2.5\n"
    code, _, err = run_cli("build", "sub/s.yaml", "--db", "sqlite:///lab.db", "-o", "d")
    assert (code, err) == (
        2,
        f"genstudy: sqlite:///lab.db: there is no such database\n  looked for {in_tmp}/lab.db\n",
    )
    Path("sub/t.yaml").write_text("table: t.csv\noutput: e\n")
    (in_tmp / "t.jsonl").write_text('{"a": 1}\n')
    assert run_cli("build", "sub/t.yaml", "--table", "t.jsonl")[0] == 0
    assert Path("e/table.csv").read_text() == "a\n1\n"


@pytest.mark.parametrize(
    ("text", "parameters", "settings", "message"),
    [
        ("table: none.csv\n", (), {}, "none.csv: there is no such table"),
        ("table: t.csv\nbatches: 9\n", (), {}, "sub/s.yaml, line 2, batches: --batches 9"),
        ("table: t.csv\nindex: no\n", (), {}, "sub/t.csv: the table has no column 'no'"),
        ("table: t.csv\nset: {x: 1}\n", (), {}, "sub/s.yaml, line 2, set: the template 'echo' has no"),
        ("table: t.csv\n", ("a=1",), {}, "sub/s.yaml: 'a=1' is a parameter, and the rows "),
        ("table: t.csv\n", (), {"rows": 3}, "rows makes rows of parameters, and "),
        ("parameters: {a: 1}\n", (), {"table": "t.csv"}, "parameters and table exclude each other"),
        ("table: t.csv\n", (), {"db": "sqlite:///x"}, "a database is for a query"),
        ("query: SELECT 1\ndb: lab.db\n", (), {}, "sub/s.yaml, line 2, db: this is no URL of a database"),
        ("query: ' '\ndb: sqlite:///lab.db\n", (), {}, "sub/s.yaml, line 1, query: the query is empty"),
        ("query: SELECT x FROM runs\ndb: sqlite:///lab.db\n", (), {}, "sqlite:///sub/lab.db: cannot run"),
        (
            "table: postgresql://u:hush@h/d\n",
            (),
            {},
            "sub/s.yaml, line 1, table: this is a database's URL, and no table\n",
        ),
        (
            "parameters: {a: 1}\nresults: {sources: 'postgresql://u:hush@h/d'}\n",
            (),
            {},
            "sub/s.yaml, line 2: results.sources: Input should be a list",
        ),
        (QUERY + "template: nope\n", (), {}, "sub/s.yaml, line 3, template: there is no template"),
        (
            "query: SELECT 1 AS a\ndb: postgresql://u:hush@h/d\n",
            (),
            {},
            (
                "sub/s.yaml, line 2, db: a password has no place in a study file\n"
                "  write db: postgresql://u@h/d, and set PGPASSWORD or have it in ~/.pgpass"
            ),
        ),
        (
            "query: SELECT 1 AS a\ndb: postgresql://h/d?password=hush\n",
            (),
            {},
            "sub/s.yaml, line 2, db: a password has no place in a study file\n",
        ),
    ],
)  # fmt: skip
def test_mistakes_leave_nothing(
    text: str, parameters: tuple[str, ...], settings: dict[str, object], message: str
) -> None:
    problem = refusal(text, *parameters, **settings)
    assert problem.startswith(message)
    assert "hush" not in problem


def test_a_password_may_come_from_elsewhere(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{postgres.host}:{postgres.port}/postgres"
    Path("s.yaml").write_text(f"query: SELECT 7 AS a\ndb: postgresql://{postgres.user}@{place}\n")
    build_study("s.yaml", settings={"db": postgres.url, "output": "c"})
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    build_study("s.yaml", settings={"output": "d"})
    for campaign in ("c", "d"):
        assert Path(campaign, "table.csv").read_text() == "a\n7\n"
        assert PASSWORD not in Path(campaign, "manifest.json").read_text()
