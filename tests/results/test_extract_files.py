"""Results out of CSV files, lines with keys, texts and sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.results import workspace
from tests.results.extracting import extract, from_text, reason

HISTORY = "time, energy ,note\n0,1.5,a\n1,-2.5e3,b\n2,3D+02, c \n"


@pytest.mark.parametrize(
    ("row", "values"),
    [
        ("last", (2.0, 300.0, "c")),
        ("first", (0.0, 1.5, "a")),
        (0, (0.0, 1.5, "a")),
        (1, (1.0, -2500.0, "b")),
        (2, (2.0, 300.0, "c")),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "\n \n\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_row_of_a_csv_file(
    tmp_path: Path, row: object, values: tuple[Any, ...], ending: str, tail: str, mark: str
) -> None:
    text = mark + (HISTORY.rstrip() + tail).replace("\n", ending)
    columns = {"t": "time", "energy": None, "note": {"type": "text"}}
    assert from_text(tmp_path, text, csv="h.csv", row=row, columns=columns) == (values, {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "an empty file"),
        ("\n\n", "an empty file"),
        ("a,b\n", "no rows"),
        ("a,b\n1\n", "a ragged row: 1 cells, and 2 in the header"),
        ("a,b\n1,2,3\n", "a ragged row: 3 cells, and 2 in the header"),
        ("b,c\n1,2\n", "no column a"),
        ("a,a\n1,2\n", "the column a stands twice"),
        ("a,b\n,2\n", "empty"),
        ("a,b\nx,2\n", "not a float: 'x'"),
        ("a,b\nnan,2\n", "NaN"),
        ("a,b\n-inf,2\n", "infinite"),
        ("a,b\n1_000,2\n", "not a float: '1_000'"),
        ("a,b\n٣,2\n", "not a float: '٣'"),
        ('a,b\n"1,2\n', "not CSV: a quote without another"),
        ('a,b\n1",2\n', "not CSV: a quote without another"),
        ('a,b"\n1,2\n', "not CSV: a quote without another"),
        ('a,b\n"1"2,3\n', "not CSV: ',' expected after '\"'"),
    ],
)
def test_csv_files_that_give_nothing(tmp_path: Path, text: str, told: str) -> None:
    for row in ("first", "last", 0):
        found = from_text(tmp_path, text, csv="h.csv", row=row, columns=["a"])
        assert reason(found) == (told if (told, row) != ("no rows", 0) else "no row 0")


def test_a_row_that_is_not_there(tmp_path: Path) -> None:
    assert reason(from_text(tmp_path, HISTORY, csv="h.csv", row=3, columns=["time"])) == "no row 3"


def test_quotes_and_delimiters(tmp_path: Path) -> None:
    columns = {"a": {"key": "a,b", "type": "text"}, "c": {"type": "text"}}
    quoted = '"a,b", c\n" x ""y"" ,z", "w"\n'
    assert from_text(tmp_path, quoted, csv="h.csv", columns=columns).values == ('x "y" ,z', "w")
    for delimiter in (";", "\t", " ", "|"):
        text = delimiter.join(("a,b", "c")) + "\n" + delimiter.join(("x", "y")) + "\n"
        found = from_text(tmp_path, text, csv="h.csv", delimiter=delimiter, columns=columns)
        assert found == (("x", "y"), {})


def test_empty_cells_between_tabs(tmp_path: Path) -> None:
    columns = {"a": None, "c": {"type": "text"}}
    for row in ("first", "last", 0):
        found = from_text(
            tmp_path, "a\tb\tc\n1\t2\t\n \n", csv="h.csv", delimiter="\t", row=row, columns=columns
        )
        assert found == ((1.0, None), {"c": "empty"})


def test_a_cell_that_goes_on_in_the_next_line_is_no_row(tmp_path: Path) -> None:
    columns = {"a": {"type": "text"}, "b": {"type": "text"}}
    for text in ('a,b\n1,"x\ny,2"\n', 'a,b\n"x\ny",2\n'):
        for row in ("first", "last", 0, 1):
            found = from_text(tmp_path, text, csv="h.csv", row=row, columns=columns)
            assert reason(found) == "not CSV: a quote without another"


def test_only_what_is_taken_must_be_utf_8(tmp_path: Path) -> None:
    data = b"a,b\n1,\xff\n"
    columns = {"a": None, "b": {"type": "text"}}
    found = from_text(tmp_path, data, csv="h.csv", columns=columns)
    assert found == ((1.0, None), {"b": "not UTF-8"})


def test_headers_may_differ_from_row_to_row(tmp_path: Path) -> None:
    from genstudy.results.extract import Extractor
    from tests.results.extracting import STEPS, settings

    with Extractor(settings({"csv": "h.csv", "columns": ["a"]}), STEPS, tmp_path) as extractor:
        for number, text in enumerate(("a,b\n1,2\n", "b,a\n1,2\n", "b\n1\n", "a\n4\n")):
            folder = tmp_path / f"row_{number}"
            folder.mkdir()
            (folder / "h.csv").write_text(text)
        found = [extractor.extract({"one": str(tmp_path / f"row_{n}")}).values for n in range(4)]
    assert found == [(1.0,), (2.0,), (None,), (4.0,)]


@given(rows=st.lists(st.tuples(st.integers(), st.text("ab \"',é", max_size=5)), min_size=1), data=st.data())
def test_any_row_that_the_csv_module_wrote(
    tmp_path: Path, rows: list[tuple[int, str]], data: st.DataObject
) -> None:
    import csv

    with (tmp_path / "h.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("n", "text"), *rows])
    place = data.draw(st.integers(0, len(rows) - 1))
    row = data.draw(st.sampled_from([place, *(["last"] if place == len(rows) - 1 else [])]))
    columns = {"n": {"type": "float"}, "text": {"type": "text"}}
    found = extract(tmp_path, {"csv": "h.csv", "row": row, "columns": columns})
    assert found.values == (float(rows[place][0]), rows[place][1].strip() or None)


@pytest.mark.parametrize(("row", "value"), [("first", 0.0), ("last", 299999.0), (250000, 250000.0)])
def test_a_large_csv_file(tmp_path: Path, row: object, value: float) -> None:
    text = "n,x\n" + "".join(f"{number},{number / 7}\n" for number in range(300000))
    assert len(text) > 3 * 2**20
    assert from_text(tmp_path, text, csv="h.csv", row=row, columns=["n"]) == ((value,), {})


def test_a_huge_csv_file_is_read_at_its_ends(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    with path.open("wb") as stream:
        stream.write(b"n,x\n1,2\n")
        stream.truncate(10**12)
        stream.seek(10**12)
        stream.write(b"\n3,4\n")
    assert extract(tmp_path, {"csv": "h.csv", "columns": ["n"]}) == ((3.0,), {})
    assert extract(tmp_path, {"csv": "h.csv", "columns": ["n"], "row": "first"}) == ((1.0,), {})


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    long = "1," + "2" * 2**21
    for row in ("first", "last", 0):
        found = from_text(tmp_path, f"a,b\n{long}\n", csv="h.csv", row=row, columns=["a"])
        assert reason(found) == "a line is longer than 1 MiB"


SUMMARY = """# residual = 5
residual = 1e-3   # final
 max iterations: 12
note: a = b, c:d #1
name=x y
residual = 2e-3
flag: Yes
empty =
"""


def test_lines_with_keys(tmp_path: Path) -> None:
    columns = {
        "residual": None,
        "n": {"key": "max iterations", "type": "int"},
        "note": {"type": "text"},
        "name": {"type": "text"},
        "flag": {"type": "bool"},
    }
    for text in (SUMMARY, SUMMARY.replace("\n", "\r\n"), "\ufeff" + SUMMARY):
        found = from_text(tmp_path, text, keyvalue="s.txt", columns=columns)
        assert found == ((0.002, 12, "a = b, c:d", "x y", True), {})


def test_keys_that_are_not_there(tmp_path: Path) -> None:
    found = from_text(tmp_path, SUMMARY, keyvalue="s.txt", columns=["empty", "flag", "final", "residua"])
    assert found.values == (None, None, None, None)
    assert found.errors == {
        "empty": "empty",
        "flag": "not a float: 'Yes'",
        "final": "no key final",
        "residua": "no key residua",
    }
    assert reason(from_text(tmp_path, "", keyvalue="s.txt", columns=["a"])) == "an empty file"


@pytest.mark.parametrize("size", [0, 10, 2**15 + 7, 3 * 2**20])
def test_the_last_line_of_a_key_counts(tmp_path: Path, size: int) -> None:
    text = "a = 1\n" + "filler = 1234\n" * (size // 14) + "a = 2\n" + "filler = 1\n" * (size // 11) + "b: 3"
    assert from_text(tmp_path, text, keyvalue="s.txt", columns=["a", "b"]) == ((2.0, 3.0), {})


def test_a_block_ends_within_a_line(tmp_path: Path) -> None:
    for shift in range(-3, 12):
        filler = "x" * 63 + "\n"
        text = filler * ((workspace.BLOCK - 64 - shift) // 64)
        text += "y" * (workspace.BLOCK - len(text) - shift - 1) + "\nkey = 12345\n" + filler * 100
        assert from_text(tmp_path, text, keyvalue="s.txt", columns=["key"]) == ((12345.0,), {})


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (" a \n b \n", "text", "a \n b"),
        ("3\n", "float", 3.0),
        ("+3.50E+01", "float", 35.0),
        ("1.5d-3", "float", 0.0015),
        ("1.", "float", 1.0),
        (".5", "float", 0.5),
        ("007", "int", 7),
        ("3.0", "int", 3),
        ("-9223372036854775808", "int", -(2**63)),
        ("TRUE", "bool", True),
        ("no", "bool", False),
        ("1", "bool", True),
        ("\ufeffé", "text", "é"),
    ],
)
def test_a_text_as_a_whole(tmp_path: Path, text: str, kind: str, value: object) -> None:
    assert from_text(tmp_path, text, text="note.txt", columns="a", type=kind) == ((value,), {})


@pytest.mark.parametrize(
    ("data", "kind", "told"),
    [
        (b"", "text", "an empty file"),
        (b" \n", "text", "empty"),
        (b"\xff", "text", "not UTF-8"),
        (b"a\0b", "text", "a NUL character in the text"),
        (b"x" * (2**20 + 1), "text", "longer than 1 MiB"),
        (b"9223372036854775808", "int", "beyond 64 bits"),
        (b"9" * 999, "int", "beyond 64 bits"),
        (b"9" * 999, "float", "infinite"),
        (b"9" * 10**6, "float", "not a float: '" + "9" * 57 + "...'"),
        (b"1e999", "float", "infinite"),
        (b"3.5", "int", "not an int: 3.5"),
        (b"0x10", "int", "not an int: '0x10'"),
        (b"1,5", "float", "not a float: '1,5'"),
        (b"1 2", "float", "not a float: '1 2'"),
        (b"maybe", "bool", "not a bool: 'maybe'"),
        (b"2", "bool", "not a bool: '2'"),
    ],
)
def test_texts_that_are_none(tmp_path: Path, data: bytes, kind: str, told: str) -> None:
    assert reason(from_text(tmp_path, data, text="note.txt", columns="a", type=kind)) == told


@given(value=st.floats(allow_nan=False, allow_infinity=False), style=st.sampled_from(["", "e", "E", "g"]))
def test_floats_that_python_printed(tmp_path: Path, value: float, style: str) -> None:
    text = format(value, f".17{style}") if style else repr(value)
    assert from_text(tmp_path, text, text="a.txt", columns="a", type="float") == ((value,), {})


def test_the_size_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "mesh.vtk").write_bytes(b"x" * 12345)
    (tmp_path / "none").touch()
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(10**12)
    sources = [{"size": name, "columns": name.split(".")[0]} for name in ("mesh.vtk", "none", "huge", "gone")]
    found = extract(tmp_path, *sources)
    assert found == ((12345, 0, 10**12, None), {"gone": "no file gone"})


def test_expressions(tmp_path: Path) -> None:
    text = "step 1: residual 0.5\nconverged in 7 steps\nstep 2: residual 0.25\r\nconverged in 9 steps\nµ=3"
    columns = {"n": {"key": r"converged in (\d+)", "type": "int"}, "r": r"residual (\S+)$", "mu": "(?<=µ=).*"}
    assert from_text(tmp_path, text, regex="run.out", columns=columns) == ((9, 0.25, 3.0), {})
    found = from_text(tmp_path, text, regex="run.out", columns=columns, match="first")
    assert found == ((7, 0.5, 3.0), {})


def test_expressions_that_find_nothing(tmp_path: Path) -> None:
    columns = {"n": r"converged in (\d+)", "word": r"by (\w+)", "maybe": "x(y)?"}
    found = from_text(tmp_path, b"solved by gauss \xff x", regex="run.out", columns=columns)
    assert found.errors == {"n": "no match", "word": "not a float: 'gauss'", "maybe": "no match"}
    found = from_text(tmp_path, b"by \xff\n", regex="run.out", columns={"a": "by (.*)"}, type="text")
    assert reason(found) == "not UTF-8"
    found = from_text(tmp_path, b"x" * (2**20 + 9), regex="run.out", columns={"a": "x+"}, type="text")
    assert reason(found) == "longer than 1 MiB"
    assert reason(from_text(tmp_path, b"", regex="run.out", columns={"a": "x+"})) == "an empty file"


def test_an_expression_that_never_ends(tmp_path: Path) -> None:
    columns = {"a": "(?:x+x+)+y"}
    found = from_text(tmp_path, "x" * 60, regex="run.out", columns=columns, timeout=0.5)
    assert reason(found) == "the search took longer than 0.5 s"


def test_all_kinds_together_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text('{"a": 1, "b": {"c": 2}}')
    (tmp_path / "h.csv").write_text("t\n3\n")
    (tmp_path / "s.txt").write_text("k: 4\nn is 5\n")
    found = extract(
        tmp_path,
        {"json": "out.json", "columns": ["a"]},
        {"keyvalue": "s.txt", "columns": ["k"]},
        {"regex": "s.*", "columns": {"n": r"n is (\d)"}},
        {"json": "./out.json", "columns": {"c": "b.c"}},
        {"csv": "h.csv", "columns": ["t"]},
        {"text": "s.txt", "columns": "whole"},
        {"size": "out.json", "columns": "bytes"},
        {"json": "none.json", "columns": ["x", "y"]},
    )
    assert found.values == (1.0, 4.0, 5.0, 2.0, 3.0, "k: 4\nn is 5", 23, None, None)
    assert found.errors == {"x": "no file none.json", "y": "no file none.json"}
