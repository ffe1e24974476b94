"""`genstudy specs`: what it prints, and that it is the API's twin."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from genstudy import Options, make_specs
from genstudy.specs.manifest import read_manifest
from tests.conftest import RunCli

ROWS = "a,b\n1,2\n3,4\n5,6\n7,8\n"


@pytest.fixture(autouse=True)
def table(in_tmp: Path) -> Path:
    path = in_tmp / "t.csv"
    path.write_text(ROWS)
    return path


def names(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_what_it_prints(run_cli: RunCli) -> None:
    assert run_cli("specs", "t.csv", "-b", 3) == (
        0,
        (
            "specs holds 2 batches of at most 3 rows: rows 0 to 3 of t.csv, template echo\n"
            "run one:  maestro run specs/t_0000.yaml --pgen specs/pgen.py\n"
            "run all:  genstudy run specs\n"
        ),
        "",
    )
    assert names("specs") == ["manifest.json", "pgen.py", "t_0000.yaml", "t_0001.yaml", "table.csv"]


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ([], "there is no `maestro` on PATH"),
        (["maestro"], "there is no `conductor` on PATH: `maestro run` would run nothing, and tell nobody"),
        (["maestro", "conductor"], None),
    ],
)
def test_maestro_in_the_background_needs_its_conductor(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, there: list[str], message: str | None
) -> None:
    """Without it, maestro run ends with 0 and nothing runs."""
    Path("bin").mkdir()
    for name in there:
        Path("bin", name).write_text("#!/bin/sh\n")
        Path("bin", name).chmod(0o755)
    monkeypatch.setenv("PATH", str(Path("bin").absolute()))
    code, out, err = run_cli("specs", "t.csv")
    folder = Path(sys.executable).parent
    way_out = f'export PATH="$PATH:{folder}"; genstudy run needs neither'
    assert code == 0
    assert "run one:" in out
    assert err == ("" if message is None else f"genstudy: warning: {message}\n  {way_out}\n")


def test_the_line_that_runs_a_batch_is_quoted_for_the_shell(run_cli: RunCli) -> None:
    _, out, _ = run_cli("specs", "t.csv", "-o", "my specs", "--inline")
    assert out.splitlines()[1:] == [
        "run one:  maestro run 'my specs/t_0000.yaml'",
        "run all:  genstudy run 'my specs'",
    ]


def test_a_dry_run(run_cli: RunCli) -> None:
    assert run_cli("specs", "t.csv", "--batches", 3, "--start", 1, "-o", "out", "--dry-run") == (
        0,
        (
            "out would hold 3 batches of at most 1 row: rows 1 to 3 of t.csv, template echo\n"
            "  t_0000.yaml  row 1\n  t_0001.yaml  row 2\n  t_0002.yaml  row 3\n"
        ),
        "",
    )
    assert names() == ["t.csv"]


def test_a_dry_run_of_many_batches(run_cli: RunCli, table: Path) -> None:
    table.write_text("a\n" + "1\n" * 25)
    _, out, _ = run_cli("specs", "t.csv", "-b", 2, "--dry-run")
    assert out.splitlines()[0] == (
        "specs would hold 13 batches of at most 2 rows: rows 0 to 24 of t.csv, template echo"
    )
    assert out.splitlines()[-2:] == ["  t_0009.yaml  rows 18 to 19", "  ... and 3 more"]


def test_warnings(run_cli: RunCli) -> None:
    Path("x.j2").write_text(
        '{% extends "echo" %}{% block steps %}'
        "    - {name: one, description: x, run: {cmd: 'echo $(A)'}}\n{% endblock %}"
    )
    code, out, err = run_cli("specs", "t.csv", "-t", "x.j2")
    assert (code, err) == (0, "genstudy: warning: no step uses the parameter b\n")
    assert out.startswith("specs holds 1 batch of 4 rows")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], Options()),
        (["-b", "2"], Options(batch_size=2)),
        (["--batch-size", "2"], Options(batch_size=2)),
        (["--batches", "2"], Options(batches=2)),
        (["-t", "command", "--set", "command=ls"], Options(template="command", variables={"command": "ls"})),
        (
            ["--template", "echo", "--set", 'run={"procs": 2}', "--set", "output_path=./1.10"],
            Options(variables={"run": {"procs": 2}, "output_path": "./1.10"}),
        ),
        (["-i", "a"], Options(index="a")),
        (["--index", "a"], Options(index="a")),
        (["--name", "beam"], Options(name="beam")),
        (["--start", "1", "--rows", "2"], Options(start=1, rows=2)),
        (["--inline"], Options(inline=True)),
        (["--reference"], Options(reference=True)),
        (["--allow-missing"], Options(allow_missing=True)),
        (["--allow-unsafe-values"], Options(allow_unsafe_values=True)),
    ],
)
def test_the_api_makes_the_same(run_cli: RunCli, arguments: list[str], options: Options) -> None:
    assert run_cli("specs", "t.csv", "-o", "cli", *arguments)[0] == 0
    campaign = make_specs("t.csv", "api", options)
    assert contents("cli") == contents("api")
    assert read_manifest(Path("cli")) == campaign.manifest


def test_force(run_cli: RunCli) -> None:
    run_cli("specs", "t.csv")
    code, out, err = run_cli("specs", "t.csv")
    assert (code, out) == (2, "")
    assert err == (
        "genstudy: specs: the folder exists already\n  pass --force to replace it, or another -o\n"
    )
    assert run_cli("specs", "t.csv", "--force", "-b", 1)[0] == 0
    assert len(read_manifest(Path("specs")).batches) == 4


def test_missing_cells(run_cli: RunCli, table: Path) -> None:
    table.write_text("a,b\n1,\nnan,2\n")
    assert run_cli("specs", "t.csv")[0] == 2
    assert run_cli("specs", "t.csv", "--allow-missing")[0] == 0
    assert Path("specs/table.csv").read_text() == "a,b\n1,\nnan,2\n"
    assert json.loads(Path("specs/manifest.json").read_text())["settings"]["allow_missing"] is True
