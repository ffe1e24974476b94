"""Tables of JSON Lines: what is accepted, what is refused, and the words it is refused with."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.tables import jsonl
from genstudy.tables.as_csv import CONTROL
from genstudy.tables.checks import CellCheck
from genstudy.tables.read import open_table, parameters_of

pytestmark = pytest.mark.usefixtures("in_tmp")

OBJECT_HINT = '\n  a line is one object with the columns, such as {"width": 1.5, "name": "a"}'
COLUMNS_HINT = "\n  the first object's keys are the columns: a, b"
CELL_HINT = "\n  a cell is one value"
UTF8_HINT = "\n  save the table as UTF-8"
CONTROL_HINT = "\n  values become text in scripts and names: take it out"


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    return str(caught.value)


def read_all(path: Path, *, allow_missing: bool = True) -> tuple[tuple[str, ...], list[list[str]]]:
    """Read a table as the commands do: names checked, cells checked, rows parsed."""
    table = open_table(path)
    parameters_of(table, None)
    check = CellCheck(table, allow_missing=allow_missing)
    for block in table.blocks():
        check.check(block)
    return table.columns, list(table.rows())


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', ("a", "b"), [["1", "x"], ["2", "y"]]),
        ('{"a":1,"b":2}\n{"b":3,"a":4}', ("a", "b"), [["1", "2"], ["4", "3"]]),
        ('{"a":1,"b":2}\r\n{"a":3,"b":4}\r\n', ("a", "b"), [["1", "2"], ["3", "4"]]),
        ('\ufeff{"a":1,"b":2}\n', ("a", "b"), [["1", "2"]]),
        ('\n{"a":1,"b":2}\n\n \n{"a":3,"b":4}\n\n', ("a", "b"), [["1", "2"], ["3", "4"]]),
        ('{"a":1.10,"b":1e5}\n', ("a", "b"), [["1.10", "1e5"]]),
        ('{"a":-0.0,"b":12345678901234567890}\n', ("a", "b"), [["-0.0", "12345678901234567890"]]),
        ('{"a":true,"b":false}\n{"a":null,"b":""}\n', ("a", "b"), [["true", "false"], ["", ""]]),
        ('{"a":1,"b":2}\n{"a":3}\n{}\n', ("a", "b"), [["1", "2"], ["3", ""], ["", ""]]),
        ('{"a":"x,y","b":"say \\"hi\\""}\n', ("a", "b"), [["x,y", 'say "hi"']]),
        ('{"größe":"μ∅","b":"\\u00e9\\ud83d\\ude42 "}\n', ("größe", "b"), [["μ∅", "é🙂 "]]),
        ('{" a ":1,"b":2}\n', ("a", "b"), [["1", "2"]]),
        ('{"a":1}\n{"a":null}\n{"a":"z"}\n', ("a",), [["1"], [""], ["z"]]),
        ('{"a":"x\\\\y"}\n', ("a",), [["x\\y"]]),
    ],
)
def test_what_is_accepted(text: str, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    for name in ("t.jsonl", "t.ndjson"):
        Path(name).write_bytes(text.encode())
        Path(f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        assert read_all(Path(name)) == (columns, rows)
        assert read_all(Path(f"{name}.gz")) == (columns, rows)


def test_blank_lines_between_objects_of_one_key_are_none() -> None:
    Path("t.jsonl").write_text('\n{"a": 1}\n\n \n{"a": null}\n{"a": 3}\n\n')
    assert read_all(Path("t.jsonl")) == (("a",), [["1"], [""], ["3"]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "t.jsonl: the table is empty\n  a header with the names, then a row a combination"),
        (b"\n\n", "t.jsonl: the table is empty\n  a header with the names, then a row a combination"),
        (b"{}\n", "t.jsonl, row 0 (line 1): the first object has no keys" + OBJECT_HINT),
        (b'{"": 1}\n', "t.jsonl, row 0 (line 1): a key is empty" + OBJECT_HINT),
        (b'{"a": 1, " ": 1}\n', "t.jsonl, row 0 (line 1): a key is empty" + OBJECT_HINT),
        (b"3\n", "t.jsonl, row 0 (line 1): a value, not a JSON object" + OBJECT_HINT),
        (b'[{"a": 1}]\n', "t.jsonl, row 0 (line 1): a list, not a JSON object" + OBJECT_HINT),
        (
            b'[\n{"a": 1},\n',
            "t.jsonl, row 0 (line 1): not a JSON object: Expecting value at character 3" + OBJECT_HINT,
        ),
        (
            b'{"a":1,"b":2}\n\n{"a":1,}\n',
            "t.jsonl, row 1 (line 3): not a JSON object: Expecting property name enclosed in double quotes"
            " at character 8" + OBJECT_HINT,
        ),
        (
            b'{"a":1,"b":2} {"a":1,"b":2}\n',
            "t.jsonl, row 0 (line 1): not a JSON object: Extra data at character 15" + OBJECT_HINT,
        ),
        (
            b'{"a":1,"b":2}\n{"a":[1],"b":2}\n',
            "t.jsonl, row 1 (line 2), column a: a list, not a value" + CELL_HINT,
        ),
        (b'{"a":1,"b":{"c":2}}\n', "t.jsonl, row 0 (line 1), column b: an object, not a value" + CELL_HINT),
        (b'{"a":1,"b":{}}\n', "t.jsonl, row 0 (line 1), column b: an object, not a value" + CELL_HINT),
        (
            b'{"a":1,"b":2}\n{"a":1,"bb":2}\n',
            "t.jsonl, row 1 (line 2): the key 'bb' is not in the first object (did you mean 'b'?)"
            + COLUMNS_HINT,
        ),
        (
            b'{"a":1,"b":2}\n{"a":1,"a":2}\n',
            "t.jsonl, row 1 (line 2): the key 'a' stands in the object twice",
        ),
        (b'{"a":1,"a":2}\n', "t.jsonl, row 0 (line 1): the key 'a' stands in the object twice"),
        (
            b'{"a":1,"b":2}\n{"a":1,"b":"x\\ny"}\n',
            "t.jsonl, row 1 (line 2), column b: a control character in 'x\\ny'" + CONTROL_HINT,
        ),
        (
            b'{"a":1,"b":2}\n{"a":"\\ud800","b":1}\n',
            "t.jsonl, row 1 (line 2), column a: a control character in '\\ud800'" + CONTROL_HINT,
        ),
        (
            b'{"a":1,"b":2}\n\n{"a":1,"b":"x\xc2\x85"}\n',
            "t.jsonl, row 1 (line 3), column b: a control character in 'x\\x85'" + CONTROL_HINT,
        ),
        (
            b'{"a":1,"b":2}\n{"a":"x\ty","b":1}\n',
            "t.jsonl, row 1 (line 2): not a JSON object: Invalid control character at character 8"
            + OBJECT_HINT,
        ),
        (b'{"a\\nb":1}\n', "t.jsonl, row 0 (line 1): a control character in the key 'a\\nb'"),
        (b'{"a":"\xff"}\n', "t.jsonl, row 0 (line 1): byte 7 of the line is not UTF-8" + UTF8_HINT),
        (
            b'{"a":1,"A":2}\n',
            "t.jsonl, header: the names 'a' and 'A' give the same token $(A)\n  rename one of them",
        ),
    ],
)
def test_what_is_refused(text: bytes, message: str) -> None:
    Path("t.jsonl").write_bytes(text)
    assert refusal(lambda: read_all(Path("t.jsonl"))) == message


def test_nested_without_end() -> None:
    Path("t.jsonl").write_text('{"a":' + "[" * 100_000 + "\n")
    assert refusal(lambda: read_all(Path("t.jsonl"))) == (
        "t.jsonl, row 0 (line 1): nested too deeply" + OBJECT_HINT
    )


def test_missing_cells_are_named_with_their_lines() -> None:
    Path("t.jsonl").write_text('{"a": 1, "b": 2}\n\n{"a": NaN, "b": 3}\n')
    assert refusal(lambda: read_all(Path("t.jsonl"), allow_missing=False)) == (
        "t.jsonl, row 1 (line 3), column a: the cell is not a number (NaN)\n"
        "  fill it in, or pass --allow-missing"
    )
    Path("t.jsonl").write_text('{"a": 1, "b": 2}\n{"b": 3}\n')
    assert refusal(lambda: read_all(Path("t.jsonl"), allow_missing=False)) == (
        "t.jsonl, row 1 (line 2), column a: the cell is empty\n  fill it in, or pass --allow-missing"
    )


def test_damage_is_named() -> None:
    data = gzip.compress(b'{"a": 1, "b": 2}\n' * 1000)
    Path("t.jsonl.gz").write_bytes(data[:-20])
    assert refusal(lambda: read_all(Path("t.jsonl.gz"))).startswith(
        "t.jsonl.gz: the compressed file is damaged: "
    )


def test_a_line_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 100)
    Path("t.jsonl").write_text('{"a": 1}\n{"a": "' + "x" * 100 + '"}\n')
    assert refusal(lambda: read_all(Path("t.jsonl"))) == (
        "t.jsonl, row 1 (line 2): the line is too long to be a row" + OBJECT_HINT
    )


VALUES = (
    st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not CONTROL.search(text))
    | st.integers()
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.none()
)


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


@given(st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=30), st.booleans())
def test_objects_come_back_as_their_cells(rows: list[dict[str, Any]], ascii_only: bool) -> None:
    path = Path("t.jsonl")
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="")
    columns, found = read_all(path)
    assert columns == tuple(rows[0])
    assert found == [[as_text(row[column]) for column in columns] for row in rows]


def test_blocks_of_objects_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LINES", 2)
    Path("t.jsonl").write_text("".join(f'{{"a": {n}, "b": 1}}\n' + "\n" * (n % 3) for n in range(20)))
    assert read_all(Path("t.jsonl"))[1] == [[str(n), "1"] for n in range(20)]
