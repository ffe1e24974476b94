"""The batching how-to's example, run by hand and with genstudy, by real Maestro."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.docs.blocks import run_page

SAMPLE = Path(__file__).parents[2] / "samples" / "batched_parameters"
BIN = Path(sys.executable).parent
FIRST_THREE = [("94", "71", "72"), ("48", "18", "60"), ("45", "56", "23")]
BY_HAND = (
    'maestro run --dry batched_parameters_demo.yaml --pgen pgen.py --pargs "INDEX:param_combo" '
    '--pargs "CSV:params.csv" --pargs "DEBUG:true" --pargs "NROWS:3"'
)
MAKE = "genstudy specs params.csv -t batched_parameters_demo.yaml -i param_combo -b 3"
PRINTED = re.compile(r"PARAM1: (\d+);  PARAM2: (\d+);  PARAM3: (\d+)")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "sample"))


def run(command: str, folder: Path) -> str:
    """Run a command line as it stands in the sample's README; it must end well."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def combination(text: str) -> tuple[str, ...]:
    [found] = PRINTED.findall(text)
    return tuple(found)


def table_rows() -> list[tuple[str, ...]]:
    with (SAMPLE / "params.csv").open(newline="") as stream:
        return [tuple(row[1:]) for row in list(csv.reader(stream))[1:]]


def test_the_how_tos_own_command_line_gives_its_three_combinations(sample: Path) -> None:
    run(MAKE, sample)
    shutil.copy(sample / "specs" / "pgen.py", sample)

    printed = run(BY_HAND, sample)

    assert "{'param_combo': '2', 'param1': '45', 'param2': '56', 'param3': '23'}" in printed
    # Without -fg Maestro writes the scripts in the background.
    end = time.monotonic() + 60
    pattern = "batched_parameters_demo/*/echo-params/row_2/*.sh"
    while not [script for script in sample.glob(pattern) if script.stat().st_size]:
        assert time.monotonic() < end
        time.sleep(0.05)
    [step] = sample.glob("batched_parameters_demo/*/echo-params")
    assert sorted(path.name for path in step.iterdir()) == ["row_0", "row_1", "row_2"]
    scripts = [next((step / f"row_{row}").glob("*.sh")).read_text() for row in range(3)]
    assert [combination(script) for script in scripts] == FIRST_THREE
    assert not list(step.glob("*/*.out"))


def test_the_specs_give_the_same_three_combinations(sample: Path) -> None:
    run(MAKE, sample)

    run("maestro run --dry -fg -o dry specs/params_0000.yaml --pgen specs/pgen.py", sample)

    step = sample / "dry" / "echo-params"
    assert sorted(path.name for path in step.iterdir()) == ["row_0", "row_1", "row_2"]
    scripts = [next((step / f"row_{row}").glob("*.sh")).read_text() for row in range(3)]
    assert [combination(script) for script in scripts] == FIRST_THREE


def test_all_seven_batches_run_every_row_once(sample: Path) -> None:
    run(MAKE, sample)
    manifest = json.loads((sample / "specs" / "manifest.json").read_text())
    assert [batch["nrows"] for batch in manifest["batches"]] == [3, 3, 3, 3, 3, 3, 2]

    for batch in manifest["batches"]:
        spec, out = f"specs/{batch['spec']}", f"runs/{batch['id']}"
        run(f"maestro run -y -fg -s 0 -o {shlex.quote(out)} {spec} --pgen specs/pgen.py", sample)

    outputs = list(sample.glob("runs/*/echo-params/row_*/*.out"))
    ran = sorted(
        (int(path.parent.name.removeprefix("row_")), combination(path.read_text())) for path in outputs
    )
    assert ran == list(enumerate(table_rows()))


def test_the_readme_shows_what_happens(sample: Path) -> None:
    text = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert f"$ {MAKE}\n" in text
    assert f"$ {BY_HAND}\n" in text
    assert run_page(text, sample) == []


def test_the_specification_has_no_parameters_of_its_own() -> None:
    text = (SAMPLE / "batched_parameters_demo.yaml").read_text()
    assert "global.parameters:" not in text
    assert table_rows()[:3] == FIRST_THREE
    assert len(table_rows()) == 20
