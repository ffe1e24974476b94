"""`genstudy plot` and `genstudy csv --plot`: what they print, what they write, and what they refuse."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

import genstudy
from tests.conftest import RunCli

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def table(in_tmp: Path) -> Path:
    names = ("width=uniform(0, 1)", "height=uniform(0, 1)", "material=choice(steel, brass)")
    genstudy.make_table(
        [genstudy.parse_parameter(name) for name in names],
        output=in_tmp / "t.csv",
        rows=64,
        design="sobol",
        seed=1,
        index="id",
    )
    return in_tmp / "t.csv"


def texts(path: Path) -> list[str]:
    return [element.text or "" for element in ET.parse(path).iter(f"{SVG}text")]


def pixels(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


TOLD = """\
t.png: 64 rows, 3 columns
  each range cut into 10 parts: 100 % of them hold a row
  squares of two parameters' parts: 85.7 % hold a row, 80 % if rows were random
  centred L2 discrepancy of 2 parameters, squared: 0.000148, 0.024 times what uniform random points have
"""


@pytest.mark.usefixtures("table")
def test_a_table(in_tmp: Path, run_cli: RunCli) -> None:
    assert run_cli("plot", "t.csv") == (0, TOLD, "")
    assert pixels(in_tmp / "t.png") == (1040, 1166)
    assert sorted(path.name for path in in_tmp.iterdir()) == ["t.csv", "t.json", "t.png"]


@pytest.mark.usefixtures("table")
def test_an_svg_of_chosen_columns(in_tmp: Path, run_cli: RunCli) -> None:
    code, out, err = run_cli("plot", "t.csv", "-o", "d.svg", "--columns", "material, width,id")
    assert (code, out.splitlines()[0], err) == (0, "d.svg: 64 rows, 3 columns", "")
    found = texts(in_tmp / "d.svg")
    assert found[0] == "t.csv: 64 rows, design sobol, seed 1"
    assert {"material", "width", "id", "steel"} <= set(found)
    assert "height" not in found


@pytest.mark.usefixtures("table")
def test_the_api_draws_the_same(in_tmp: Path, run_cli: RunCli) -> None:
    run_cli("plot", "t.csv")
    found = genstudy.plot_design("t.csv", "api.png")
    assert (in_tmp / "api.png").read_bytes() == (in_tmp / "t.png").read_bytes()
    assert (found.path, found.summary.rows, found.notes) == (Path("api.png"), 64, ())
    assert found.coverage.points == 64


def test_a_campaign_s_own_table_with_its_laws(in_tmp: Path, table: Path, run_cli: RunCli) -> None:
    options = genstudy.Options(template="echo", batch_size=32, name="beams")
    genstudy.make_specs("t.csv", "campaign", options)
    table.unlink()
    assert run_cli("plot", "campaign") == (0, TOLD.replace("t.png", "beams.png"), "")
    run_cli("plot", "campaign", "-o", "c.svg")
    assert texts(in_tmp / "c.svg")[0] == "campaign beams: 64 rows, design sobol, seed 1"


@pytest.mark.usefixtures("table")
def test_of_a_campaign_its_own_rows_are_drawn(in_tmp: Path, run_cli: RunCli) -> None:
    options = genstudy.Options(batch_size=8, name="beams", start=10, rows=20)
    genstudy.make_specs("t.csv", "campaign", options)
    code, output, _ = run_cli("plot", "campaign", "-o", "c.svg")
    assert (code, output.splitlines()[0]) == (0, "c.svg: 20 rows, 3 columns")
    assert texts(in_tmp / "c.svg")[0] == "campaign beams: 20 rows, design sobol, seed 1"
    code, _, message = run_cli("plot", "campaign", "--columns", "widht")
    assert code == 2
    assert "has no column 'widht' (did you mean 'width'?)" in message


@pytest.mark.parametrize("rows", [None, 20])
@pytest.mark.usefixtures("table")
def test_a_table_that_changed_since_is_not_the_campaign_s(
    in_tmp: Path, run_cli: RunCli, rows: int | None
) -> None:
    genstudy.make_specs("t.csv", "campaign", genstudy.Options(batch_size=8, name="beams", rows=rows))
    path = in_tmp / "campaign/table.csv"
    path.write_text(path.read_text().replace("steel", "stone"))
    code, _, message = run_cli("plot", "campaign")
    assert (code, "it changed since the campaign was made" in message) == (2, True)
    assert not (in_tmp / "beams.png").exists()


def test_a_query(in_tmp: Path, run_cli: RunCli) -> None:
    with sqlite3.connect(in_tmp / "d.db") as database:
        database.execute("CREATE TABLE t (a REAL, b TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", [(n / 7, "xy"[n % 2]) for n in range(50)])
    code, out, err = run_cli("plot", "--query", "SELECT a, b FROM t", "--db", "sqlite:///d.db", "-o", "q.svg")
    assert (code, out.splitlines()[0], err) == (0, "q.svg: 50 rows, 2 columns", "")
    assert texts(in_tmp / "q.svg")[0] == "a query: 50 rows"
    assert run_cli("plot", "--query", "SELECT a FROM t", "--db", "sqlite:///d.db")[0] == 0
    assert (in_tmp / "query.png").exists()


@pytest.mark.usefixtures("in_tmp")
def test_more_columns_than_can_be_shown(run_cli: RunCli) -> None:
    run_cli("csv", "--params", "300", "-n", "30", "--seed", "1", "-o", "wide.parquet")
    _, out, err = run_cli("plot", "wide.parquet", "-o", "w.svg")
    assert out.splitlines()[0] == "w.svg: 30 rows, 300 columns"
    note = "the first 8 of 300 columns are drawn against each other, and 252 are not shown"
    assert err == f"note: {note}; --columns a,b,c chooses others\n"
    shown = texts(Path("w.svg"))
    assert {"param1", "param8", "param9", "param48"} <= set(shown)
    assert "param49" not in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is no table\n  name one, or pass --query and --db"),
        (["none.csv"], "none.csv: there is no such table\n  tables there: t.csv"),
        (["t.txt"], "t.txt: this is not a table\n"),
        (["."], ".: not a campaign: it holds no manifest.json\n  genstudy specs makes one"),
        (["t.csv", "-o", "d.pdf"], "d.pdf: this is no name for a picture\n  name it with one of .png, .svg"),
        (["t.csv", "-o", "old.png"], "old.png: the file exists already\n"),
        (["t.csv", "-o", "no/d.png"], "no/d.png: the folder no does not exist\n  make it first: mkdir -p no"),
        (
            ["t.csv", "--columns", "widht"],
            "t.csv: the table has no column 'widht' (did you mean 'width'?)\n  its columns are: id, width,",
        ),
        (["t.csv", "--columns", "width,width"], "t.csv: the column 'width' is chosen twice"),
        (["t.csv", "--columns", "width,,height"], "--columns has an empty name\n"),
        (["t.csv", "--columns", ""], "--columns has an empty name\n"),
        (["t.csv", "--db", "sqlite:///d.db"], "--db is for --query\n"),
    ],
)
@pytest.mark.usefixtures("table")
def test_a_mistake_is_one_message_and_changes_nothing(
    arguments: list[str], message: str, in_tmp: Path, run_cli: RunCli
) -> None:
    (in_tmp / "old.png").write_text("mine")
    before = sorted(in_tmp.iterdir())
    code, out, err = run_cli("plot", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"genstudy: {message}")
    assert sorted(in_tmp.iterdir()) == before
    assert (in_tmp / "old.png").read_text() == "mine"


@pytest.mark.usefixtures("table")
def test_force_replaces_a_picture(in_tmp: Path, run_cli: RunCli) -> None:
    (in_tmp / "t.png").write_text("mine")
    assert run_cli("plot", "t.csv", "--force")[0] == 0
    assert pixels(in_tmp / "t.png") == (1040, 1166)


@pytest.mark.usefixtures("table")
def test_a_full_disk_leaves_nothing(in_tmp: Path) -> None:
    program = """
import resource, sys
from genstudy.cli.app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
sys.argv = ["genstudy", "plot", "t.csv"]
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("genstudy: t.png: cannot be written: File too large\n")
    assert sorted(path.name for path in in_tmp.iterdir()) == ["t.csv", "t.json"]


@pytest.mark.usefixtures("table")
def test_without_a_home_nothing_is_said(in_tmp: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(in_tmp / "t.csv")}
    done = subprocess.run(
        [sys.executable, "-m", "genstudy", "plot", "t.csv"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, TOLD, "")


def test_csv_draws_its_table(in_tmp: Path, run_cli: RunCli) -> None:
    code, out, err = run_cli("csv", "a", "b=uniform(0, 1)", "-n", "30", "--seed", "1", "--plot")
    assert (code, err) == (0, "")
    assert out == (
        "params.csv: 30 rows, 2 parameters, design random, seed 1\n"
        "  discrepancy 0.00985 (random: 0.013), least distance 0.012, of 30 rows\n"
        "params.png: the design\n"
        "next: genstudy specs params.csv -t echo -b 10\n"
    )
    drawn = (in_tmp / "params.png").read_bytes()
    run_cli("plot", "params.csv", "-o", "again.png")
    assert (in_tmp / "again.png").read_bytes() == drawn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "old.csv"], "old.png: the file exists already\n"),
        (["-o", "t.xlsx"], "t.xlsx: this is no name for a table\n"),
        (["-o", "new.csv", "a=unifrom(0, 1)"], "parameter a: there is no law 'unifrom'"),
    ],
)
def test_csv_refuses_before_it_makes_anything(
    arguments: list[str], message: str, in_tmp: Path, run_cli: RunCli
) -> None:
    (in_tmp / "old.png").write_text("mine")
    code, out, err = run_cli("csv", "--plot", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"genstudy: {message}")
    assert [path.name for path in in_tmp.iterdir()] == ["old.png"]


def test_csv_on_stdout_has_no_picture(in_tmp: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genstudy", "csv", "-o", "-", "--plot"],
        capture_output=True,
        text=True,
        check=False,
    )
    message = "genstudy: --plot is for a table in a file\n  name one: -o params.csv\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    assert list(in_tmp.iterdir()) == []


def test_csv_replaces_a_picture_when_forced(in_tmp: Path, run_cli: RunCli) -> None:
    (in_tmp / "params.png").write_text("mine")
    assert run_cli("csv", "a", "--plot", "--force")[0] == 0
    assert pixels(in_tmp / "params.png")[0] == 1040


@pytest.mark.parametrize(("arguments", "drawn"), [((), "False"), (("--plot",), "True")])
def test_matplotlib_is_imported_to_draw_alone(arguments: tuple[str, ...], drawn: str, in_tmp: Path) -> None:
    program = f"""
import sys
from genstudy.cli.app import main
sys.argv = ["genstudy", "csv", "a", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code
print("matplotlib" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=in_tmp
    )
    assert done.stdout.splitlines()[-1] == drawn
