"""`genstudy build` and `genstudy init`."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from genstudy import build_study, init_study
from genstudy.cli.build import build_command
from genstudy.studies.model import Study
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_tmp")

TEXT = "parameters:\n  a: uniform(0, 1)\n  b: [x, y]\nrows: 10\nseed: 5\nbatch_size: 4\n"


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_init_and_build(run_cli: RunCli) -> None:
    assert run_cli("init") == (
        0,
        "study.yaml: a study file to change; then: genstudy build study.yaml\n",
        "",
    )
    assert run_cli("build", "study.yaml", "-o", "out", "--dry-run") == (
        0,
        (
            "out would hold 4 batches of at most 25 rows: rows 0 to 99 of study.yaml, template echo\n"
            "  study_0000.yaml  rows 0 to 24\n  study_0001.yaml  rows 25 to 49\n"
            "  study_0002.yaml  rows 50 to 74\n  study_0003.yaml  rows 75 to 99\n"
        ),
        "",
    )
    assert run_cli("build", "study.yaml") == (
        0,
        (
            "study holds 4 batches of at most 25 rows: rows 0 to 99 of study.yaml, template echo\n"
            "run one:  maestro run study/study_0000.yaml --pgen study/pgen.py\n"
            "run all:  genstudy run study\n"
        ),
        "",
    )
    assert sorted(path.name for path in Path().iterdir()) == ["study", "study.yaml"]


def test_init_keeps_what_is_there(run_cli: RunCli) -> None:
    Path("mine.yaml").write_text("mine")
    assert run_cli("init", "mine.yaml") == (
        2,
        "",
        "genstudy: mine.yaml: the file exists already\n  pass --force to replace it, or another -o\n",
    )
    assert Path("mine.yaml").read_text() == "mine"
    assert run_cli("init", "mine.yaml", "--force")[0] == 0
    assert Path("mine.yaml").read_text() == init_study("other.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "settings", "parameters"),
    [
        ([], {}, []),
        (["--name", "beam"], {"name": "beam"}, []),
        (["--design", "lhs"], {"design": "lhs"}, []),
        (["-n", "5"], {"rows": 5}, []),
        (["--num-values", "5"], {"rows": 5}, []),
        (["--rows", "5"], {"rows": 5}, []),
        (["--seed", "6"], {"seed": 6}, []),
        (["-i", "run"], {"index": "run"}, []),
        (["--round", "2"], {"round": 2}, []),
        (["--where", "a < 0.5", "--where", "a > 0.1"], {"where": ["a < 0.5", "a > 0.1"]}, []),
        (["--derive", "c = a * 2"], {"derive": {"c": "a * 2"}}, []),
        (["--unique"], {"unique": True}, []),
        (
            ["-t", "command", "--set", "command=ls"],
            {"template": "command", "set": {"command": "ls"}},
            [],
        ),
        (["-b", "3"], {"batch_size": 3}, []),
        (["--batches", "3"], {"batches": 3}, []),
        (["--inline"], {"inline": True}, []),
        (["--allow-missing"], {"allow_missing": True}, []),
        (["--allow-unsafe-values"], {"allow_unsafe_values": True}, []),
        (["b=const(3)", "c"], {}, ["b=const(3)", "c"]),
    ],
)
def test_the_api_makes_the_same(
    run_cli: RunCli, arguments: list[str], settings: dict[str, object], parameters: list[str]
) -> None:
    Path("s.yaml").write_text(TEXT)
    code, _, err = run_cli("build", "s.yaml", *arguments, "-o", "cli")
    assert (code, err) == (0, "")
    build_study("s.yaml", parameters=parameters, settings={**settings, "output": "api"})
    assert contents("cli") == contents("api")


def test_an_option_turns_a_key_off(run_cli: RunCli) -> None:
    Path("s.yaml").write_text(TEXT + "inline: true\nunique: true\n")
    assert run_cli("build", "s.yaml", "--no-inline", "--no-unique")[0] == 0
    assert Path("s/pgen.py").is_file()


def test_every_key_has_an_option() -> None:
    twins = {"round": "digits", "set": "settings", "groups": "group"}
    options = set(inspect.signature(build_command).parameters)
    keys = {twins.get(key, key) for key in Study.model_fields} - {"run", "results"}
    assert keys | {"study", "dry_run", "force", "job"} == options


def test_notes_go_to_stderr(run_cli: RunCli) -> None:
    Path("s.yaml").write_text(TEXT.replace("rows: 10", "rows: 10\ndesign: sobol"))
    code, out, err = run_cli("build", "s.yaml")
    assert (code, len(out.splitlines())) == (0, 3)
    assert err.startswith("note: ")


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        (["b=a", "b=2*a"], "--derive 'b=2*a': the name 'b' is given twice"),
        (["c"], "--derive 'c': "),
        (["c==a"], "--derive 'c==a': "),
        (["c d = a"], "--derive 'c d = a': "),
        (["c ="], ""),
    ],
)
def test_derivations_that_are_none(run_cli: RunCli, derive: list[str], message: str) -> None:
    Path("s.yaml").write_text(TEXT)
    code, out, err = run_cli("build", "s.yaml", *(word for text in derive for word in ("--derive", text)))
    assert (code, out) == (2, "")
    assert err.startswith(f"genstudy: {message}")
    assert sorted(path.name for path in Path().iterdir()) == ["s.yaml"]
