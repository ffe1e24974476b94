"""Tables that get more rows."""

from __future__ import annotations

import gzip
import subprocess
import sys
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.tables import rows
from genstudy.tables.extend import extend_table
from genstudy.tables.make import make_table
from genstudy.tables.record import read_record, record_path

if TYPE_CHECKING:
    from pathlib import Path

    from genstudy.parameters.laws import Parameter

COLUMNS = ("a=uniform(0, 1)", "b=int(0, 9)", "c=choice(x, y, z)")
EXACT = ("random", "sobol", "halton", "saltelli(second_order=true)", "morris(levels=6)")
"""Those after the third have blocks, which no condition takes rows out of."""


def parameters(*texts: str) -> list[Parameter]:
    return [parse_parameter(text) for text in texts or COLUMNS]


def frame(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)


ALIKE: list[dict[str, Any]] = [
    {},
    {"replicates": 3, "index": "i"},
    {"digits": 2, "derive": ["d = a * b"]},
]
FILTERED: list[dict[str, Any]] = [
    {"where": ["a < 0.7"]},
    {"exclude": ["b > a * 10"], "replicates": 2},
    {"correlate": [("a", "b", 0.5)]},
]
WAYS = [*product(EXACT, ALIKE), *product(EXACT[:3], FILTERED)]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize(("design", "options"), WAYS)
def test_the_rows_are_those_of_a_table_made_at_once(
    tmp_path: Path, design: str, suffix: str, options: dict[str, Any]
) -> None:
    table, whole = tmp_path / f"t{suffix}", tmp_path / f"whole{suffix}"
    made = make_table(parameters(), output=table, rows=40, seed=1, design=design, **options)
    before = table.read_bytes()
    extended = extend_table(table, rows=80)
    expected = make_table(parameters(), output=whole, rows=120, seed=1, design=design, **options)
    assert frame(table).equals(frame(whole))
    assert (extended.added, extended.record.rows) == (expected.rows - made.rows, expected.rows)
    assert extended.record.parts == (40, 80)
    assert read_record(table) == extended.record
    if suffix != ".parquet":
        assert table.read_bytes().startswith(before)
    assert extend_table(table, rows=40).record.parts == (40, 80, 40)


@pytest.mark.parametrize(
    ("design", "grown"),
    [
        ("saltelli(blocks=4, second_order=true)", "saltelli(second_order=true)"),
        ("morris(trajectories=3)", "morris"),
        ("sobol", "sobol"),
    ],
)
def test_a_record_says_no_number_of_blocks_that_are_more_by_now(
    tmp_path: Path, design: str, grown: str
) -> None:
    table = tmp_path / "t.csv"
    assert make_table(parameters(), output=table, design=design, seed=1).design == design
    assert extend_table(table, rows=8).record.design == grown
    assert extend_table(table, rows=8).record.design == grown


def test_a_distinct_table_stays_distinct(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    make_table(parameters("a=int(1, 30)"), output=table, rows=10, seed=1, unique=True)
    extend_table(table, rows=20)
    assert sorted(frame(table)["a"].cast(int).to_list()) == list(range(1, 31))


def test_a_latin_hypercube_says_what_it_keeps(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    make_table(parameters("a=uniform(0, 1)", "b=uniform(0, 1)"), output=table, rows=10, seed=1, design="lhs")
    before = table.read_bytes()
    note = extend_table(table, rows=10).note
    assert note == "with 20 rows it is a Latin hypercube again: each of 20 equal parts has a row"
    assert table.read_bytes().startswith(before)
    for name in "ab":
        assert sorted((frame(table)[name].cast(float) * 20).floor().to_list()) == list(range(20))
    note = extend_table(table, rows=7).note
    filled = min(len(set((frame(table)[name].cast(float) * 27).floor().to_list())) for name in "ab")
    assert note == (
        f"of 27 equal parts of a parameter's range, {filled} or more have a row; all would, had the rows "
        "become a multiple of what they were"
    )


@pytest.mark.parametrize("order", [None, "shuffle", "stratified"])
def test_a_grid_gets_the_combinations_of_further_levels(tmp_path: Path, order: str | None) -> None:
    table = tmp_path / "t.csv"
    make_table(parameters("a=int(1, 3)", "b=choice(x, y)"), output=table, design="grid", order=order, seed=1)
    before = table.read_bytes()
    record = extend_table(table, parameters=parameters("a=range(1, 5)", "b=choice(z, y, x)")).record
    assert table.read_bytes().startswith(before)
    rows = frame(table).rows()
    assert len(rows) == len(set(rows)) == 12
    assert set(rows) == set(product("1234", "xyz"))
    assert record.parts == (6, 6)
    assert record.earlier == ((("a", "int(1, 3)"), ("b", "choice(x, y)")),)
    assert record.parameters == (("a", "range(1, 5, 1)"), ("b", "choice(z, y, x)"))
    extend_table(table, parameters=parameters("b=choice(x, y, z, w)"))
    assert set(frame(table).rows()) == set(product("1234", "xyzw"))


def test_a_longer_table_may_go_elsewhere(tmp_path: Path) -> None:
    table, longer = tmp_path / "t.csv", tmp_path / "longer.csv"
    make_table(parameters(), output=table, rows=4, seed=1)
    before = table.read_bytes()
    extend_table(table, rows=3, output=longer)
    assert table.read_bytes() == before
    assert longer.read_bytes().startswith(before)
    assert read_record(longer) is not None
    with pytest.raises(UserError, match="exists"):
        extend_table(table, rows=3, output=longer)


@pytest.mark.parametrize(("suffix", "other"), list(permutations((".csv", ".csv.gz", ".parquet"), 2)))
def test_a_longer_table_keeps_its_format(tmp_path: Path, suffix: str, other: str) -> None:
    table = tmp_path / f"t{suffix}"
    make_table(parameters(), output=table, rows=4, seed=1)
    there = sorted(tmp_path.iterdir())
    with pytest.raises(UserError) as caught:
        extend_table(table, rows=3, output=tmp_path / f"longer{other}")
    assert str(caught.value) == (
        f"{tmp_path / f'longer{other}'}: a longer table begins with the old one, so it is of the same "
        f"format\n  end its name with {suffix}"
    )
    assert sorted(tmp_path.iterdir()) == there


def test_numbers_that_become_texts_keep_their_spelling(tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    make_table(parameters("a=choice(1e-07, 1e+16, 0.5)"), output=table, design="grid")
    assert frame(table)["a"].dtype == pl.Float64
    extend_table(table, parameters=parameters("a=choice(1e-07, 1e+16, 0.5, auto)"))
    assert frame(table)["a"].to_list() == ["1e-07", "1e+16", "0.5", "auto"]


def test_more_replicates_than_a_chunk_has_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, whole = tmp_path / "t.csv", tmp_path / "whole.csv"
    make_table(parameters(), output=whole, rows=5, seed=1, replicates=700, index="i")
    monkeypatch.setattr(rows, "CHUNK_ROWS", (256, 256))
    heights: list[int] = []

    def count(text: str) -> None:
        heights.append(text.count("\n"))

    make_table(parameters(), output=table, rows=2, seed=1, replicates=700, index="i", show=count)
    extend_table(table, rows=3, show=count)
    assert table.read_bytes() == whole.read_bytes()
    assert max(heights) <= 257


def test_an_index_goes_on(tmp_path: Path) -> None:
    table = tmp_path / "t.csv.gz"
    make_table(parameters("a"), output=table, rows=4, seed=1, index="id")
    extend_table(table, rows=3)
    with gzip.open(table, "rt") as lines:
        assert [line.split(",")[0] for line in lines] == ["id", *"0123456"]


@pytest.mark.parametrize(
    ("made", "more", "message"),
    [
        ({}, {}, "t.csv: it is not said how many rows more\n  as in: -n 500"),
        ({}, {"rows": 3, "parameters": ["a=int(1, 2)"]},
         ("parameter a: the laws of a table of the design random stay what they are\n"
          "  say how many rows more: -n 500; only a grid can get more levels")),
        ({"design": "grid"}, {"rows": 3},
         ("t.csv: a grid grows by levels, not by a number of rows\n"
          "  give a parameter more of them, as in 'speed=range(1, 9)'")),
        ({"design": "grid"}, {"parameters": ["b=int(1, 3)"]}, "there is no parameter 'b'"),
        ({"design": "grid"}, {"parameters": ["a=int(1, 3)"]}, "t.csv: no parameter has a level that is new"),
        ({"design": "grid"}, {"parameters": ["a=int(2, 9)"]},
         "a has lost the level 1\n  a grid that grows keeps the levels that it has"),
        ({"design": "lhs", "where": ["a < 3"]}, {"rows": 3},
         ("t.csv: a Latin hypercube of which conditions took rows away cannot be extended\n"
          "  random, sobol and halton can")),
        ({"design": "saltelli", "replicates": 2}, {"rows": 4},
         "t.csv: 4 rows are no whole blocks: a block of this table has 3\n  pass -n 3 or 6"),
        ({"design": "saltelli"}, {"rows": 2},
         "t.csv: 2 rows are no whole blocks: a block of this table has 3\n  pass -n 3"),
        ({"design": "oat"}, {"rows": 3},
         ("t.csv: the design oat cannot be extended: it is whole as it is\n"
          "  take replicates, or make another table")),
    ],
)  # fmt: skip
def test_what_cannot_be_extended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "t.csv"
    rows = None if made.get("design") in {"grid", "oat", "saltelli"} else 10
    make_table(parameters("a=int(1, 3)"), output=table, rows=rows, seed=1, **made)
    before = table.read_bytes(), record_path(table).read_bytes()
    more = {**more, "parameters": parameters(*more["parameters"])} if "parameters" in more else more
    with pytest.raises(UserError) as caught:
        extend_table(table, **more)
    assert str(caught.value).replace(f"{tmp_path}/", "") == message
    assert (table.read_bytes(), record_path(table).read_bytes()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "t.json"]


DYING = """
import os, sys
from pathlib import Path
left = int(sys.argv[2])
def dying(real):
    def do(*arguments, **options):
        global left
        if not left:
            os._exit(9)
        left -= 1
        return real(*arguments, **options)
    return do
for name in ("replace", "rename", "unlink"):
    setattr(Path, name, dying(getattr(Path, name)))
from genstudy.tables.extend import extend_table
extend_table(Path(sys.argv[1]), rows=5)
"""


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_has_its_record_wherever_an_extension_dies(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole{suffix}"
    make_table(parameters(), output=whole, rows=9, seed=1)
    lengths = []
    for left in range(9):
        table = tmp_path / f"t{left}{suffix}"
        make_table(parameters(), output=table, rows=4, seed=1)
        code = subprocess.run([sys.executable, "-c", DYING, table, str(left)], check=False).returncode
        record = read_record(table)
        assert record is not None
        assert record.rows == frame(table).height
        lengths.append((code, record.rows))
        if record.rows == 4:
            extend_table(table, rows=5)
        assert frame(table).equals(frame(whole))
        assert read_record(table).parts == (4, 5)  # type: ignore[union-attr]
        if code == 0:
            break
    assert lengths[0] == (9, 4)
    assert lengths[-1] == (0, 9)
    assert len(lengths) > 2


def test_a_table_without_its_record_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    make_table(parameters(), output=table, rows=4, seed=1)
    with table.open("ab") as stream:
        stream.write(b"0.5,1,x\n")
    with pytest.raises(UserError, match="no record of how it was made"):
        extend_table(table, rows=1)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        extend_table(tmp_path / "t.csv", rows=3)
    assert str(caught.value) == f"{tmp_path / 't.csv'}: there is no such table\n  genstudy csv makes one"


def test_a_table_whose_last_row_was_edited_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    make_table(parameters(), output=table, rows=4, seed=1)
    lines = table.read_bytes().splitlines(keepends=True)
    edited = b"".join([*lines[:-1], lines[-1][:2] + b"9" + lines[-1][3:]])
    assert len(edited) == table.stat().st_size
    table.write_bytes(edited)
    with pytest.raises(UserError, match="its last row is not the one that its record makes"):
        extend_table(table, rows=1)
    assert table.read_bytes() == edited
