"""The demo, as a newcomer runs it, and the command line as a program of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from genstudy import demo
from genstudy.errors import RunError

if TYPE_CHECKING:
    from tests.conftest import RunCli

GENSTUDY = [sys.executable, "-m", "genstudy"]


def test_demo_runs_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli("demo")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "table    genstudy-demo/params.csv: 12 rows of width, height, material"
    assert [line.split()[0] for line in lines[8:20]] == [str(row) for row in range(12)]
    assert lines[-2] == "12 of 12 rows ran, each once, each with the values of the table."
    for line in lines[8:20]:
        row, batch, *values, workspace = line.split()
        printed = next(Path(workspace).glob("*.out")).read_text()
        assert printed.lower().replace(": ", "=").split() == values
        assert Path(workspace).name == f"row_{row}"
        assert f"demo_{batch}" in workspace


def test_demo_again_and_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "genstudy-demo").mkdir()
    code, out, err = run_cli("demo")
    assert (code, out) == (2, "")
    assert err.startswith("genstudy: genstudy-demo: the folder exists already\n")
    assert run_cli("demo", "-o", "other")[0] == 0


def test_rows_that_fail_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env"))
    (tmp_path / "env").write_text("exit 3\n")
    with pytest.raises(RunError, match=r"12 of 12 rows failed\n  genstudy status .* --failed shows why"):
        demo.run_demo(tmp_path / "demo", lambda _: None)
    assert (tmp_path / "demo/specs/runs/demo_0000.1.log").stat().st_size > 0


def test_a_row_that_printed_something_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env"))
    (tmp_path / "env").write_text("echo something else\n")
    with pytest.raises(RunError, match=r"row 0 printed .'something else', "):
        demo.run_demo(tmp_path / "demo", lambda _: None)


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    script = f"'{sys.executable}' -m genstudy templates show pipeline | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout in {"0\n", "1\n"}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["csv", "--help"], ["schema", "manifest"]])
def test_what_needs_no_files(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run([*GENSTUDY, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    assert not list(tmp_path.iterdir())
