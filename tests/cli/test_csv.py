"""`genstudy csv` as a person runs it: exit codes, all of stdout, all of stderr."""

import os
import pty
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from genstudy.cli.csv import has_bar
from genstudy.designs.kinds import KINDS
from genstudy.tables.record import read_record
from tests.conftest import RunCli

GENSTUDY = (sys.executable, "-m", "genstudy", "csv")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def run(
    *arguments: str, cwd: Path, stdout: int = subprocess.PIPE, largest: int | None = None
) -> tuple[int, str, str]:
    """Run the command in a process of its own; `largest` limits the size of files that it may write."""

    def limit() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    done = subprocess.run(
        [*GENSTUDY, *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    return done.returncode, done.stdout or "", done.stderr


def test_defaults(in_tmp: Path, run_cli: RunCli) -> None:
    told = """params.csv: 20 rows, 3 parameters, design random, seed 1
  discrepancy 0.0144 (random: 0.0341), least distance 0.089, of 20 rows
next: genstudy specs params.csv -t echo -b 10
"""
    assert run_cli("csv", "--seed", "1") == (0, told, "")
    lines = (in_tmp / "params.csv").read_text().splitlines()
    assert lines[:3] == ["param1,param2,param3", "15,29,38", "98,30,27"]
    assert len(lines) == 21
    assert sorted(file.name for file in in_tmp.iterdir()) == ["params.csv", "params.json"]


def test_names_laws_and_options(in_tmp: Path, run_cli: RunCli) -> None:
    code, out, err = run_cli(
        "csv", "a=uniform(0, 1)", "b", "-n", "5", "-i", "row", "--round", "2", "--where", "a < 0.5",
        "--where", "b > 3", "--derive", "s = a + b", "--derive", "t=s*2", "--unique", "--seed", "4",
        "-o", "t.csv.gz", "--design", "lhs",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "t.csv.gz: 5 rows, 2 parameters, design lhs, seed 4"
    record = read_record(in_tmp / "t.csv.gz")
    assert record is not None
    assert record.columns == ("row", "a", "b", "s", "t")
    assert (record.where, record.unique, record.digits) == (("a < 0.5", "b > 3"), True, 2)
    assert record.derive == (("s", "a + b"), ("t", "s*2"))


def test_numbered_parameters_and_one_row(in_tmp: Path, run_cli: RunCli) -> None:
    code, out, _ = run_cli("csv", "--params", "12", "--num-values", "1", "--seed", "1")
    assert (code, out.splitlines()[0]) == (0, "params.csv: 1 row, 12 parameters, design random, seed 1")
    assert (in_tmp / "params.csv").read_text().split("\n")[0] == ",".join(f"param{n}" for n in range(1, 13))


def test_a_drawn_seed_is_told(in_tmp: Path, run_cli: RunCli) -> None:
    _, out, _ = run_cli("csv", "a")
    found = re.match(r"params.csv: 20 rows, 1 parameter, design random, seed (\d+)\n", out)
    record = read_record(in_tmp / "params.csv")
    assert found is not None
    assert record is not None
    assert int(found[1]) == record.seed


def test_a_grid(in_tmp: Path, run_cli: RunCli) -> None:
    code, out, err = run_cli("csv", "a=int(1,2)", "b=choice(x,y)", "--design", "grid")
    assert (code, err) == (0, "")
    assert out.startswith("params.csv: 4 rows, 2 parameters, design grid\n")
    assert (in_tmp / "params.csv").read_text() == "a,b\n1,x\n1,y\n2,x\n2,y\n"


OF_TWO = (
    "2 rows, 1 parameter, design grid\n  discrepancy 0.0208 (random: 0.0833), least distance 0.5, of 2 rows\n"
)


@pytest.mark.usefixtures("in_tmp")
def test_debug_prints_the_rows(run_cli: RunCli) -> None:
    _, out, err = run_cli("csv", "a=int(1,2)", "--design", "grid", "-d")
    assert err == ""
    told = f"params.csv: {OF_TWO}next: genstudy specs params.csv -t echo -b 10\n"
    assert out == "a\n1\n2\n" + told


def test_csv_on_stdout_leaves_no_file(tmp_path: Path) -> None:
    arguments = ("a=int(1,2)", "--design", "grid", "-o", "-")
    assert run(*arguments, cwd=tmp_path) == (0, "a\n1\n2\n", f"stdout: {OF_TWO}")
    shown = f"a\n1\n2\nstdout: {OF_TWO}"
    assert run(*arguments, "-d", cwd=tmp_path) == (0, "a\n1\n2\n", shown)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("in_tmp")
def test_a_note_about_sobol(run_cli: RunCli) -> None:
    code, _, err = run_cli("csv", "a", "--design", "sobol", "--seed", "1")
    assert (code, err) == (
        0, "note: a sobol sequence is balanced where its rows are a power of 2; 20 is none\n"
    )  # fmt: skip


ERRORS = {
    ("-n", "0"): "a table has 1 row or more, not 0\n  pass -n with 1 or more",
    ("-n", "-5"): "a table has 1 row or more, not -5\n  pass -n with 1 or more",
    ("-n", "many"): "-n takes a whole number, not 'many'",
    ("--seed", "-1"): "the seed is -1\n  a seed is a whole number, 0 or more",
    ("--seed", "1.5"): "--seed takes a whole number, not '1.5'",
    ("--round", "99"): "--round takes 0 to 15 decimals, not 99",
    ("--params", "0"): "--params needs at least 1, not 0",
    ("a", "--params", "2"): "--params and names are both given\n  name the columns, or number them",
    ("a", "a"): "the name 'a' is given twice\n  rename one of them",
    ("a", "A"): "the names 'a' and 'A' give the same token $(A)\n  rename one of them",
    ("a", "-i", "a"): "the name 'a' is given twice\n  rename one of them",
    ("workspace",): "the parameter 'workspace' would hide $(WORKSPACE), which has a meaning of its own\n"
    "  rename the parameter",
    ("--design", "latin"): f"there is no design 'latin'\n  designs: {', '.join(KINDS)}",
    ("a=5",): "parameter a: '5' is no law\n    a=5\n      ^\n"
    "  for one value write const(5), for several choice(5, ...)",
    ("-o", "t.xlsx"): "t.xlsx: this is no name for a table\n  name it with one of .csv, .csv.gz, .parquet",
    ("-o", "none/t.csv"): "none/t.json: the folder none does not exist\n  make it first: mkdir -p none",
    ("-o", "old.csv"): "old.csv: the file exists already\n  pass --force to replace it, or another -o",
    ("-o", "other.csv"): "other.json: the table's record belongs here, and another file has the name\n"
    "  take another -o, or pass --force to replace it",
    ("a", "--where", "a <"): "this is no expression: invalid syntax\n    a <\n       ^",
    ("a", "--where", "a"): "this is no condition\n    a\n    ^\n  compare something, as in: a < b",
    ("a", "--derive", "a"): "'a' is no derivation\n  write NAME = EXPRESSION, as area = width * height",
}


@pytest.mark.parametrize("arguments", ERRORS)
def test_a_mistake_is_one_message_and_changes_nothing(
    arguments: tuple[str, ...], in_tmp: Path, run_cli: RunCli
) -> None:
    (in_tmp / "old.csv").write_text("a\n1\n")
    (in_tmp / "other.json").write_text("mine")
    assert run_cli("csv", *arguments) == (2, "", f"genstudy: {ERRORS[arguments]}\n")
    assert {file.name: file.read_text() for file in in_tmp.iterdir()} == {
        "old.csv": "a\n1\n",
        "other.json": "mine",
    }


@pytest.mark.usefixtures("in_tmp")
def test_an_unknown_option_is_a_usage_error(run_cli: RunCli) -> None:
    code, out, err = run_cli("csv", "--sed", "1")
    assert (code, out) == (2, "")
    assert "No such option: --sed" in err


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    for suffix in ("csv", "csv.gz", "parquet"):
        code, out, err = run("a", "-n", "400000", "-o", f"t.{suffix}", cwd=tmp_path, largest=100_000)
        assert (code, out) == (2, "")
        assert err == f"genstudy: t.{suffix}: cannot be written: File too large\n  nothing was left there\n"
    code, out, err = run("a", "--design", "lhs", "-n", "400000", cwd=tmp_path, largest=100_000)
    assert (code, err) == (
        2,
        "genstudy: params.csv: cannot be written: File too large\n  nothing was left there\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rows", ["5", "400000"])
def test_a_full_disk_behind_stdout_is_one_message(rows: str, tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        found = run("a", "-n", rows, "-o", "-", cwd=tmp_path, stdout=full)
    finally:
        os.close(full)
    assert found == (2, "", "genstudy: No space left on device\n")


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(GENSTUDY)} a -n 400000 --seed 1 -o - | head -2; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0] == "a"
    assert done.stdout.splitlines()[2] == "1"
    assert done.stderr == ""


def on_a_terminal(*arguments: str, cwd: Path) -> str:
    """Run the command with a terminal for its stderr and return what was drawn there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*GENSTUDY, *arguments],
        cwd=cwd,
        env=ENVIRONMENT | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            drawn += part
        assert process.wait() == 0
    os.close(ours)
    return drawn.decode()


def test_a_long_table_has_a_progress_bar_on_a_terminal(tmp_path: Path) -> None:
    assert "100%" in on_a_terminal("a", "-n", "1000000", cwd=tmp_path)


def test_a_short_table_has_none(tmp_path: Path) -> None:
    assert on_a_terminal("a", "-n", "20", cwd=tmp_path) == ""
    assert on_a_terminal("a=int(1,9)", "--design", "grid", "-d", "--force", cwd=tmp_path) == ""


def test_there_is_no_progress_bar_in_a_pipe(tmp_path: Path) -> None:
    code, _, err = run("a", "-n", "1000000", cwd=tmp_path)
    assert (code, err) == (0, "")


def test_a_reader_of_shown_rows_that_has_gone_ends_quietly(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(GENSTUDY)} a -n 400000 --seed 1 -d | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("a\n1\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("a -o - >&-", 2, "genstudy: standard output is closed\n"),
        ("a -d >&-", 0, ""),
        ("a 2>&-", 0, ""),
        ("a -o $'\\xff.csv'", 2, "UTF-8"),
        ("a -n 9999999999999999999 --design lhs", 2, "9999999999999999999 rows are too many"),
    ],
)
def test_odd_surroundings_are_no_traceback(arguments: str, code: int, message: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(GENSTUDY)} {arguments}"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    ("output", "following"),
    [
        ("t.csv", "t.csv -t echo -b 10"),
        ("my table.csv", "'my table.csv' -t echo -b 10 --name my_table"),
        ("-x.csv", "./-x.csv -t echo -b 10 --name x"),
        ("ü.csv", "'ü.csv' -t echo -b 10 --name table"),
        ("größe.v2.csv.gz", "'größe.v2.csv.gz' -t echo -b 10 --name gr__e"),
    ],
)
def test_the_next_command_runs_as_it_is(output: str, following: str, run_cli: RunCli) -> None:
    _, out, _ = run_cli("csv", "a", "--seed", "1", f"--output={output}")
    assert out.splitlines()[-1] == f"next: genstudy specs {following}"
    assert run_cli(*shlex.split(out.splitlines()[-1])[2:])[0] == 0


@pytest.mark.parametrize(
    ("terminal", "piped", "debug", "shown"),
    [
        (True, True, False, False),
        (True, False, False, True),
        (False, True, False, True),
        (False, False, True, False),
    ],
)
def test_no_progress_bar_among_rows(
    terminal: bool, piped: bool, debug: bool, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert has_bar(piped=piped, debug=debug) == shown


def test_a_reader_that_has_gone_before_the_last_line_is_no_mishap(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(GENSTUDY)} a | true; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
