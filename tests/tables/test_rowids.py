"""Row ids: of a form that can name folders, no two the same, wherever they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.tables import streams
from genstudy.tables.read import open_table
from genstudy.tables.rowids import IdCheck, ids_of

pytestmark = pytest.mark.usefixtures("in_tmp")


HINT = (
    "\n  a row id has letters, digits, dots, dashes and underscores, at most 100; or choose another --index"
)


def check_ids(path: Path, index: str | None = "id") -> IdCheck:
    table = open_table(path)
    ids = IdCheck(table, index)
    for block in table.blocks():
        ids.add(block)
    ids.finish()
    return ids


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        check_ids(path)
    return str(caught.value)


@pytest.mark.parametrize("header", ["id,a", "a,id", '"id",a'])
def test_ids_of_every_form(header: str) -> None:
    ids = ["0", "run.1", "A-b_c", "x" * 100, "007", "1e5"]
    rows = [f"{row_id},1" if header != "a,id" else f"1,{row_id}" for row_id in ids]
    Path("t.csv").write_text("\r\n".join([header, *rows]))
    table = open_table(Path("t.csv"))
    assert [row_id for block in table.blocks() for row_id in ids_of(table, block, "id")] == ids
    assert check_ids(Path("t.csv")).longest == 100


@pytest.mark.parametrize(
    "row_id", ["a/b", "..", ".", "-x", "_x", "", " 1", "1 ", "é", "x" * 101, "$(x)", "a:b"]
)
@pytest.mark.parametrize("first", [True, False])
def test_ids_that_cannot_name_a_folder(row_id: str, first: bool) -> None:
    rows = [f"{name},1" if first else f"1,{name}" for name in ("ok", row_id)]
    Path("t.csv").write_text("\n".join(["id,a" if first else "a,id", *rows]))
    assert refusal(Path("t.csv")) == (
        f"t.csv, row 1 (line 3), column id: the row id {row_id!r} cannot name a folder{HINT}"
    )


def test_not_utf8_in_the_index() -> None:
    Path("t.csv").write_bytes(b"id,a\n\xff,1\n")
    with pytest.raises(UserError, match=r"row 0 \(line 2\): byte 1 of the line is not UTF-8"):
        check_ids(Path("t.csv"))


@given(
    first=st.integers(0, 40),
    second=st.integers(0, 40),
    quoted=st.booleans(),
    block_bytes=st.sampled_from([1, 16, 1 << 20]),
)
def test_an_id_that_stands_twice_is_found_across_blocks(
    tmp_path: Path, first: int, second: int, quoted: bool, block_bytes: int
) -> None:
    ids = [f"r{number}" for number in range(41)]
    ids[second] = ids[first]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["id,a", *(f'"{name}",1' if quoted else f"{name},1" for name in ids)]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_BYTES", block_bytes)
        if first == second:
            check_ids(path)
            return
        low, high = sorted((first, second))
        assert refusal(path) == (
            f"{path}, row {high} (line {high + 2}), column id: the row id '{ids[first]}' stands in row {low} "
            "already\n  every row needs an id of its own; without --index rows are numbered"
        )


def test_rows_without_an_index_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", 4)
    Path("t.csv").write_text("a\n" + "7\n" * 12)
    table = open_table(Path("t.csv"))
    found = [row_id for block in table.blocks() for row_id in ids_of(table, block, None)]
    assert found == [str(number) for number in range(12)]
    assert check_ids(Path("t.csv"), None).longest == 2


def test_eight_bytes_a_row_are_kept() -> None:
    Path("t.csv").write_text("id,a\n" + "".join(f"{'x' * 60}{number},1\n" for number in range(1000)))
    ids = check_ids(Path("t.csv"))
    assert ids._hashes.itemsize * len(ids._hashes) == 8 * 1000
