"""`genstudy extend`: what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from genstudy.parameters.grammar import parse_parameter
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import read_manifest
from genstudy.specs.options import Options
from genstudy.tables.make import make_table
from tests.campaign.failing import failing_campaign
from tests.campaign.test_extend import grow
from tests.conftest import RunCli


@pytest.fixture(autouse=True)
def campaign(in_tmp: Path) -> Path:
    """The campaign `c` of four rows in batches of three, and the table `t.csv` of nine."""
    folder = failing_campaign(in_tmp, rows=4)
    grow(in_tmp, 9)
    return folder


def test_what_it_prints(run_cli: RunCli) -> None:
    assert run_cli("extend", "c", "t.csv") == (
        0,
        "5 new rows (4 to 8) in 2 new batches: 0002 to 0003; next: genstudy run c\n",
        "",
    )
    nothing = "c: there are no rows behind the campaign's: there is nothing to add\n"
    assert run_cli("extend", "c", "t.csv") == (0, nothing, "")
    assert "there were no rows to add" in run_cli("status", "c")[1]


def test_a_dry_run(run_cli: RunCli) -> None:
    _, out, _ = run_cli("extend", "c", "t.csv", "--dry-run", "-b", 5)
    assert out == "5 new rows (4 to 8) in 1 new batch: 0002; nothing was written\n"
    assert len(read_manifest(Path("c")).batches) == 2
    assert not Path("c/ledger").exists()


def test_one_row_and_a_folder_that_is_quoted(run_cli: RunCli, in_tmp: Path) -> None:
    Path("c").rename("my c")
    grow(in_tmp, 5)
    _, out, _ = run_cli("extend", "my c", "t.csv")
    assert out == "1 new row (4) in 1 new batch: 0002; next: genstudy run 'my c'\n"


def test_rows_that_the_design_makes(run_cli: RunCli, in_tmp: Path) -> None:
    make_table([parse_parameter("a=uniform(0, 1)")], output=in_tmp / "p.csv", rows=4, design="lhs", seed=1)
    make_specs(in_tmp / "p.csv", in_tmp / "p", Options(batch_size=4))
    code, out, err = run_cli("extend", "p", "-n", 2)
    assert (code, out) == (0, "2 new rows (4 to 5) in 1 new batch: 0001; next: genstudy run p\n")
    assert err.startswith("note: of 6 equal parts of a parameter's range, ")


def test_a_query(run_cli: RunCli, in_tmp: Path) -> None:
    import sqlite3

    with sqlite3.connect(in_tmp / "rows.db") as connection:
        connection.execute("CREATE TABLE t (number, text)")
        connection.executemany("INSERT INTO t VALUES (?, 'x')", [(str(row),) for row in range(3)])
    source = ["--query", "SELECT * FROM t", "--db", "sqlite:///rows.db"]
    assert run_cli("specs", *source, "-o", "q", "--name", "q")[0] == 0
    with sqlite3.connect(in_tmp / "rows.db") as connection:
        connection.execute("INSERT INTO t VALUES ('3', 'x')")
    _, out, _ = run_cli("extend", "q", *source)
    assert out == "1 new row (3) in 1 new batch: 0001; next: genstudy run q\n"


def test_a_step_that_waits_for_all_rows(run_cli: RunCli, in_tmp: Path) -> None:
    (in_tmp / "other").mkdir()
    variables = {"simulate": "true", "gather": "true"}
    folder = failing_campaign(in_tmp / "other", rows=2, template="pipeline", variables=variables)
    _, out, _ = run_cli("extend", folder, grow(in_tmp / "other", 4))
    line = "step 'gather' will run once for each new batch, and see the rows of that one only"
    assert out.splitlines()[1:] == [line]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is nothing to take rows from\n  name the table that has grown, or pass -n"),
        (["t.csv", "-n", "3"], "a table and -n exclude each other"),
        (["-n", "0"], "-n must be at least 1, not 0"),
        (["t.csv", "-b", "0"], "--batch-size must be at least 1, not 0"),
        (["t.csv", "--query", "SELECT 1"], "t.csv: a table and --query exclude each other"),
        (["--db", "sqlite:///x.db"], "--db is for --query"),
        (["none.csv"], "none.csv: there is no such table\n  tables there: t.csv"),
        (["sqlite:///x.db"], "this is a database's URL, and no table"),
    ],
)
def test_mistakes(run_cli: RunCli, arguments: list[str], message: str) -> None:
    code, out, err = run_cli("extend", "c", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(read_manifest(Path("c")).batches) == 2
