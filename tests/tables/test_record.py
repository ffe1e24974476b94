"""The record beside a table: whether it belongs, and what it may replace."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.tables.make import make_table
from genstudy.tables.record import TableRecord, read_record, record_bytes, record_path

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
RECORDS = st.builds(
    TableRecord,
    genstudy=TEXT,
    table=st.just("t.csv"),
    bytes=st.just(3),
    rows=st.integers(0),
    columns=st.lists(TEXT).map(tuple),
    index=st.none() | TEXT,
    design=TEXT,
    seed=st.none() | st.integers(0),
    block=st.integers(1),
    parts=st.lists(st.integers(1)).map(tuple),
    earlier=st.lists(PAIRS).map(tuple),
    parameters=PAIRS,
    groups=st.lists(TEXT).map(tuple),
    correlate=st.lists(st.tuples(TEXT, TEXT, st.floats(-1, 1))).map(tuple),
    order=st.none() | TEXT,
    replicates=st.integers(1),
    derive=PAIRS,
    where=st.lists(TEXT).map(tuple),
    exclude=st.lists(TEXT).map(tuple),
    unique=st.booleans(),
    digits=st.none() | st.integers(0, 15),
    quality=st.none() | st.dictionaries(TEXT, st.integers() | st.floats(allow_nan=False)),
    versions=st.dictionaries(TEXT, TEXT),
)


def make(path: Path, *, force: bool = False) -> TableRecord:
    return make_table([parse_parameter("a")], output=path, seed=1, force=force)


@given(RECORDS)
def test_a_record_reads_back(tmp_path: Path, record: TableRecord) -> None:
    table = tmp_path / "t.csv"
    table.write_text("abc")
    record_path(table).write_bytes(record_bytes(record))
    assert read_record(table) == record


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "a.b.csv"])
def test_a_record_has_the_name_of_its_table(name: str) -> None:
    assert record_path(Path("x") / name) in {Path("x/t.json"), Path("x/a.b.json")}


def test_a_record_is_pretty_json_and_knows_no_clock(tmp_path: Path) -> None:
    make(tmp_path / "t.csv")
    text = (tmp_path / "t.json").read_text()
    content = json.loads(text)
    assert text == json.dumps(content, indent=2) + "\n"
    assert list(content) == [
        "format", "genstudy", "table", "bytes", "rows", "columns", "index", "design", "seed", "block",
        "parts", "earlier", "parameters", "groups", "correlate", "order", "replicates", "derive", "where",
        "exclude", "unique", "round", "quality", "versions",
    ]  # fmt: skip
    assert content["parameters"] == [{"name": "a", "law": "int(0, 100)"}]


def test_a_table_that_changed_in_size_has_no_record(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    record = make(table)
    assert read_record(table) == record
    table.write_bytes(table.read_bytes() + b"7\n")
    assert read_record(table) is None


def test_a_renamed_table_has_no_record(tmp_path: Path) -> None:
    make(tmp_path / "t.csv")
    (tmp_path / "t.csv").rename(tmp_path / "u.csv")
    (tmp_path / "t.json").rename(tmp_path / "u.json")
    assert read_record(tmp_path / "u.csv") is None
    assert read_record(tmp_path / "t.csv") is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', '{"format": 2}', "null", "3"])
def test_what_is_no_record_is_none(tmp_path: Path, text: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a\n1\n")
    assert read_record(table) is None
    record_path(table).write_text(text)
    assert read_record(table) is None


def test_another_file_in_its_place_is_kept(tmp_path: Path) -> None:
    other = tmp_path / "t.json"
    other.write_text("mine")
    with pytest.raises(UserError, match="another file has the name"):
        make(tmp_path / "t.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["t.json"]
    assert other.read_text() == "mine"
    make(tmp_path / "t.csv", force=True)
    assert read_record(tmp_path / "t.csv") is not None


def test_a_folder_in_its_place_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "t.json").mkdir()
    with pytest.raises(UserError, match="this is a folder"):
        make(tmp_path / "t.csv", force=True)


def test_the_record_of_another_table_is_kept_while_that_table_is_there(tmp_path: Path) -> None:
    make(tmp_path / "t.csv")
    with pytest.raises(UserError, match=r"the record of t.csv, which is still there"):
        make(tmp_path / "t.parquet")
    (tmp_path / "t.csv").unlink()
    make(tmp_path / "t.parquet")
    assert read_record(tmp_path / "t.parquet") is not None


def test_a_record_whose_table_is_gone_may_go(tmp_path: Path) -> None:
    make(tmp_path / "t.csv")
    (tmp_path / "t.csv").unlink()
    assert read_record(tmp_path / "t.csv") is None
    make(tmp_path / "t.csv")


def test_a_failure_after_the_rows_leaves_neither_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: TableRecord) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genstudy.tables.make.record_bytes", full)
    with pytest.raises(UserError) as caught:
        make(tmp_path / "t.csv")
    assert str(caught.value) == (
        f"{tmp_path / 't.csv'}: cannot be written: No space left on device\n  nothing was left there"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_crash_between_table_and_record_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "t.csv")
    replace = Path.replace

    def crash(self: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "t.csv", force=True)
    assert read_record(tmp_path / "t.csv") is None
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]
