"""Chosen rows of a batch, with plain Maestro: by ROWS, in a specification made over, in an inline one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from genstudy.specs.bake import pargs_of
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.specs.rebake import Part, inline_subset, rebake
from genstudy.tables.freeze import Slice

from .conftest import Maestro, values_template, values_written, write_table

ROWS = [["1", "x y"], ["2", "it's"], ["1", "x y"], ["3", "é"], ["4", "$(date)"], ["5", "a,b"]]


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign of six rows, two of them alike, in batches of three."""
    table = write_table(tmp_path / "table.csv", ["a", "b"], ROWS)
    options = Options(template=values_template(tmp_path), batch_size=3, name="study")
    return make_specs(table, tmp_path / "specs", options).folder


@pytest.mark.parametrize("form", ["text", "file"])
def test_rows_of_a_batch(campaign: Path, tmp_path: Path, maestro: Maestro, form: str) -> None:
    (tmp_path / "some: rows").write_text("3,5\n")
    rows = "3,5" if form == "text" else "@some: rows"
    options = ("--pargs", f"ROWS:{rows}")
    maestro.run(campaign / "study_0001.yaml", campaign / "pgen.py", tmp_path / "out", *options)
    assert values_written(tmp_path / "out") == {"3": ROWS[3], "5": ROWS[5]}
    assert {path.name for path in (tmp_path / "out/values").iterdir()} == {"row_3", "row_5"}


def test_rows_of_a_table_by_hand(campaign: Path, tmp_path: Path, maestro: Maestro) -> None:
    options = ("--pargs", "CSV:table.csv", "--pargs", "ROWS:0,2-3,5")
    maestro.run(campaign / "study_0001.yaml", campaign / "pgen.py", tmp_path / "out", *options)
    assert values_written(tmp_path / "out") == {str(row): ROWS[row] for row in (0, 2, 3, 5)}


def test_rows_of_another_batch_end_maestro(campaign: Path, tmp_path: Path, maestro: Maestro) -> None:
    spec, pgen = campaign / "study_0001.yaml", campaign / "pgen.py"
    done = maestro("run", "-fg", "-y", "-o", tmp_path / "out", spec, "-p", pgen, "--pargs", "ROWS:2-3")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "pgen: ROWS names row 2, and this specification has rows 3 to 5\n" in done.stderr


def test_a_specification_made_over(campaign: Path, tmp_path: Path, maestro: Maestro) -> None:
    again = write_table(
        campaign / "again.csv", ["row", "a", "b"], [[str(row), *ROWS[row]] for row in (1, 2, 5)]
    )
    data = again.read_bytes()
    cut = Slice(
        start=0,
        nrows=3,
        offset=len(b"row,a,b\n"),
        nbytes=len(data) - len(b"row,a,b\n"),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    pargs = pargs_of(cut, csv="$(SPECROOT)/again.csv", index="row", shared=[], unsafe=False)
    text = (campaign / "study_0000.yaml").read_text()
    made = rebake(text, old_name="study_0000", new_name="study_0002", pargs=pargs)
    (campaign / "study_0002.yaml").write_text(made)
    maestro.run(campaign / "study_0002.yaml", campaign / "pgen.py", tmp_path / "out")
    assert values_written(tmp_path / "out") == {str(row): ROWS[row] for row in (1, 2, 5)}
    options = ("--pargs", "ROWS:1")
    maestro.run(campaign / "study_0002.yaml", campaign / "pgen.py", tmp_path / "one", *options)
    assert values_written(tmp_path / "one") == {"2": ROWS[2]}, "counted in the table it has now"


INLINE = """\
description: {name: "{{ batch.name }}", description: inline}
study:
    - name: values
      description: write the values
      run:
          cmd: |
              printf '%s\\0' $(ROW_ID) $(A) > values.bin
"""


def test_rows_of_inline_specifications(tmp_path: Path, maestro: Maestro) -> None:
    values = ["1", "010", "1", "no", "1"]
    table = write_table(tmp_path / "t.csv", ["a"], [[value] for value in values])
    (tmp_path / "inline.yaml").write_text(INLINE)
    options = Options(template=tmp_path / "inline.yaml", inline=True, batch_size=3)
    folder = make_specs(table, tmp_path / "specs", options).folder
    parts = [
        Part(text=(folder / f"t_000{number}.yaml").read_text(), name=f"t_000{number}", places=places)
        for number, places in enumerate(([1, 2], [1]))
    ]
    (folder / "t_0002.yaml").write_text(inline_subset(parts, name="t_0002", shared=()))
    maestro.run(folder / "t_0002.yaml", None, tmp_path / "out")
    assert values_written(tmp_path / "out") == {str(row): [values[row]] for row in (1, 2, 4)}
