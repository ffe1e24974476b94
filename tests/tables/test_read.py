"""Tables as they are found: what is accepted, what is refused, and the words it is refused with."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from genstudy.errors import UserError
from genstudy.tables import parquet, streams
from genstudy.tables.checks import CellCheck
from genstudy.tables.read import open_table, parameters_of

pytestmark = pytest.mark.usefixtures("in_tmp")


LINES = b"a,b\n" + b"1,2\n" * 5000
PACKED = gzip.compress(LINES, mtime=0)


def refusal(call: Callable[[], object]) -> str:
    """Return the whole text with which a call refuses."""
    with pytest.raises(UserError) as caught:
        call()
    return str(caught.value)


def read_all(path: Path, *, allow_missing: bool = False) -> list[list[str]]:
    """Read a table as the commands do: names checked, cells checked, rows parsed."""
    table = open_table(path)
    parameters_of(table, None)
    check = CellCheck(table, allow_missing=allow_missing)
    for block in table.blocks():
        check.check(block)
    return list(table.rows())


@pytest.mark.parametrize(
    ("data", "columns", "rows"),
    [
        (b"a,b\n1,2\n3,4\n", ("a", "b"), [["1", "2"], ["3", "4"]]),
        (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b"), [["1", "2"]]),
        (b"a,b\r\n1,2\r\n3,4\r\n", ("a", "b"), [["1", "2"], ["3", "4"]]),
        (b"a,b\n1,2\n3,4", ("a", "b"), [["1", "2"], ["3", "4"]]),
        (b"a,b\r\n1,2\r\n3,4", ("a", "b"), [["1", "2"], ["3", "4"]]),
        (b"a,b\n\n1,2\n\r\n\n3,4\n\n", ("a", "b"), [["1", "2"], ["3", "4"]]),
        (b"  a , b\t\n1,2\n", ("a", "b"), [["1", "2"]]),
        (b'"a"," b"\n1,2\n', ("a", "b"), [["1", "2"]]),
        (b'a,b\n"x,y","say ""hi"""\n', ("a", "b"), [["x,y", 'say "hi"']]),
        ("größe,b\nμ∅🙂, x \n".encode(), ("größe", "b"), [["μ∅🙂", " x "]]),
        (b"a\n1\n2\n", ("a",), [["1"], ["2"]]),
        (b"a-b,_c,if\n1,2,3\n", ("a-b", "_c", "if"), [["1", "2", "3"]]),
    ],
    ids=[
        "plain",
        "bom",
        "crlf",
        "no-end",
        "crlf-no-end",
        "blank-lines",
        "spaces",
        "quoted-names",
        "quotes",
        "unicode",
        "one-column",
        "names",
    ],
)
def test_what_is_accepted(
    tmp_path: Path, data: bytes, columns: tuple[str, ...], rows: list[list[str]]
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    assert open_table(path).columns == columns
    assert read_all(path) == rows
    assert open_table(path).count_rows() == len(rows)
    assert open_table(path).preview == tuple(map(tuple, rows[:3]))


CLOSE = "\n  close the quotes; a value cannot hold a line break"
CLOSE_HEADER = "\n  close the quotes; line breaks cannot be in a cell"
MEND = "\n  mend the row; a comma inside a value needs quotes around the value"
FILL = "\n  fill it in, or pass --allow-missing"
TAKE_OUT = "\n  values become text in scripts and names: take it out"
EMPTY = "t.csv: the table is empty\n  a header with the names, then a row a combination"
NO_ROWS = "t.csv: the table has a header, but no rows"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", EMPTY),
        (b"\n1,2\n", EMPTY),
        (b"\xef\xbb\xbf", EMPTY),
        (b"a,b", NO_ROWS),
        (b"a,b\n\n\r\n", NO_ROWS),
        (b"a,,c\n1,2,3\n", "t.csv, header: column 2 has no name\n  name every column"),
        (b"a,b\xff\n1,2\n", "t.csv, header: byte 4 of the line is not UTF-8\n  save the table as UTF-8"),
        (
            b"a,b\n1,2\n3,\xe94\n",
            "t.csv, row 1 (line 3): byte 3 of the line is not UTF-8\n  save the table as UTF-8",
        ),
        (b'a,"b\n1,2\n', "t.csv, header: not a CSV line: unexpected end of data" + CLOSE_HEADER),
        (b"a,b\r1,2\r", "t.csv, header: not a CSV line: a carriage return in the line" + CLOSE_HEADER),
        (b"a,b\n1,2\n3\n", "t.csv, row 1 (line 3): the row has 1 cells, the header has 2" + MEND),
        (b"a,b\n1,2\n\n3,4,5\n", "t.csv, row 1 (line 4): the row has 3 cells, the header has 2" + MEND),
        (b"a,b\n1,2\n3,NaN\n", "t.csv, row 1 (line 3), column b: the cell is not a number (NaN)" + FILL),
        (b"a,b\n1,2\n-nan,3\n", "t.csv, row 1 (line 3), column a: the cell is not a number (-nan)" + FILL),
        (b"a,b\n1,2\n3,\n", "t.csv, row 1 (line 3), column b: the cell is empty" + FILL),
        (b"a,b\n1,2\n,3\n", "t.csv, row 1 (line 3), column a: the cell is empty" + FILL),
        (b"a,b,c\n1,,2\n", "t.csv, row 0 (line 2), column b: the cell is empty" + FILL),
        (b'a,b\n1,2\n3,"  "\n', "t.csv, row 1 (line 3), column b: the cell is empty" + FILL),
        (b"a,b\nx\x00y,2\n", "t.csv, row 0 (line 2), column a: a control character in 'x\\x00y'" + TAKE_OUT),
        (b"a,b\nx\ty,2\n", "t.csv, row 0 (line 2), column a: a control character in 'x\\ty'" + TAKE_OUT),
        (b'a,b\n"x\ry",2\n', "t.csv, row 0 (line 2), column a: a control character in 'x\\ry'" + TAKE_OUT),
        (
            "a,b\n1,2\n1,x\u2028y\n".encode(),
            "t.csv, row 1 (line 3), column b: a control character in 'x\\u2028y'" + TAKE_OUT,
        ),
        (b"a,b\nx\ry,2\n", "t.csv, row 0 (line 2): not a row of CSV: a carriage return in the line" + CLOSE),
        (
            b'a,b\n1,2\n3,"x\ny"\n',
            "t.csv, row 1 (line 3): not a row of CSV: a cell goes on over the line's end" + CLOSE,
        ),
        (b'a,b\n1,2\n3,"x', "t.csv, row 1 (line 3): not a row of CSV: unexpected end of data" + CLOSE),
        (b'a,b\n1,"x"y\n', "t.csv, row 0 (line 2): not a row of CSV: ',' expected after '\"'" + CLOSE),
        (b"a,b,a\n1,2,3\n", "t.csv, header: the name 'a' is given twice\n  rename one of them"),
        (
            b"a,A\n1,2\n",
            "t.csv, header: the names 'a' and 'A' give the same token $(A)\n  rename one of them",
        ),
        (
            b"a,launcher\n1,2\n",
            (
                "t.csv, header: the parameter 'launcher' would hide $(LAUNCHER), which has a meaning of its "
                "own\n"
                "  rename the parameter"
            ),
        ),
        (
            b"a,parg_x\n1,2\n",
            (
                "t.csv, header: the parameter 'parg_x' would hide $(PARG_X), which has a meaning of its own\n"
                "  rename the parameter"
            ),
        ),
        *(
            (
                f"{name}\n1\n".encode(),
                (
                    f"t.csv, header: '{name}' cannot be a parameter name\n  a name is a letter or underscore "
                    "first, then letters, digits, underscores or dashes: rename it"
                ),
            )
            for name in ("1a", "a b", "a.b", "-a", "a;b", "$(a)", "a/b", "#")
        ),
    ],
)
def test_what_is_refused(data: bytes, message: str) -> None:
    Path("t.csv").write_bytes(data)
    assert refusal(lambda: read_all(Path("t.csv"))) == message


def test_every_reserved_name_is_refused_in_any_case() -> None:
    for name in ("WORKSPACE", "launcher", "Output_Path", "specroot", "row_id", "PARG_CSV"):
        Path("t.csv").write_text(f"x,{name}\n1,2\n")
        assert f"the parameter '{name}' would hide $({name.upper()})" in refusal(
            lambda: read_all(Path("t.csv"))
        )


def test_missing_cells_pass_where_they_are_allowed() -> None:
    Path("t.csv").write_bytes(b"a,b\n,nan\nNaN,\n")
    assert read_all(Path("t.csv"), allow_missing=True) == [["", "nan"], ["NaN", ""]]


def test_words_that_hold_nan_are_words() -> None:
    Path("t.csv").write_bytes(b"a,b\nnano,banana\n")
    assert read_all(Path("t.csv")) == [["nano", "banana"]]


DAMAGED = "t.csv.gz: the compressed file is damaged: "
ENDED = "Compressed file ended before the end-of-stream marker was reached"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (LINES, DAMAGED + "Not a gzipped file (b'a,')"),
        (PACKED[:-12], DAMAGED + ENDED),
        (PACKED[:12], DAMAGED + ENDED),
        (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], DAMAGED + "CRC check failed"),
        (PACKED[:12] + b"\xff" * 9 + PACKED[21:], DAMAGED + "Error -3 while decompressing data"),
    ],
    ids=["not-gzip", "cut", "cut-in-header", "wrong-sum", "wrong-bits"],
)
def test_damaged_gzip(data: bytes, message: str) -> None:
    Path("t.csv.gz").write_bytes(data)
    assert refusal(lambda: read_all(Path("t.csv.gz"))).startswith(message)


def test_gzip_holds_the_same_rows() -> None:
    Path("t.csv.gz").write_bytes(PACKED)
    assert read_all(Path("t.csv.gz")) == [["1", "2"]] * 5000


def write_parquet(columns: dict[str, list[object]], **schema: pl.DataType) -> None:
    frame = pl.DataFrame(columns, schema_overrides=dict(schema))
    frame.write_parquet("t.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1], "b": [[1, 2]]}, "t.parquet: column 'b' holds List(Int64), not a value"),
        ({"a": [{"x": 1}]}, "t.parquet: column 'a' holds Struct({'x': Int64}), not a value"),
        ({"a": [b"x"]}, "t.parquet: column 'a' holds Binary, not a value"),
        (
            {"a": [dt.timedelta(1)]},
            "t.parquet: column 'a' holds Duration(time_unit='us'), not a value",
        ),
        ({"a": [1, None], "b": [1, 2]}, "t.parquet, row 1, column a: the cell is empty" + FILL),
        ({"a": [1, None, 3]}, "t.parquet, row 1, column a: the cell is empty" + FILL),
        ({"a": [1.0, float("nan")]}, "t.parquet, row 1, column a: the cell is not a number (NaN)" + FILL),
        (
            {"a": ["1", "x\ny"]},
            "t.parquet, row 1: not a row of CSV: a cell goes on over the line's end" + CLOSE,
        ),
        ({"a": ["x\ty"]}, "t.parquet, row 0, column a: a control character in 'x\\ty'" + TAKE_OUT),
        ({"a b": [1]}, "t.parquet, header: 'a b' cannot be a parameter name"),
        ({"a": []}, "t.parquet: the table has a header, but no rows"),
        ({}, "t.parquet: the table is empty"),
    ],
)
def test_parquet_refused(columns: dict[str, list[object]], message: str) -> None:
    write_parquet(columns)
    text = refusal(lambda: read_all(Path("t.parquet")))
    assert text.startswith(message)


def test_parquet_values_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS", 2)
    write_parquet(
        {
            "a": [1, 2, 3, -4, 5],
            "b": [0.1, 1e-7, 1.0, 2.5, 1e300],
            "c": ["x,y", 'say "hi"', " ", "μ", ""],
            "d": [True, False, True, None, True],
            "e": [dt.date(2024, 2, 29)] * 5,
        }
    )
    rows = read_all(Path("t.parquet"), allow_missing=True)
    assert [row[0] for row in rows] == ["1", "2", "3", "-4", "5"]
    assert [float(row[1]) for row in rows] == [0.1, 1e-7, 1.0, 2.5, 1e300]
    assert [row[2] for row in rows] == ["x,y", 'say "hi"', " ", "μ", ""]
    assert [row[3] for row in rows] == ["true", "false", "true", "", "true"]
    assert {row[4] for row in rows} == {"2024-02-29"}


def test_a_lone_parquet_column_keeps_its_empty_rows() -> None:
    write_parquet({"a": [1, None, 3]})
    assert read_all(Path("t.parquet"), allow_missing=True) == [["1"], [""], ["3"]]


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"PAR1" + bytes(40) + b"PAR1"])
def test_not_a_parquet_file(data: bytes) -> None:
    Path("t.parquet").write_bytes(data)
    assert refusal(lambda: open_table(Path("t.parquet"))).startswith("t.parquet: not a Parquet file: ")


def test_damaged_parquet_pages() -> None:
    write_parquet({"a": list(range(50_000)), "b": [str(number) for number in range(50_000)]})
    data = Path("t.parquet").read_bytes()
    Path("t.parquet").write_bytes(data[:3000] + bytes(6000) + data[9000:])
    message = refusal(lambda: read_all(Path("t.parquet")))
    assert message.startswith("t.parquet: the Parquet file is damaged: ")


def test_missing_table_names_its_neighbours() -> None:
    assert refusal(lambda: open_table(Path("a.csv"))) == (
        "a.csv: there is no such table\n  genstudy csv makes one"
    )
    for name in ("b.csv", "c.parquet", "d.csv.gz", "e.txt"):
        Path(name).touch()
    Path("folder.csv").mkdir()
    expected = "there is no such table\n  tables there: b.csv, c.parquet, d.csv.gz"
    assert refusal(lambda: open_table(Path("a.csv"))) == f"a.csv: {expected}"
    assert refusal(lambda: open_table(Path("folder.csv"))) == f"folder.csv: {expected}"
    assert refusal(lambda: open_table(Path("no/a.csv"))) == (
        "no/a.csv: there is no such table\n  the folder no does not exist either"
    )


def test_other_suffixes_are_no_tables() -> None:
    Path("t.txt").write_text("a\n1\n")
    assert refusal(lambda: open_table(Path("t.txt"))) == (
        "t.txt: this is not a table\n"
        "  tables are .csv, .csv.gz, .parquet, .jsonl, .ndjson, .jsonl.gz, .ndjson.gz"
    )


def test_parameters_are_the_columns_but_the_index() -> None:
    Path("t.csv").write_text("run id,width,height\n1,2,3\n")
    table = open_table(Path("t.csv"))
    assert parameters_of(table, "run id") == ["width", "height"]
    assert refusal(lambda: parameters_of(table, "heigth")) == (
        "t.csv: the table has no column 'heigth' (did you mean 'height'?)\n"
        "  its columns are: run id, width, height"
    )
    Path("t.csv").write_text("id\n1\n")
    assert refusal(lambda: parameters_of(open_table(Path("t.csv")), "id")) == (
        "t.csv: the table has no parameters, only the index"
    )
    Path("t.csv").write_text("id,id,a\n1,2,3\n")
    assert refusal(lambda: parameters_of(open_table(Path("t.csv")), "id")) == (
        "t.csv, header: the name 'id' is given twice"
    )


GAP = (
    "a blank line, which in a single column may stand for an empty cell\n"
    '  write "" for an empty cell, or take the line out'
)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a\n1\n\n2\n", "row 1 (line 3)"),
        (b"a\n\n1\n2\n", "row 0 (line 2)"),
        (b"a\r\n1\r\n2\r\n\r\n\r\n3", "row 2 (line 4)"),
        (b"a\n" + b"1\n" * 30 + b"\n2\n", "row 30 (line 32)"),
    ],
)
def test_a_blank_line_in_a_single_column(data: bytes, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", 8)
    Path("t.csv").write_bytes(data)
    assert refusal(lambda: read_all(Path("t.csv"))) == f"t.csv, {place}: {GAP}"
    assert refusal(lambda: read_all(Path("t.csv"), allow_missing=True)) == f"t.csv, {place}: {GAP}"


def test_blank_lines_at_the_end_of_a_single_column_are_none() -> None:
    Path("t.csv").write_bytes(b"a\n1\n2\n\n\r\n\n")
    assert read_all(Path("t.csv")) == [["1"], ["2"]]
    Path("t.csv").write_bytes(b'a\n1\n""\n')
    assert read_all(Path("t.csv"), allow_missing=True) == [["1"], [""]]


def test_a_cell_that_is_too_long() -> None:
    long = "a cell is longer than 131,072 characters\n  a value becomes a part of scripts: keep it in a file"
    Path("t.csv").write_text(f'a,b\n1,"{"x" * 131_073}"\n')
    assert refusal(lambda: read_all(Path("t.csv"))) == (
        f"t.csv, row 0 (line 2): not a row of CSV: {long}, and name the file in the table"
    )
    Path("t.csv").write_text(f"a,{'x' * 131_073}\n1,2\n")
    assert refusal(lambda: open_table(Path("t.csv"))).startswith(f"t.csv, header: not a CSV line: {long}")
