"""The stand-alone pgen used by hand: its arguments, and what it says of mistakes."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maestrowf.datastructures.core import StudyEnvironment
from maestrowf.datastructures.environment import Variable

from genstudy.specs import pgen

from .conftest import Maestro, write_table

HAND_SPEC = """\
description: {name: hand, description: by hand}
env:
    variables: {OUTPUT_PATH: ./out}
study:
    - name: say
      description: say it
      run:
          cmd: echo "$(PARAM1) $(PARAM2)"
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [[f"r{row}", str(row), str(row * row)] for row in range(5)]
    return write_table(tmp_path / "params.csv", ["combo", "param1", "param2"], rows)


def generate(table: Path | str | None, variables: Mapping[str, str] | None = None, /, **pargs: str) -> Any:
    """Call the pgen as Maestro does."""
    env = StudyEnvironment()
    for name, value in (variables or {}).items():
        env.add(Variable(name, value))
    env.add(Variable("SPECROOT", "/spec/root"))
    given = {"CSV": str(table), **pargs} if table is not None else pargs
    return pgen.get_custom_generator(env, OUTPUT_PATH="/out", SPECROOT=env.find("SPECROOT"), **given)


def rows_of(generator: Any) -> list[tuple[str, str]]:
    return [
        (str(combination), combination.apply("$(PARAM1),$(PARAM2)"))
        for combination in generator.get_combinations()
    ]


def refusal(capsys: pytest.CaptureFixture[str], table: Path | str | None, **pargs: str) -> str:
    """Return what the pgen says when it ends Maestro with exit code 2."""
    with pytest.raises(SystemExit) as ending:
        generate(table, **pargs)
    assert ending.value.code == 2
    return capsys.readouterr().err


def test_it_needs_the_standard_library_and_maestro_alone() -> None:
    tree = ast.parse(Path(pgen.__file__).read_text())
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert modules - set(sys.stdlib_module_names) == {"maestrowf"}


def test_all_rows_numbered_from_0(table: Path) -> None:
    rows = rows_of(generate(table, INDEX="combo"))
    assert rows == [(f"row_r{row}", f"{row},{row * row}") for row in range(5)]
    numbered = write_table(table.with_name("n.csv"), ["param1", "param2"], [["4", "5"], ["6", "7"]])
    assert rows_of(generate(numbered)) == [("row_0", "4,5"), ("row_1", "6,7")]


@pytest.mark.parametrize(
    ("pargs", "rows"),
    [
        ({"NROWS": "2"}, [0, 1]),
        ({"START": "3"}, [3, 4]),
        ({"START": "1", "NROWS": "2"}, [1, 2]),
        ({"START": "4", "NROWS": "9"}, [4]),
        ({"START": "", "NROWS": ""}, [0, 1, 2, 3, 4]),
    ],
)
def test_start_and_nrows(table: Path, pargs: dict[str, str], rows: list[int]) -> None:
    assert [label for label, _ in rows_of(generate(table, INDEX="combo", **pargs))] == [
        f"row_r{row}" for row in rows
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("0-4", [0, 1, 2, 3, 4]),
        ("3", [3]),
        ("0,2-3", [0, 2, 3]),
        ("4,0-1,1", [0, 1, 4]),
        ("00-001", [0, 1]),
        (" 1,3 ", [1, 3]),
    ],
)
def test_rows(table: Path, text: str, rows: list[int]) -> None:
    wanted = [f"{row},{row * row}" for row in rows]
    assert rows_of(generate(table, INDEX="combo", ROWS=text)) == [
        (f"row_r{row}", value) for row, value in zip(rows, wanted, strict=True)
    ]
    numbered = write_table(
        table.with_name("n.csv"), ["param1", "param2"], [[str(row), str(row * row)] for row in range(5)]
    )
    assert rows_of(generate(numbered, ROWS=text)) == [
        (f"row_{row}", value) for row, value in zip(rows, wanted, strict=True)
    ]
    file = table.with_name("rows file: 1")
    file.write_text(f"\ufeff{text}\n")
    assert rows_of(generate(numbered, ROWS=f"@{file}")) == rows_of(generate(numbered, ROWS=text))


def test_the_table_is_read_no_further_than_the_last_row(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(b"param1,param2\n1,2\n3,4\n5,6\n" + b"9,9\n" * 100_000 + b'"')
    assert rows_of(generate(table, ROWS="0,2")) == [("row_0", "1,2"), ("row_2", "5,6")]


def test_what_maestro_writes_down_of_the_rows(table: Path) -> None:
    found = generate(table, INDEX="combo", ROWS="0,2-3").get_metadata()
    assert found == {
        "table": str(table),
        "parameters": ["PARAM1", "PARAM2"],
        "rows": 3,
        "row_numbers": "0,2-3",
        "first_row": "r0",
        "last_row": "r3",
    }
    assert generate(table, INDEX="combo", START="2").get_metadata()["row_numbers"] == "2-4"


FORM = "\n  write rows as 0-99,105, or name a file that holds such a text: ROWS:@FILE\n"


@pytest.mark.parametrize(
    ("pargs", "message"),
    [
        ({"ROWS": ""}, f"ROWS: no row is named{FORM}"),
        ({"ROWS": "@{empty}"}, f"ROWS, {{empty}}: no row is named{FORM}"),
        ({"ROWS": "@none"}, f"ROWS: none cannot be read: No such file or directory{FORM}"),
        ({"ROWS": "@"}, f"ROWS:  cannot be read: No such file or directory{FORM}"),
        ({"ROWS": "@{folder}"}, f"ROWS: {{folder}} cannot be read: Is a directory{FORM}"),
        ({"ROWS": "@{bytes}"}, f"ROWS: {{bytes}} is not UTF-8 text{FORM}"),
        ({"ROWS": "@{table}"}, f"ROWS, {{table}}: 'combo' is no range of rows{FORM}"),
        ({"ROWS": "@@x"}, f"ROWS: @x cannot be read: No such file or directory{FORM}"),
        ({"ROWS": "1,"}, f"ROWS: '' is no range of rows{FORM}"),
        ({"ROWS": "1, 2"}, f"ROWS: ' 2' is no range of rows{FORM}"),
        ({"ROWS": "3-1"}, f"ROWS: '3-1' is no range of rows{FORM}"),
        ({"ROWS": "-1"}, f"ROWS: '-1' is no range of rows{FORM}"),
        ({"ROWS": "1-"}, f"ROWS: '1-' is no range of rows{FORM}"),
        ({"ROWS": "x" * 999}, f"ROWS: '{'x' * 40}' is no range of rows{FORM}"),
        ({"ROWS": "5"}, "{table} has no row 5: ROWS goes past the end\n  rows are counted from 0\n"),
        ({"ROWS": "3-9"}, "{table} has no row 5: ROWS goes past the end\n  rows are counted from 0\n"),
        (
            {"ROWS": f"0,{'9' * 18}"},
            f"{{table}} has no row {'9' * 18}: ROWS goes past the end\n  rows are counted from 0\n",
        ),
        (
            {"ROWS": "1", "NROWS": "2"},
            "ROWS and NROWS exclude each other\n  leave NROWS out: ROWS names each row\n",
        ),
        (
            {"ROWS": "1", "START": "0"},
            "ROWS and START exclude each other\n  leave START out: ROWS names each row\n",
        ),
    ],
)
def test_rows_that_cannot_be(
    table: Path, capsys: pytest.CaptureFixture[str], pargs: dict[str, str], message: str
) -> None:
    files = {name: str(table.with_name(name)) for name in ("empty", "folder", "bytes")}
    Path(files["empty"]).write_text(" \n")
    Path(files["folder"]).mkdir()
    Path(files["bytes"]).write_bytes(b"\xff")
    files["table"] = str(table)
    given = {key: value.format(**files) for key, value in pargs.items()}
    assert refusal(capsys, table, **given) == f"pgen: {message.format(**files)}"


@pytest.fixture
def baked(tmp_path: Path) -> dict[str, str]:
    """The variables of the second of three batches: rows 2 to 4, whose table counts r0 to r6."""
    rows = [[f"r{row}", str(row), str(row * row)] for row in range(7)]
    table = write_table(tmp_path / "baked.csv", ["combo", "param1", "param2"], rows)
    lines = table.read_bytes().splitlines(keepends=True)
    head, part = lines[0], b"".join(lines[3:6])
    return {
        "PARG_CSV": str(table),
        "PARG_START": "2",
        "PARG_NROWS": "3",
        "PARG_INDEX": "combo",
        "PARG_OFFSET": str(len(b"".join(lines[:3]))),
        "PARG_BYTES": str(len(part)),
        "PARG_SHA256": hashlib.sha256(head + part).hexdigest(),
    }


def test_rows_of_a_batch(baked: dict[str, str]) -> None:
    assert rows_of(generate(None, baked, ROWS="2,4")) == [("row_r2", "2,4"), ("row_r4", "4,16")]
    del baked["PARG_INDEX"]
    assert [label for label, _ in rows_of(generate(None, baked, ROWS="3-4"))] == ["row_3", "row_4"]
    assert rows_of(generate(None, {**baked, "PARG_ROWS": "3"})) == [("row_3", "3,9")]
    given = generate(None, {**baked, "PARG_ROWS": "3"}, NROWS="1")
    assert [label for label, _ in rows_of(given)] == ["row_2"], "what is given wins"


@pytest.mark.parametrize("index", [{}, {"INDEX": "combo"}], ids=["baked", "streamed"])
@pytest.mark.parametrize(("text", "row"), [("1", 1), ("0-2", 0), ("2,5", 5), ("4-6", 6), ("0-9", 0)])
def test_rows_of_another_batch(
    baked: dict[str, str], capsys: pytest.CaptureFixture[str], index: dict[str, str], text: str, row: int
) -> None:
    with pytest.raises(SystemExit):
        generate(None, baked, ROWS=text, **index)
    assert capsys.readouterr().err == (
        f"pgen: ROWS names row {row}, and this specification has rows 2 to 4\n"
        "  take the specification that has it, or name the table too: --pargs CSV:FILE\n"
    )
    named = generate(Path(baked["PARG_CSV"]), baked, ROWS="1,5")
    assert [label for label, _ in rows_of(named)] == ["row_1", "row_5"]


def test_the_whole_slice_is_checked_for_one_row(
    baked: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    table = Path(baked["PARG_CSV"])
    table.write_text(table.read_text().replace("r4,4,16", "r4,5,16"))
    with pytest.raises(SystemExit):
        generate(None, baked, ROWS="2")
    assert "is not what it was when the specs were made" in capsys.readouterr().err


@given(wanted=st.sets(st.integers(0, 40), min_size=1), data=st.data())
def test_any_rows_are_those_of_the_whole_table(tmp_path: Path, wanted: set[int], data: st.DataObject) -> None:
    header = ["param1", "param2"]
    table = write_table(tmp_path / "t.csv", header, [[str(row), f"v{row}"] for row in range(41)])
    ordered = data.draw(st.permutations(sorted(wanted)))
    found = rows_of(generate(table, ROWS=",".join(map(str, ordered))))
    assert found == [(f"row_{row}", f"{row},v{row}") for row in sorted(wanted)]


def test_numbers_go_on_from_start(table: Path) -> None:
    numbered = write_table(table.with_name("n.csv"), ["param1", "param2"], [["4", "5"], ["6", "7"]])
    assert [label for label, _ in rows_of(generate(numbered, START="1"))] == ["row_1"]


def test_debug_prints_the_rows(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate(table, INDEX="combo", NROWS="1", DEBUG="true")
    assert capsys.readouterr().out == (
        f"{table}: rows 0 to 0\n  r0: {{'combo': 'r0', 'param1': '0', 'param2': '0'}}\n"
    )


def test_debug_prints_chosen_rows(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate(table, INDEX="combo", ROWS="0-1,3", DEBUG="1")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{table}: rows 0 to 1, 3 to 3"
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["r0", "r1", "r3"]


def test_names_with_spaces_bom_and_crlf(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(b'\xef\xbb\xbf param1 ,param2\r\n1,"a,b"\r\n\r\n3,4')
    assert rows_of(generate(table)) == [("row_0", "1,a,b"), ("row_1", "3,4")]


def test_a_variable_may_name_the_table(table: Path) -> None:
    variables = {"PARG_CSV": f"$(ROOT)/{table.name}", "ROOT": str(table.parent), "PARG_INDEX": "combo"}
    generator = generate(None, variables, NROWS="1")
    assert rows_of(generator) == [("row_r0", "0,0")]


@pytest.mark.parametrize(
    ("pargs", "message"),
    [
        ({"CSV": "nowhere.csv"}, "pgen: nowhere.csv cannot be read: No such file or directory\n"),
        ({"NROWS": "abc"}, "pgen: NROWS must be a whole number, not 'abc'\n"),
        ({"NROWS": "0"}, "pgen: NROWS must be at least 1, not 0\n"),
        ({"NROWS": "-1"}, "pgen: NROWS must be at least 1, not -1\n"),
        ({"START": "-1"}, "pgen: START must be at least 0, not -1\n"),
        ({"START": "1.5"}, "pgen: START must be a whole number, not '1.5'\n"),
        ({"START": "5"}, "pgen: {table} has no row 5: START is past the end\n  rows are counted from 0\n"),
        ({"NROWS": "1" * 20}, "pgen: NROWS must be at most 1000000000000000, not 11111111111111111111\n"),
        ({"UNSAFE": "perhaps"}, "pgen: UNSAFE is yes or no, not 'perhaps'\n"),
        (
            {"OFFSET": "3"},
            (
                "pgen: --pargs 'OFFSET' is not known\n"
                "  known are: CSV, NROWS, START, ROWS, INDEX, DEBUG, SHARED, UNSAFE\n"
            ),
        ),
        (
            {"INDEX": "comb"},
            "pgen: {table} has no column 'comb' (INDEX)\n  its columns are: combo, param1, param2\n",
        ),
        (
            {"NROW": "3"},
            (
                "pgen: --pargs 'NROW' is not known (did you mean 'NROWS'?)\n"
                "  known are: CSV, NROWS, START, ROWS, INDEX, DEBUG, SHARED, UNSAFE\n"
            ),
        ),
    ],
)
def test_arguments_that_cannot_be(
    table: Path, capsys: pytest.CaptureFixture[str], pargs: dict[str, str], message: str
) -> None:
    assert refusal(capsys, table, **pargs) == message.replace("{table}", str(table))


def test_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, None) == (
        "pgen: no table is named\n  pass --pargs CSV:FILE, or use a spec made by genstudy\n"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{table} is empty: a header with the names of the parameters is needed"),
        (b"a,b\n", "{table} has no row 0: START is past the end\n  rows are counted from 0"),
        (b"a,b\n1,2\n3\n", "{table}, row 1: 1 cells, but the header has 2"),
        (b"a,b\n1,2,3\n", "{table}, row 0: 3 cells, but the header has 2"),
        (b"a,A\n1,2\n", "{table}: two columns give the same token $(A)\n  rename one of them"),
        (b"a,a\n1,2\n", "{table}: two columns give the same token $(A)\n  rename one of them"),
        (b",a\n1,2\n", "{table}: the column '' cannot be a parameter\n  rename it"),
        (b"a b\n1\n", "{table}: the column 'a b' cannot be a parameter\n  rename it"),
        (b"a.quoted\n1\n", "{table}: the column 'a.quoted' cannot be a parameter\n  rename it"),
        (
            b"workspace\n1\n",
            "{table}: the column 'workspace' has the name of a variable, $(WORKSPACE)\n  rename it",
        ),
        (b"a;b\n1;2\n", "{table}: the column 'a;b' cannot be a parameter\n  rename it"),
        (b"a\n\xff\n", "{table} is not UTF-8 text\n  save it as UTF-8"),
        (b'a\n"1\n', "{table}, line 2: unexpected end of data"),
        (b'a\n"1\n2"\n', "{table}, row 0, column a: a control character in '1\\n2'"),
    ],
)
def test_tables_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(content)
    assert refusal(capsys, table) == f"pgen: {message.replace('{table}', str(table))}\n"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "a"], "the row id 'a' stands twice"),
        (["a/b", "c"], "the row id 'a/b' cannot name a folder"),
        (["..", "c"], "the row id '..' cannot name a folder"),
    ],
)
def test_row_ids_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ids: list[str], message: str
) -> None:
    table = write_table(tmp_path / "t.csv", ["id", "a"], [[name, "1"] for name in ids])
    assert message in refusal(capsys, table, INDEX="id")


def test_a_column_with_a_variables_name(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        generate(table, {"PARAM1": "x"}, INDEX="combo")
    assert "the column 'param1' has the name of a variable, $(PARAM1)" in capsys.readouterr().err


def test_a_shell_active_value_under_a_bare_token(tmp_path: Path, maestro: Maestro) -> None:
    (tmp_path / "hand.yaml").write_text(HAND_SPEC)
    write_table(tmp_path / "t.csv", ["param1", "param2"], [["1", "2"], ["$(touch X)", "3"]])
    arguments = ["run", "-fg", "-y", "-s", "0", "hand.yaml", "-p", pgen.__file__, "--pargs", "CSV:t.csv"]
    done = maestro(*arguments)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "pgen: t.csv, row 1: step 'say' uses a bare $(PARAM1), and the value '$(touch X)' has shell-active "
        "characters\n  write $(PARAM1.quoted) there, or pass --pargs UNSAFE:yes\n"
    )
    assert not list(tmp_path.rglob("X"))
    done = maestro(*arguments, "--pargs", "UNSAFE:yes")
    assert done.returncode == 0
    assert len(list(tmp_path.rglob("X"))) == 1, "the user asked for it"


@pytest.mark.parametrize("header", ["x,y", "param1,y"])
def test_a_token_that_is_no_column(tmp_path: Path, maestro: Maestro, header: str) -> None:
    (tmp_path / "hand.yaml").write_text(HAND_SPEC.replace("$(PARAM2)", "$(PARAM2) $(date)"))
    write_table(tmp_path / "t.csv", header.split(","), [["1", "2"]])
    done = maestro("run", "-fg", "-y", "-s", "0", "hand.yaml", "-p", pgen.__file__, "--pargs", "CSV:t.csv")
    assert done.returncode == 2
    missing = "PARAM1" if header == "x,y" else "PARAM2"
    assert f"pgen: t.csv has no column for $({missing}), which step 'say' uses\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("out/*/say/*"))


def test_unsafe_no_is_no(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path / "t.csv", ["a"], [["x y"]])
    for word, unsafe in (("no", False), ("0", False), ("yes", True), ("TRUE", True)):
        assert generate(table, UNSAFE=word).unsafe is unsafe
    assert capsys.readouterr().err == ""


def test_mistakes_end_maestro_without_a_traceback(tmp_path: Path, maestro: Maestro, table: Path) -> None:
    (tmp_path / "hand.yaml").write_text(HAND_SPEC)
    done = maestro(
        "run",
        "-fg",
        "-y",
        "hand.yaml",
        "-p",
        pgen.__file__,
        "--pargs",
        f"CSV:{table.name}",
        "--pargs",
        "START:99",
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith(
        "pgen: params.csv has no row 99: START is past the end\n  rows are counted from 0\n"
    )


def test_tokens_in_one_pass(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", ["a", "b"], [["$(B)", "x"]])
    (combination,) = generate(table, UNSAFE="yes").get_combinations()
    text = "$(A) $(A.quoted) $(A.name) $(A.label) $(B.json) $(ROW_ID) $(ROW_ID.label) $(C) $(date +%s) $(a)"
    assert combination.apply(text) == ("$(B) '$''(B)' A A.$(B) \"x\" 0 row_0 $(C) $(date +%s) $(a)")


def test_shared_names_are_of_the_values_used(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", ["a", "b"], [["1", "x"], ["1", "y"], ["2", "x"]])
    names = [c.get_param_string({"A"}) for c in generate(table).get_combinations()]
    assert names[0] == names[1] != names[2]
    assert [c.get_param_string({"A", "ROW_ID"}) for c in generate(table).get_combinations()] == [
        "row_0",
        "row_1",
        "row_2",
    ]
