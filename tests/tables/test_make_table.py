"""The one call that makes a table: what it writes, what it filters, what it refuses."""

import csv
import gzip
import io
import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import genstudy
from genstudy.designs.choose import DESIGNS
from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.parameters.laws import Parameter
from genstudy.tables import rows as rows_module
from genstudy.tables.make import make_table
from genstudy.tables.record import TableRecord, read_record


def parameters(*texts: str) -> list[Parameter]:
    return [parse_parameter(text) for text in texts]


def made(*texts: str, **options: Any) -> list[dict[str, str]]:
    """Make a table and return its rows as text."""
    stream = io.BytesIO()
    make_table(parameters(*texts), output=stream, **{"seed": 1, **options})
    return list(csv.DictReader(io.StringIO(stream.getvalue().decode())))


def refused(*texts: str, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        made(*texts, **options)
    return str(caught.value)


def test_twenty_rows_unless_told() -> None:
    rows = made("a", "b=uniform(0, 1)")
    assert len(rows) == 20
    assert list(rows[0]) == ["a", "b"]
    assert all(0 <= int(row["a"]) <= 100 and 0 <= float(row["b"]) < 1 for row in rows)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("design", ["random", "lhs", "sobol", "halton", "grid"])
def test_the_same_seed_gives_the_same_bytes(design: str, suffix: str, tmp_path: Path) -> None:
    laws = parameters("a=int(0, 9)", "b=linspace(0, 1, 5)", "c=choice(x, 'y,z', 010)")
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / f"t{suffix}"
        make_table(laws, output=path, design=design, seed=3, index="row", derive=["d = a * b"], digits=3)
        found.append((path.read_bytes(), (tmp_path / folder / "t.json").read_bytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("design", ["random", "lhs", "sobol", "halton"])
def test_another_seed_gives_other_values(design: str) -> None:
    assert made("a=uniform(0, 1)", design=design) != made("a=uniform(0, 1)", design=design, seed=2)


@pytest.mark.parametrize("design", ["random", "lhs", "sobol", "halton", "grid"])
@pytest.mark.parametrize("where", [(), ("a < b",)])
def test_the_size_of_chunks_changes_nothing(
    design: str, where: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"design": design, "where": where, "index": "i", "derive": ["s = a + b"]}
    if design != "grid":
        options["rows"] = 300
    whole = made("a=int(0, 19)", "b=int(0, 19)", **options)
    monkeypatch.setattr(rows_module, "CHUNK_CELLS", 14)
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", (1, 2**17))
    assert made("a=int(0, 19)", "b=int(0, 19)", **options) == whole


def test_formats_hold_the_same_table(tmp_path: Path) -> None:
    laws = parameters("a", "b=normal(0, 1)", "c=choice(x, 'y,\"z', '')", "d=const(7)", "e=choice(1.5, 2.5)")
    for suffix in (".csv", ".csv.gz", ".parquet"):
        (tmp_path / suffix[1:]).mkdir()
        make_table(laws, output=tmp_path / suffix[1:] / f"t{suffix}", seed=1, rows=50)
    text = (tmp_path / "csv" / "t.csv").read_bytes()
    assert gzip.decompress((tmp_path / "csv.gz" / "t.csv.gz").read_bytes()) == text
    frame = pl.read_parquet(tmp_path / "parquet" / "t.parquet")
    assert frame.write_csv().encode() == text
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.String, pl.Int64, pl.Float64]


def test_gzip_has_no_name_and_no_time(tmp_path: Path) -> None:
    make_table(parameters("a"), output=tmp_path / "t.csv.gz", seed=1)
    assert (tmp_path / "t.csv.gz").read_bytes()[3:8] == bytes(5)


def test_parquet_keeps_texts_that_are_no_canonical_numbers(tmp_path: Path) -> None:
    laws = parameters("a=choice(010, 11)", "b=choice(1.10, 2.5)", "c=choice(1e3, 2)", "d=choice(1, x)")
    make_table(laws, output=tmp_path / "t.parquet", seed=1)
    frame = pl.read_parquet(tmp_path / "t.parquet")
    assert frame.dtypes == [pl.String] * 4
    assert set(frame["a"]) == {"010", "11"}


def test_texts_stand_as_they_were_typed() -> None:
    rows = made("a=choice(010, 1.10, no)", "b=const('1:30:00')", rows=100)
    assert {row["a"] for row in rows} == {"010", "1.10", "no"}
    assert {row["b"] for row in rows} == {"1:30:00"}


def test_the_index_counts_from_0() -> None:
    rows = made("a", index="param_combo", where=["a > 50"], rows=30)
    assert list(rows[0]) == ["param_combo", "a"]
    assert [row["param_combo"] for row in rows] == [str(number) for number in range(30)]


def test_rounding_holds_for_floats_alone() -> None:
    rows = made(
        "a=uniform(0, 1)", "b=choice(0.123456, 7)", "c", digits=2, derive=["d = a / 3", "s = a * 100"]
    )
    for row in rows:
        assert float(row["a"]) == round(float(row["a"]), 2)
        assert float(row["d"]) == round(float(row["a"]) / 3, 2)
        assert row["b"] in {"0.123456", "7"}
        assert "." not in row["c"]


def test_conditions_see_values_as_written() -> None:
    rows = made("a=uniform(0, 1)", digits=1, where=["a == 0.5"], rows=10)
    assert [row["a"] for row in rows] == ["0.5"] * 10


def test_every_row_meets_all_conditions() -> None:
    rows = made("a", "b", "c=choice(x, y)", where=["a < b", "c == 'x'", "a % 2 == 0"], rows=200)
    assert len(rows) == 200
    assert all(int(row["a"]) < int(row["b"]) and row["c"] == "x" for row in rows)
    assert all(int(row["a"]) % 2 == 0 for row in rows)


def test_conditions_take_the_first_rows_that_meet_them() -> None:
    unfiltered = made("a", "b", rows=400)
    kept = [row for row in unfiltered if int(row["a"]) < int(row["b"])]
    assert made("a", "b", rows=50, where=["a < b"]) == kept[:50]


def test_derived_columns_may_use_earlier_ones() -> None:
    rows = made(
        "w=int(1, 9)",
        "h=uniform(1, 2)",
        derive=["area = w * h", "half = area / 2", "size = 'big' if w > 4 else 'small'", "n = w ** 2"],
    )
    assert list(rows[0]) == ["w", "h", "area", "half", "size", "n"]
    for row in rows:
        assert float(row["area"]) == int(row["w"]) * float(row["h"])
        assert float(row["half"]) == float(row["area"]) / 2
        assert row["size"] == ("big" if int(row["w"]) > 4 else "small")
        assert row["n"] == str(int(row["w"]) ** 2)


def test_a_condition_may_use_a_derived_column() -> None:
    rows = made("a", "b", derive=["s = a + b"], where=["s > 150", "a > 10"], rows=30)
    assert len(rows) == 30
    assert all(int(row["s"]) > 150 and int(row["s"]) == int(row["a"]) + int(row["b"]) for row in rows)


def test_words_that_are_numbers_act_as_numbers() -> None:
    rows = made("a=choice(010, 5)", "b=choice(1.50, 2)", derive=["s = a + 1", "t = b * 2"])
    assert {(row["a"], row["s"]) for row in rows} == {("010", "11"), ("5", "6")}
    assert {(row["b"], row["t"]) for row in rows} == {("1.50", "3.0"), ("2", "4.0")}


@pytest.mark.parametrize("design", ["random", "lhs", "sobol"])
def test_unique_rows_are_distinct(design: str) -> None:
    rows = made("a=int(0, 9)", "b=choice(x, y)", rows=20, unique=True, design=design)
    assert len({(row["a"], row["b"]) for row in rows}) == 20


def test_unique_rows_of_many_parameters() -> None:
    names = [f"p{number}=int(0, 1)" for number in range(8)]
    rows = made(*names, rows=256, unique=True)
    assert len({tuple(row.values()) for row in rows}) == 256


def test_unique_looks_at_values_as_written_and_at_parameters_alone() -> None:
    rows = made("a=uniform(0, 1)", rows=9, digits=1, unique=True, index="i", derive=["z = a * 0"])
    assert len({row["a"] for row in rows}) == 9


def test_a_grid_has_every_combination_last_fastest() -> None:
    rows = made("a=int(1, 2)", "b=choice(x, y)", "c=linspace(0, 1, 3)", design="grid")
    expected = itertools.product(["1", "2"], ["x", "y"], ["0.0", "0.5", "1.0"])
    assert [tuple(row.values()) for row in rows] == list(expected)
    assert made("a=int(1, 2)", design="grid", rows=2) == [{"a": "1"}, {"a": "2"}]


def test_a_grid_is_filtered_by_conditions() -> None:
    rows = made("a=int(1, 4)", "b=int(1, 4)", design="grid", where=["a < b"])
    assert [tuple(row.values()) for row in rows] == list(itertools.combinations("1234", 2))


def test_a_filtered_latin_hypercube_goes_on_in_blocks() -> None:
    rows = made("a=int(0, 99)", rows=100, design="lhs", where=["a < 30"])
    # Each block has every value once before the filter.
    assert sorted(int(row["a"]) for row in rows[:30]) == list(range(30))
    assert sorted(int(row["a"]) for row in rows[30:60]) == list(range(30))
    assert rows[:30] != rows[30:60]


def test_progress_and_rows_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", (1, 8))
    steps: list[tuple[int, int]] = []
    shown: list[str] = []
    made("a", index="i", progress=lambda *step: steps.append(step), show=shown.append)
    assert steps == [(8, 20), (16, 20), (20, 20)]
    text = io.BytesIO()
    make_table(parameters("a"), output=text, seed=1, index="i")
    assert "".join(shown) == text.getvalue().decode()
    steps.clear()
    made("a=int(0, 9)", design="grid", where=["a < 3"], progress=lambda *step: steps.append(step))
    assert steps == [(8, 10)]


def test_a_note_for_an_unbalanced_sobol_sequence() -> None:
    notes: list[str] = []
    made("a=uniform(0, 1)", design="sobol", rows=16, note=notes.append)
    made("a=uniform(0, 1)", design="halton", rows=20, note=notes.append)
    assert notes == []
    made("a=uniform(0, 1)", design="sobol", rows=20, note=notes.append)
    assert notes == ["a sobol sequence is balanced where its rows are a power of 2; 20 is none"]


@pytest.mark.filterwarnings("error")
def test_no_warnings_come_from_scipy() -> None:
    made("a=uniform(0, 1)", design="sobol", rows=20)
    made("a=truncnormal(0, 1, -1, 1)", "b=gamma(2)", "c=uniform(0, 1)", where=["0 < c"], derive=["x = 1 / c"])


def test_the_record_says_how(tmp_path: Path) -> None:
    path = tmp_path / "params.csv"
    record = make_table(
        parameters("a", "b=normal(0, 1)"),
        output=path,
        rows=30,
        seed=9,
        index="i",
        digits=3,
        where=["s > 0", "a > 1"],
        derive=["s = a + b"],
        unique=True,
        design="lhs",
    )
    assert read_record(path) == record
    assert record == TableRecord(
        genstudy=genstudy.__version__,
        table="params.csv",
        bytes=path.stat().st_size,
        rows=30,
        columns=("i", "a", "b", "s"),
        index="i",
        design="lhs",
        seed=9,
        parts=(30,),
        parameters=(("a", "int(0, 100)"), ("b", "normal(0, 1)")),
        derive=(("s", "a + b"),),
        where=("s > 0", "a > 1"),
        unique=True,
        digits=3,
        quality=record.quality,
        versions=record.versions,
    )
    assert list(record.versions) == ["python", "numpy", "polars", "scipy"]
    assert "scipy" not in make_table(parameters("a"), output=io.BytesIO()).versions


def test_a_record_makes_the_same_table_again(tmp_path: Path) -> None:
    first = tmp_path / "a.csv"
    record = make_table(parameters("x=lognormal(0, 1)", "y=choice('a b':1, c:2)"), output=first, rows=40)
    assert record.seed is not None
    assert 0 <= record.seed < 2**32
    laws = [Parameter(name=name, law=parse_parameter(f"{name}={law}").law) for name, law in record.parameters]
    again = make_table(laws, output=tmp_path / "b.csv", rows=record.rows, seed=record.seed)
    assert (tmp_path / "b.csv").read_bytes() == first.read_bytes()
    assert again.parameters == record.parameters


def test_a_grid_has_no_seed(tmp_path: Path) -> None:
    record = make_table(parameters("a=int(0, 1)"), output=tmp_path / "t.csv", design="grid", seed=4)
    assert record.seed is None
    assert json.loads((tmp_path / "t.json").read_text())["seed"] is None


def test_a_drawn_seed_differs_each_time() -> None:
    seeds = {make_table(parameters("a"), output=io.BytesIO()).seed for _ in range(5)}
    assert len(seeds) > 1


REFUSED: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
    ((), {}, "there is no parameter\n  name one, such as width=uniform(0, 1)"),
    (("a", "a"), {}, "the name 'a' is given twice\n  rename one of them"),
    (("a", "A"), {}, "the names 'a' and 'A' give the same token $(A)\n  rename one of them"),
    (("a",), {"index": "A"}, "the names 'A' and 'a' give the same token $(A)\n  rename one of them"),
    (("a",), {"rows": 0}, "a table has 1 row or more, not 0\n  pass -n with 1 or more"),
    (("a",), {"seed": -1}, "the seed is -1\n  a seed is a whole number, 0 or more"),
    (("a",), {"digits": 16}, "--round takes 0 to 15 decimals, not 16"),
    (("a",), {"design": "gird"}, ("there is no design 'gird' (did you mean 'grid'?)\n"
     "  designs: " + ", ".join(DESIGNS))),
    (("a=int(1,3)", "b=int(1,2)"), {"design": "grid", "rows": 5},
     ("the design grid has 6 rows, and -n says 5\n"
      "  leave -n away: the parameters say how many rows there are")),
    (("a=int(1,3)",), {"design": "grid", "rows": 3, "where": ["a > 1"]},
     ("the design grid has 3 rows before conditions, and -n says 3\n"
     "  leave -n away: the parameters say how many rows there are")),
    (("a=normal(0,1)",), {"design": "grid"},
     ("the parameter a follows normal(0, 1), which has no levels\n"
     "  give it levels: a=linspace(a, b, n), or take another design")),
    (("a=int(1,3)",), {"design": "grid", "where": ["a > 9"]},
     "none of the 3 rows of the design meets the conditions\n  loosen --where"),
    (("a=int(1,3)", "b=choice(x:1, y:0)"), {"unique": True, "rows": 4},
     ("the laws give 3 distinct rows, and 4 are wanted\n"
     "  pass -n 3 or less, or give the parameters wider laws")),
    (("a",), {"where": ["a > 100"]},
     ("0 of 1048576 rows that were tried meet the conditions, and 20 are wanted\n"
     "  loosen --where, give the parameters wider laws, or take fewer rows")),
    (("a=uniform(0,1)",), {"unique": True, "digits": 0, "rows": 3},
     ("2 of 1048576 rows that were tried are distinct, and 3 are wanted\n"
     "  loosen --where, give the parameters wider laws, or take fewer rows")),
    (("a",), {"where": ["a + 1"]},
     "this is no condition\n    a + 1\n    ^\n  compare something, as in: a < b"),
    (("a",), {"where": ["a = 1"]},
     "this is no expression: = is no comparison\n    a = 1\n      ^\n  write == to compare"),
    (("width",), {"where": ["wdth > 1"]},
     "there is no column 'wdth' (did you mean 'width'?)\n    wdth > 1\n    ^\n  names: width"),
    (("a",), {"derive": ["b = a > 1"]},
     ("a derived column has numbers or texts, and this is a condition\n    a > 1\n    ^\n"
     "  write: b = 1 if a > 1 else 0")),
    (("a",), {"derive": ["A = a"]},
     "--derive 'A = a': the names 'a' and 'A' give the same token $(A)\n  rename one of them"),
    (("a",), {"derive": ["b = a", "b = a"]},
     "--derive 'b = a': the name 'b' is given twice\n  rename one of them"),
    (("a",), {"derive": ["i = a"], "index": "i"},
     "--derive 'i = a': the name 'i' is given twice\n  rename one of them"),
    (("a",), {"derive": ["c = b", "b = a"]},
     "there is no column 'b'\n    b\n    ^\n  names: a"),
    (("a=int(0,3)",), {"derive": ["b = 1 / a"], "design": "grid"},
     ("there is a division by zero in row 0, where a = 0\n    1 / a\n    ^\n"
     "  guard it, as in: b != 0 and a / b > 1, or: a / b if b != 0 else 0")),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "options", "message"), REFUSED)
def test_what_is_refused(texts: tuple[str, ...], options: dict[str, Any], message: str) -> None:
    assert refused(*texts, **options) == message


def test_a_sobol_sequence_ends() -> None:
    assert "the design sobol has 1073741824 points" in refused("a", design="sobol", rows=2**30 + 1)


def test_unique_never_loops_for_ever_on_a_rare_word() -> None:
    assert "are distinct, and 2 are wanted" in refused("a=choice(x:1, y:1e-12)", unique=True, rows=2)


def test_a_file_needs_a_known_suffix(tmp_path: Path) -> None:
    for name in ("t.txt", "t", ".csv"):
        with pytest.raises(
            UserError, match=r"no name for a table\n  name it with one of .csv, .csv.gz, .parquet"
        ):
            make_table(parameters("a"), output=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_table_stays_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    make_table(parameters("a"), output=path, seed=1)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(UserError, match="the file exists already"):
        make_table(parameters("a"), output=path, seed=2)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    make_table(parameters("a"), output=path, seed=2, force=True)
    found = read_record(path)
    assert found is not None
    assert found.seed == 2


def test_a_failing_row_leaves_nothing(tmp_path: Path) -> None:
    for suffix in (".csv", ".csv.gz", ".parquet"):
        with pytest.raises(UserError, match="division by zero"):
            make_table(
                parameters("a=int(0, 9)"), output=tmp_path / f"t{suffix}", rows=200, derive=["b = 1 / a"]
            )
    assert list(tmp_path.iterdir()) == []


def test_a_failing_row_in_a_later_chunk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", (1, 8))
    for suffix in (".csv", ".csv.gz", ".parquet"):
        with pytest.raises(UserError, match="in row 50, where a = 50"):
            make_table(
                parameters("a=int(0, 99)"),
                output=tmp_path / f"t{suffix}",
                design="grid",
                derive=["b = 1 / (a - 50)"],
            )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the folder .* does not exist"):
        make_table(parameters("a"), output=tmp_path / "none" / "t.csv")
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(UserError, match="this is a folder"):
        make_table(parameters("a"), output=tmp_path / "dir.csv")
    long = tmp_path / ("x" * 300 + ".csv")
    with pytest.raises(UserError, match=r"cannot be written: File name too long\n  nothing was left there"):
        make_table(parameters("a"), output=long)


def test_names_beyond_ascii_and_odd_words() -> None:
    rows = made("größe", "b=const('a,\"b''')")
    assert list(rows[0]) == ["größe", "b"]
    assert rows[0]["b"] == "a,\"b'"


def test_many_parameters() -> None:
    rows = made(*(f"p{number}" for number in range(2000)), rows=300)
    assert len(rows) == 300
    assert len(rows[0]) == 2000


def test_infinite_loops_end_for_continuous_conditions() -> None:
    assert "rows that were tried meet the conditions" in refused("a=uniform(0, 1)", where=["a < 0"], rows=3)


def test_values_match_their_law() -> None:
    rows = made("a=uniform(2, 4)", rows=20000)
    mean = math.fsum(float(row["a"]) for row in rows) / 20000
    assert mean == pytest.approx(3, abs=0.02)


def test_unique_ends_where_the_conditions_leave_too_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "FEWEST_TRIED", 10_000)
    message = refused("a=int(0, 99)", "b=int(0, 99)", where=["a < b"], unique=True, rows=5000)
    assert " rows that were tried meet the conditions and are distinct, and 5000 are wanted" in message
    tried = int(message.split(" of ")[1].split()[0])
    assert message.startswith("4950 of ")
    assert tried < 2_000_000


def test_unique_goes_on_until_the_last_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "FEWEST_TRIED", 1000)
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", (1, 1000))
    for seed in range(5):
        rows = made("a=int(0, 59)", "b=int(0, 59)", where=["a < b"], unique=True, rows=1770, seed=seed)
        assert len(rows) == 1770


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_an_error_of_the_shown_rows_is_not_the_tables(suffix: str, tmp_path: Path) -> None:
    def show(_: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        make_table(parameters("a"), output=tmp_path / f"t{suffix}", show=show)
    assert list(tmp_path.iterdir()) == []


def refuse_replacing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the file system refuse to put another file in this one's place."""
    replace = Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if Path(target) == path:
            raise PermissionError(1, "Operation not permitted", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)


def test_a_table_that_cannot_be_replaced_keeps_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    make_table(parameters("a"), output=path, seed=1)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    refuse_replacing(path, monkeypatch)
    with pytest.raises(UserError, match="Operation not permitted\n  what stood there before is still there"):
        make_table(parameters("a"), output=path, seed=2, force=True)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_replaced_record_leaves_nothing_behind(tmp_path: Path) -> None:
    for seed in (1, 2):
        make_table(parameters("a"), output=tmp_path / "t.csv", seed=seed, force=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t.csv", "t.json"]


def test_a_table_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    link, target = tmp_path / "t.csv", tmp_path / "data" / "real.csv"
    link.symlink_to(Path("data") / "real.csv")
    with pytest.raises(UserError, match="the file exists already\n  pass --force to replace it"):
        make_table(parameters("a"), output=link)
    assert not target.exists()
    make_table(parameters("a"), output=link, seed=3, force=True)
    assert link.is_symlink()
    assert sorted(file.name for file in target.parent.iterdir()) == ["real.csv", "real.json"]
    found = read_record(link)
    assert found is not None
    assert found.seed == 3
    with pytest.raises(UserError, match="the file exists already"):
        make_table(parameters("a"), output=link)


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").symlink_to("t.csv")
    for force in (False, True):
        with pytest.raises(UserError):
            make_table(parameters("a"), output=tmp_path / "t.csv", force=force)


def test_a_path_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the path is not valid UTF-8\n  take another -o"):
        make_table(parameters("a"), output=tmp_path / os.fsdecode(b"\xff.csv"))
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_no_row_reaches_is_never_evaluated() -> None:
    assert len(made("a", derive=["b = a if a >= 0 else log(0)"])) == 20
    assert len(made("a", where=["a >= 0 or 1/0 > a"])) == 20
    assert "meet the conditions" in refused("a", where=["a > 200", "a > log(0)"])
