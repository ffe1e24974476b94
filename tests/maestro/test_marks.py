"""The marks of finished steps, with plain Maestro."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genstudy.rendering.marks import MARK_NAME
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options

from .conftest import Maestro, wait_until, write_table


def marks(out: Path) -> set[str]:
    """Return the workspaces of a study that hold a mark."""
    return {str(path.parent.relative_to(out)) for path in out.rglob(MARK_NAME)}


def command(tmp_path: Path, rows: list[str], text: str, **options: object) -> Path:
    """Make a campaign that runs a command for each of these values, and return its folder."""
    table = write_table(tmp_path / "t.csv", ["a"], [[row] for row in rows])
    variables = {"command": text, "style": "positional"}
    made = make_specs(table, tmp_path / "specs", Options(template="command", variables=variables, **options))  # type: ignore[arg-type]
    assert [step.mark for step in made.manifest.steps] == [True]
    return made.folder


@pytest.mark.parametrize("inline", [False, True])
def test_a_row_that_failed_leaves_none(tmp_path: Path, maestro: Maestro, inline: bool) -> None:
    folder = command(tmp_path, ["0", "3", "00"], "cd /; bash -c 'exit $1' --", inline=inline)
    out = tmp_path / 'it\'s "my" $HOME; `runs`'
    pgen: list[str | Path] = [] if inline else ["--pgen", folder / "pgen.py"]
    done = maestro("run", "-fg", "-y", "-s", "0", "-o", out, folder / "t_0000.yaml", *pgen)
    assert done.returncode == 2, done.stderr
    label = "A.{}" if inline else "row_{}"
    assert marks(out) == {f"run/{label.format(row)}" for row in (("0", "00") if inline else (0, 2))}
    states = [line.split(",")[3] for line in (out / "status.csv").read_text().splitlines()[1:]]
    assert sorted(states) == ["FAILED", "FINISHED", "FINISHED"]


def test_a_row_that_succeeds_the_second_time_has_one(tmp_path: Path, maestro: Maestro) -> None:
    text = f"echo x >> tries; test -e {MARK_NAME} && touch early; test $(wc -l < tries) -ge"
    folder = command(tmp_path, ["1", "2", "9"], text)
    out, pgen = tmp_path / "out", folder / "pgen.py"
    maestro("run", "-fg", "-y", "-s", "0", "-a", "2", "-o", out, folder / "t_0000.yaml", "--pgen", pgen)
    assert marks(out) == {"run/row_0", "run/row_1"}
    assert not list(out.rglob("early"))


def test_every_step_of_a_pipeline(tmp_path: Path, maestro: Maestro) -> None:
    table = write_table(tmp_path / "t.csv", ["a"], [["1"], ["2"]])
    variables = {"simulate": "true", "tar": True}
    made = make_specs(table, tmp_path / "specs", Options(template="pipeline", variables=variables))
    assert [(step.name, step.mark, step.before_rows) for step in made.manifest.steps] == [
        ("setup", True, True),
        ("simulate", True, True),
        ("post-process", True, False),
        ("gather", True, False),
        ("pack", True, False),
    ]
    maestro.run(made.folder / "t_0000.yaml", made.folder / "pgen.py", tmp_path / "out")
    rows = {f"{step}/row_{row}" for step in ("simulate", "post-process") for row in (0, 1)}
    assert marks(tmp_path / "out") == {"setup", "gather", "pack", *rows}


def test_rows_that_finished_before_maestro_was_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    folder = command(tmp_path, ["0", "1", "2"], f'run() {{ test $1 = 0 || cat "{tmp_path}/fifo"; }}; run')
    out = tmp_path / "out"
    arguments = ["-o", str(out), str(folder / "t_0000.yaml"), "-p", str(folder / "pgen.py")]
    maestro = subprocess.Popen(
        [sys.executable, "-m", "maestrowf.maestro", "run", "-fg", "-y", "-s", "0", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    writer: list[int] = []
    try:
        wait_until(lambda: opened(tmp_path / "fifo", writer))
    finally:
        maestro.kill()
        maestro.wait()
    assert marks(out) == {"run/row_0"}, "row 1 reads, and row 2 has not begun"
    assert "FINISHED" not in (out / "status.csv").read_text()
    os.close(writer[0])
    wait_until(lambda: marks(out) == {"run/row_0", "run/row_1"})


def opened(fifo: Path, writer: list[int]) -> bool:
    """Open a pipe to write once somebody reads from it."""
    with contextlib.suppress(OSError):
        writer.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    return bool(writer)
